"""The time axis of a chart: which column shows which time, where nobody looks at a long even time.

The scale is even, except that a stretch in which nothing changes is cut to a few columns where it would
squeeze all the rest: a task that starts in ten seconds and is stopped after an hour shows both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

CUT_COLUMNS = 5
CUTS_MAX = 4
CUT_LEAST_S = 10.0
"""A shorter stretch is never cut."""

CUT_SHARE = 0.6
"""A stretch is cut that takes more than this share of the whole time."""

LABEL_GAP = 3
_DIGITS = 3
"""Times are told apart by the millisecond."""

_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 2 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0),
)
_LABEL_ROOM = 9
"""Columns between two labels of an even stretch."""


class Stretch(Struct, frozen=True, kw_only=True):
    """Columns `first` up to `last` (not included) that show one time evenly, or leave it out."""

    begins_s: float
    ends_s: float
    first: int
    last: int
    cut: bool


class Axis(Struct, frozen=True, kw_only=True):
    """A time axis of `width` columns."""

    stretches: tuple[Stretch, ...]
    width: int

    def time_of(self, column: int) -> float:
        """Return the time at the left edge of a column, in seconds."""
        firsts = [stretch.first for stretch in self.stretches]
        stretch = self.stretches[max(bisect_right(firsts, column) - 1, 0)]
        share = (column - stretch.first) / (stretch.last - stretch.first)
        return stretch.begins_s + share * (stretch.ends_s - stretch.begins_s)

    def is_cut(self, column: int) -> bool:
        """Say whether a column stands for time that is left out."""
        return any(item.cut and item.first <= column < item.last for item in self.stretches)

    def labels(self) -> tuple[tuple[int, str], ...]:
        """Return the columns that get a label, with it; no two labels touch."""
        found: list[tuple[int, str]] = []
        for column, at_s in self._ticks():
            text = short_duration(at_s)
            free = found[-1][0] + len(found[-1][1]) + LABEL_GAP - 1 if found else 0
            if column >= free and column + len(text) <= self.width + LABEL_GAP:
                found.append((column, text))
        return tuple(found)

    def _ticks(self) -> list[tuple[int, float]]:
        ticks: list[tuple[int, float]] = []
        for stretch in self.stretches:
            if stretch.cut:
                continue
            columns = stretch.last - stretch.first
            scale_s = (stretch.ends_s - stretch.begins_s) / columns
            step_s = next((step for step in _STEPS_S if step >= _LABEL_ROOM * scale_s), _STEPS_S[-1])
            number = int(stretch.begins_s // step_s)
            while (at_s := number * step_s) < stretch.ends_s:
                if at_s >= stretch.begins_s:
                    ticks.append((stretch.first + round((at_s - stretch.begins_s) / scale_s), at_s))
                number += 1
        return ticks


def make_axis(changes_s: Iterable[float], *, ends_s: float, width: int) -> Axis:
    """Return an axis from 0 to `ends_s`.

    Args:
        changes_s: when something changes that the chart shows.
        ends_s: the end of the axis.
        width: how many columns there are.
    """
    ends_s = round(ends_s, _DIGITS)
    inside = {at_s for at_s in (round(at_s, _DIGITS) for at_s in changes_s) if 0.0 < at_s < ends_s}
    gaps = list(pairwise(sorted({0.0, ends_s, *inside})))
    if not gaps:
        return Axis(
            stretches=(Stretch(begins_s=0.0, ends_s=1.0, first=0, last=width, cut=False),), width=width
        )
    cuts = _cuts(gaps)
    merged = _merged(gaps, cuts)
    shown_s = sum(ends - begins for begins, ends in merged if (begins, ends) not in cuts)
    room = width - CUT_COLUMNS * len(cuts)
    stretches = []
    passed_s, cut_before = 0.0, 0
    for begins, ends in merged:
        first = round(passed_s / shown_s * room) + cut_before
        is_cut = (begins, ends) in cuts
        if is_cut:
            cut_before += CUT_COLUMNS
        else:
            passed_s += ends - begins
        last = round(passed_s / shown_s * room) + cut_before
        if last > first:
            stretches.append(Stretch(begins_s=begins, ends_s=ends, first=first, last=last, cut=is_cut))
    return Axis(stretches=tuple(stretches), width=width)


def short_duration(seconds: float) -> str:
    """Return a time as short as it is exact: 0s, 1.5s, 90s as 1m30s, 2h."""
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)


def _cuts(gaps: list[tuple[float, float]]) -> set[tuple[float, float]]:
    cuts: set[tuple[float, float]] = set()
    while len(cuts) < CUTS_MAX:
        left = [gap for gap in gaps if gap not in cuts]
        longest = max(left, key=_length)
        rest_s = sum(map(_length, left)) - _length(longest)
        if (
            rest_s <= 0
            or _length(longest) < CUT_LEAST_S
            or _length(longest) <= CUT_SHARE * (rest_s + _length(longest))
        ):
            break
        cuts.add(longest)
    return cuts


def _length(gap: tuple[float, float]) -> float:
    return gap[1] - gap[0]


def _merged(gaps: list[tuple[float, float]], cuts: set[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join what lies between two cuts."""
    found: list[tuple[float, float]] = []
    for gap in gaps:
        if found and gap not in cuts and found[-1] not in cuts:
            found[-1] = (found[-1][0], gap[1])
        else:
            found.append(gap)
    return found
