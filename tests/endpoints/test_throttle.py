from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillion.endpoints.throttle import Throttle


def test_a_burst_of_60_goes_through_and_then_40_a_second() -> None:
    throttle = Throttle()
    burst = [throttle.admit("10.0.0.1", "/v4/a", 100.0) for _ in range(100)]
    after_a_second = [throttle.admit("10.0.0.1", "/v4/a", 101.0) for _ in range(100)]
    assert (burst.count(True), after_a_second.count(True)) == (60, 40)
    assert burst == sorted(burst, reverse=True)


def test_a_long_pause_gives_a_burst_and_no_more() -> None:
    throttle = Throttle(rate_per_s=10, burst=5)
    admitted = [throttle.admit("a", "/", at_s) for at_s in (0.0, *[1000.0] * 20)]
    assert admitted.count(True) == 1 + 5


def test_addresses_and_paths_are_counted_apart() -> None:
    throttle = Throttle(burst=1)
    keys = [("a", "/x"), ("a", "/y"), ("b", "/x")]
    assert [throttle.admit(*key, 0.0) for key in keys] == [True] * 3
    assert [throttle.admit(*key, 0.0) for key in keys] == [False] * 3


def test_the_bucket_longest_unused_is_forgotten_first() -> None:
    throttle = Throttle(burst=1, buckets_max=2)
    for path in ("/old", "/kept", "/old", "/new"):
        throttle.admit("a", path, 0.0)
    assert [throttle.admit("a", path, 0.0) for path in ("/old", "/kept")] == [False, True]


@given(st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_burst_and_rate_allow(pauses_s: list[float]) -> None:
    throttle, now_s, admitted = Throttle(rate_per_s=2, burst=3), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        admitted += throttle.admit("a", "/", now_s)
    assert admitted <= 3 + 2 * now_s + 1e-6
