"""Moments as people type and read them."""

from __future__ import annotations

from datetime import datetime

import pytest

from pillion.cli.times import local_time, parse_moment


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("90s", 910.0),
        ("10m", 400.0),
        ("1970-01-01T00:01:40Z", 100.0),
        ("1970-01-01T01:01:40.5+01:00", 100.5),
        ("2026-11-24", datetime(2026, 11, 24).astimezone().timestamp()),
    ],
)
def test_a_moment_is_how_long_ago_or_a_time(text: str, at_s: float) -> None:
    assert parse_moment(text, 1000.0) == at_s


@pytest.mark.parametrize("text", ["", "yesterday", "10x", "2026-13-01", "12:30:00:00"])
def test_what_is_no_moment_is_answered_with_what_would_be_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no moment\. Write how long ago \(10m, 90s\), or a time like"):
        parse_moment(text, 1000.0)


def test_a_time_is_shown_in_the_zone_of_whoever_reads_it() -> None:
    at_s = datetime(2026, 11, 24, 2, 20, 30, 250_000).astimezone().timestamp()
    assert local_time(at_s) == "02:20:30.250"
    assert local_time(at_s, date=True) == "2026-11-24 02:20:30.250"
