"""The timeline of a case as SVG, to stand inside a page: one bar per container, the fault, the URL. Pure.

Below each bar a thin one shows what was predicted.

Colours come from the page's style sheet by class, so that light and dark are decided there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from msgspec import Struct

from pillion.core.timeline.axis import Axis, make_axis, short_duration
from pillion.core.timeline.tracks import Track, tracks_of
from pillion.drilling.recording import Answer, Recording

COLUMNS = 90
_COLUMN = 6.4
_LEFT, _RIGHT, _TOP, _ROW, _BAR = 118, 150, 34, 24, 12
_THIN = 3
_NAME_LENGTH_MAX = 16
_LEAST_S = 0.5
WIDTH = _LEFT + COLUMNS * _COLUMN + _RIGHT


class _Mark(Struct, frozen=True, kw_only=True):
    """A moment that is marked over all rows."""

    at_s: float
    word: str


def chart_svg(
    recording: Recording, *, title: str, struck: str | None = None, prediction: Recording | None = None
) -> str:
    """Return the chart of a run up to its stop, times from the start of the task.

    Args:
        recording: the run.
        title: what it shows, for those who cannot see it.
        struck: the container that is harmed; its name is drawn strong.
        prediction: drawn as a thin line below each bar, so that the two faults stand above each other.
    """
    zero_s = recording.began_at_s
    tracks, ends_s = _tracks(recording, zero_s)
    predicted: dict[str, Track] = {}
    if prediction is not None and recording.struck_at_s is not None:
        shifted_s = (prediction.struck_at_s or 0.0) - (recording.struck_at_s - zero_s)
        last_s = prediction.last.stopped_at_s
        wanted_s = ends_s if last_s is None else max(ends_s, last_s - shifted_s)
        predicted = {
            track.name: track
            for track in _tracks(prediction, shifted_s, ends_s=wanted_s, goes_on=last_s is None)[0]
        }
        ends_s = wanted_s
    marks = [
        _Mark(at_s=at_s - zero_s, word=word)
        for at_s, word in ((recording.struck_at_s, "fault"), (recording.lifted_at_s, "taken back"))
        if at_s is not None and at_s - zero_s <= ends_s
    ]
    looks = [look for look in recording.answers if look.at_s - zero_s <= ends_s]
    spans = [span for track in (*tracks, *predicted.values()) for span in track.spans]
    changes = [at_s for span in spans for at_s in (span.begins_s, span.ends_s)]
    turns = [look.at_s - zero_s for look in looks if not look.is_good]
    axis = make_axis([*changes, *turns, *(mark.at_s for mark in marks)], ends_s=ends_s, width=COLUMNS)
    height = _TOP + (len(tracks) + bool(looks)) * _ROW + 8
    lines = [_opening(title, height), *_axis_lines(axis, height)]
    for number, track in enumerate(tracks):
        y = _TOP + number * _ROW
        lines += _row(track, axis, y, strong=track.name == struck)
        if track.name in predicted:
            lines += _bars(predicted[track.name], axis, y + _BAR + 2, _THIN, "predicted")
    if looks:
        lines += _answer_row(looks, zero_s, ends_s, axis, _TOP + len(tracks) * _ROW)
    lines += [line for mark in marks for line in _mark(mark, axis, height)]
    return "\n".join([*lines, "</svg>"])


def _tracks(
    recording: Recording, zero_s: float, *, ends_s: float | None = None, goes_on: bool = False
) -> tuple[tuple[Track, ...], float]:
    """Return the tracks from `zero_s` on, and where they end: at the stop, the task's own or ours."""
    stops = (recording.asked_at_s, recording.last.stopped_at_s)
    own_s = min((at_s for at_s in stops if at_s is not None), default=recording.ended_at_s) - zero_s
    own_s = ends_s if goes_on and ends_s is not None else max(own_s, _LEAST_S if ends_s is None else 0.0)
    history = [
        (max(at_s - zero_s, 0.0), state) for at_s, state in recording.history if at_s - zero_s <= own_s
    ]
    return tracks_of(history or [(0.0, recording.history[0][1])], ended_at_s=own_s), own_s


def _opening(title: str, height: int) -> str:
    size = f'viewBox="0 0 {WIDTH:g} {height}" width="{WIDTH:g}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{escape(title, quote=True)}">'


