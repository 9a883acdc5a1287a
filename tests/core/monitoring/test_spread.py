"""Percentiles out of a few dozen counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillion.core.monitoring.spread import Spread, spread_of_all

VALUES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=60)


def spread(values: list[float]) -> Spread:
    found = Spread()
    for value in values:
        found = found.with_value(value)
    return found


@given(VALUES, st.sampled_from([50, 95, 99, 100]))
def test_a_percentile_is_never_too_small_and_at_most_a_tenth_too_large(
    values: list[float], percent: float
) -> None:
    found = spread(values).percentile(percent)
    exact = sorted(values)[max(0, -(-len(values) * int(percent) // 100) - 1)]
    assert found is not None
    assert exact * (1 - 1e-6) <= found <= max(1.0, exact) * 1.1 + 1


@given(VALUES, VALUES)
def test_the_spreads_of_two_runs_add_up_to_that_of_both(one: list[float], other: list[float]) -> None:
    both = spread_of_all((spread(one), spread(other)))
    assert both == spread([*one, *other])
    assert both.size == len(one) + len(other)


def test_nothing_seen_has_no_percentile() -> None:
    assert Spread().percentile(95) is None
