from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.timeline.axis import CUT_COLUMNS, make_axis, short_duration


def test_an_even_axis_spreads_time_over_all_columns() -> None:
    axis = make_axis([2.0, 5.0], ends_s=10.0, width=20)
    assert [axis.time_of(column) for column in (0, 10, 20)] == [0.0, 5.0, 10.0]
    assert axis.labels() == ((0, "0s"), (10, "5s"))


def test_a_long_stretch_without_change_is_cut() -> None:
    axis = make_axis([2.0, 5.0, 10.0, 3600.0], ends_s=3601.0, width=60)
    cut = [column for column in range(60) if axis.is_cut(column)]
    assert len(cut) == CUT_COLUMNS
    assert axis.time_of(cut[0]) == pytest.approx(10.0)
    assert axis.time_of(cut[-1] + 1) == pytest.approx(3600.0)


def test_a_short_task_is_never_cut() -> None:
    axis = make_axis([0.1, 9.0], ends_s=9.1, width=60)
    assert not any(axis.is_cut(column) for column in range(60))


def test_a_stretch_is_not_cut_where_nothing_else_would_be_left() -> None:
    axis = make_axis([], ends_s=3600.0, width=60)
    assert not any(axis.is_cut(column) for column in range(60))


@given(
    changes=st.lists(st.floats(min_value=0, max_value=1e5), max_size=30),
    ends_s=st.floats(min_value=0, max_value=1e5),
    width=st.integers(min_value=30, max_value=200),
)
def test_time_never_runs_backwards_and_labels_never_touch(
    changes: list[float], ends_s: float, width: int
) -> None:
    axis = make_axis(changes, ends_s=ends_s, width=width)
    times = [axis.time_of(column) for column in range(width + 1)]
    assert times == sorted(times)
    labels = axis.labels()
    assert all(column + len(text) < following for (column, text), (following, _) in pairwise(labels))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (1.5, "1.5s"), (59.9994, "59.999s"), (90, "1m30s"), (3600, "1h"), (3725, "1h2m5s")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert short_duration(seconds) == text
