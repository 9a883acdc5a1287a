"""The chart of a task: one row per container, one character per phase, time from left to right.

Colours are the caller's: `paint` gets each run of equal characters and may wrap it. The characters alone
say everything; ASCII ones serve where others cannot be printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from pillion.core.timeline.axis import Axis, make_axis
from pillion.core.timeline.tracks import Phase, Span, Track

Paint = Callable[[str, Phase], str]

WIDTH_MIN = 20
NAME_LENGTH_MAX = 32


class Alphabet(Struct, frozen=True, kw_only=True):
    """The characters of a chart."""

    phases: Mapping[Phase, str]
    cut: str
    line: str
    tick: str


BLOCKS = Alphabet(
    phases={
        Phase.WAITS: "·",
        Phase.PULLS: "░",
        Phase.STARTS: "▒",
        Phase.RUNS: "▬",
        Phase.HEALTHY: "█",
        Phase.UNHEALTHY: "╳",
        Phase.STOPS: "▼",
    },
    cut="≈",
    line="─",
    tick="┬",
)
ASCII = Alphabet(
    phases={
        Phase.WAITS: ".",
        Phase.PULLS: "~",
        Phase.STARTS: ":",
        Phase.RUNS: "=",
        Phase.HEALTHY: "#",
        Phase.UNHEALTHY: "x",
        Phase.STOPS: "v",
    },
    cut="/",
    line="-",
    tick="+",
)


def plain(text: str, phase: Phase) -> str:
    """Paint nothing."""
    return text


def chart_lines(
    tracks: Sequence[Track],
    *,
    ends_s: float,
    columns: int,
    alphabet: Alphabet = BLOCKS,
    paint: Paint = plain,
) -> list[str]:
    """Return a chart of times from 0 to `ends_s`.

    Args:
        tracks: what each container did; times in seconds from the start of the task.
        ends_s: where the chart ends.
        columns: how wide a line may be. Names, and how containers ended, come out of it.
        alphabet: the characters to draw with.
        paint: colours a run of characters of one phase.
    """
    names = [f"{_cut_name(track.name)}{' *' if track.essential else '  '}" for track in tracks]
    left = max((len(name) for name in names), default=0) + 2
    right = max((len(track.ending) for track in tracks), default=0) + 2
    axis = make_axis(
        [at_s for track in tracks for span in track.spans for at_s in (span.begins_s, span.ends_s)],
        ends_s=ends_s,
        width=max(columns - left - right, WIDTH_MIN),
    )
    rows = [
        f"{name:{left}}{_bar(track.spans, axis, alphabet, paint)}  {track.ending}"
        for name, track in zip(names, tracks, strict=True)
    ]
    return [
        *(f"{'':{left}}{line}".rstrip() for line in _axis_lines(axis, alphabet)),
        *rows,
        "",
        _legend(tracks, axis, alphabet, paint),
    ]


def _cut_name(name: str) -> str:
    return name if len(name) <= NAME_LENGTH_MAX else f"{name[: NAME_LENGTH_MAX - 1]}…"


def _axis_lines(axis: Axis, alphabet: Alphabet) -> tuple[str, str]:
    labels = axis.labels()
    words = ""
    for column, text in labels:
        words = words.ljust(column) + text
    ticks = {column for column, _ in labels}
    line = "".join(
        alphabet.cut if axis.is_cut(column) else alphabet.tick if column in ticks else alphabet.line
        for column in range(axis.width)
    )
    return words, line


def _bar(spans: Sequence[Span], axis: Axis, alphabet: Alphabet, paint: Paint) -> str:
    phases = [
        None if span is None else span.phase
        for span in (
            _longest(spans, axis.time_of(column), axis.time_of(column + 1)) for column in range(axis.width)
        )
    ]
    parts = []
    for phase, run in groupby(phases):
        length = len(list(run))
        parts.append(" " * length if phase is None else paint(alphabet.phases[phase] * length, phase))
    return "".join(parts)


def _longest(spans: Sequence[Span], begins_s: float, ends_s: float) -> Span | None:
    """Return the span that takes most of a column's time; a container that ended in it leaves its mark."""
    inside = [span for span in spans if span.begins_s < ends_s and span.ends_s > begins_s]
    return max(inside, key=lambda span: min(span.ends_s, ends_s) - max(span.begins_s, begins_s), default=None)


def _legend(tracks: Sequence[Track], axis: Axis, alphabet: Alphabet, paint: Paint) -> str:
    seen = {span.phase for track in tracks for span in track.spans}
    parts = [f"{paint(alphabet.phases[phase], phase)} {phase.value}" for phase in Phase if phase in seen]
    if any(stretch.cut for stretch in axis.stretches):
        parts.append(f"{alphabet.cut} time left out")
    if any(track.essential for track in tracks):
        parts.append("* essential")
    return "  ".join(parts)