def x_of(axis: Axis, at_s: float) -> float:
    """Return where a time is drawn, in pixels."""
    for stretch in axis.stretches:
        if at_s <= stretch.ends_s:
            share = (max(at_s, stretch.begins_s) - stretch.begins_s) / (stretch.ends_s - stretch.begins_s)
            return _LEFT + (stretch.first + share * (stretch.last - stretch.first)) * _COLUMN
    return _LEFT + axis.width * _COLUMN


def _axis_lines(axis: Axis, height: float) -> list[str]:
    lines = []
    for column, text in axis.labels():
        x = _LEFT + column * _COLUMN
        lines.append(f'<path class="grid" d="M{x:.1f} {_TOP - 6}V{height - 6}"/>')
        lines.append(f'<text class="tick" x="{x:.1f}" y="{_TOP - 10}">{text}</text>')
    for stretch in axis.stretches:
        if stretch.cut:
            x, width = _LEFT + stretch.first * _COLUMN, (stretch.last - stretch.first) * _COLUMN
            left_out = short_duration(round(stretch.ends_s - stretch.begins_s, 1))
            lines.append(
                f'<rect class="cut" x="{x:.1f}" y="{_TOP - 6}" width="{width:.1f}" height="{height - _TOP}">'
                f"<title>{left_out} left out</title></rect>"
            )
    return lines


def _row(track: Track, axis: Axis, y: float, *, strong: bool) -> list[str]:
    name = track.name if len(track.name) <= _NAME_LENGTH_MAX else f"{track.name[: _NAME_LENGTH_MAX - 1]}…"
    kind = "name struck" if strong else "name"
    star = " *" if track.essential else ""
    lines = [
        f'<text class="{kind}" x="{_LEFT - 8}" y="{y + 11:g}" text-anchor="end">{escape(name)}{star}',
        f"<title>{escape(track.name)}</title></text>",
    ]
    lines += _bars(track, axis, y, _BAR, "")
    x = _LEFT + COLUMNS * _COLUMN + 8
    lines.append(f'<text class="end" x="{x:.1f}" y="{y + 11:g}">{escape(track.ending)}</text>')
    return lines


def _bars(track: Track, axis: Axis, y: float, height: int, what: str) -> list[str]:
    lines = []
    for span in track.spans:
        x, to = x_of(axis, span.begins_s), x_of(axis, span.ends_s)
        words = f"{what} {span.phase.value}: {span.begins_s:.2f} s to {span.ends_s:.2f} s".strip()
        lines.append(
            f'<rect class="{span.phase.value}" x="{x:.1f}" y="{y:g}" width="{max(to - x, 1.2):.1f}" '
            f'height="{height}" rx="{min(height / 2, 2):g}"><title>{words}</title></rect>'
        )
    return lines


def _answer_row(looks: Sequence[Answer], zero_s: float, ends_s: float, axis: Axis, y: float) -> list[str]:
    lines = [f'<text class="name" x="{_LEFT - 8}" y="{y + 11:g}" text-anchor="end">answers</text>']
    runs = [(good, list(part)) for good, part in groupby(looks, key=lambda look: look.is_good)]
    begins = [part[0].at_s - zero_s for _, part in runs]
    answered = False
    for (good, part), begin_s, end_s in zip(runs, begins, [*begins[1:], ends_s], strict=True):
        x, to = x_of(axis, begin_s), x_of(axis, end_s)
        words = "answers" if good else part[0].error or f"status {part[0].status}"
        kind = "answers" if good else "silent" if answered else "waits"  # it has to come up first
        answered = answered or good
        lines.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y + 3:g}" '
            f'width="{max(to - x, 1.2):.1f}" height="{_BAR - 6}"><title>{escape(words)}</title></rect>'
        )
    good = sum(look.is_good for look in looks)
    x = _LEFT + COLUMNS * _COLUMN + 8
    lines.append(f'<text class="end" x="{x:.1f}" y="{y + 11:g}">{good} of {len(looks)} looks</text>')
    return lines


def _mark(mark: _Mark, axis: Axis, height: float) -> list[str]:
    x = x_of(axis, mark.at_s)
    return [
        f'<path class="mark" d="M{x:.1f} 14V{height - 4}"/>',
        f'<text class="mark-word" x="{x:.1f}" y="10" text-anchor="middle">{mark.word}</text>',
    ]
