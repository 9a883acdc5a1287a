"""How far output was read, and the stamps by which that is known."""

from __future__ import annotations

import pytest

from pillion.core.log_position import WINDOW_LINES, LogPosition, ReadingMark, seconds_of, stamp_of


def test_the_last_stamps_are_remembered_and_the_latest_of_those_before() -> None:
    mark = ReadingMark()
    for stamp in ["b", "a", *("c" for _ in range(WINDOW_LINES))]:
        mark.add(stamp)
    assert mark.position == LogPosition(lines=WINDOW_LINES + 2, before="b", stamps=("c",) * WINDOW_LINES)


def test_a_reading_that_goes_on_counts_on() -> None:
    position = LogPosition(lines=7, before="a", stamps=("b",))
    mark = ReadingMark(position)
    assert mark.position == position
    mark.add("c")
    assert mark.position == LogPosition(lines=8, before="a", stamps=("b", "c"))


@pytest.mark.parametrize(
    ("at_s", "stamp"),
    [
        (0.0, "1970-01-01T00:00:00.000000000Z"),
        (1795486830.25, "2026-11-24T02:20:30.250000000Z"),
        (1795486830.9999999, "2026-11-24T02:20:31.000000000Z"),
    ],
)
def test_a_time_is_written_as_docker_writes_it(at_s: float, stamp: str) -> None:
    assert stamp_of(at_s) == stamp
    assert seconds_of(stamp) == pytest.approx(at_s, abs=1e-6)


@pytest.mark.parametrize("stamp", ["2026-11-24T02:20:30Z", "2026-11-24T02:20:30"])
def test_a_stamp_without_a_fraction_is_understood(stamp: str) -> None:
    assert seconds_of(stamp) == 1795486830.0
