from __future__ import annotations

import pytest

from pillion.endpoints.gojson import encode, number, present, timestamp


@pytest.mark.parametrize(
    ("at_s", "text"),
    [
        (None, None),
        (0.0, "1970-01-01T00:00:00Z"),
        (1767323045.0, "2026-01-02T03:04:05Z"),
        (1767323045.6, "2026-01-02T03:04:05.6Z"),
        (1767323045.123456, "2026-01-02T03:04:05.123456Z"),
    ],
)
def test_times_have_a_fraction_only_where_there_is_one(at_s: float | None, text: str | None) -> None:
    assert timestamp(at_s) == text


def test_empty_members_are_left_out_and_zero_and_false_stay() -> None:
    shape: dict[str, object] = {"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False, "g": "x"}
    assert present(shape) == {"e": 0, "f": False, "g": "x"}


def test_whole_numbers_have_no_fraction() -> None:
    assert [repr(number(value)) for value in (1.0, 0.25, 4)] == ["1", "0.25", "4"]


def test_json_is_compact_and_keeps_letters() -> None:
    assert encode({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()
