"""What two looks at a container say together."""

from __future__ import annotations

from msgspec.structs import replace

from pillion.core.monitoring.sample import Rates, Sample, Traffic, rates_between

FIRST = Sample(
    at_s=100.0,
    cpu_ns=1_000_000_000,
    throttled_ns=0,
    memory_bytes=1,
    received=Traffic(bytes=1000),
    sent=Traffic(bytes=50),
    read_bytes=4096,
    written_bytes=0,
)
SECOND = replace(
    FIRST,
    at_s=110.0,
    cpu_ns=6_000_000_000,
    throttled_ns=2_000_000_000,
    received=Traffic(bytes=3000),
    sent=Traffic(bytes=50),
    written_bytes=8192,
)


def test_rates_are_what_grew_over_the_time_that_went_by() -> None:
    assert rates_between(FIRST, SECOND) == Rates(
        cpu_units=512.0,
        throttled=0.2,
        received_bytes_per_s=200.0,
        sent_bytes_per_s=0.0,
        read_bytes_per_s=0.0,
        written_bytes_per_s=819.2,
    )


def test_there_is_no_rate_without_time_or_across_a_restart() -> None:
    assert rates_between(FIRST, replace(SECOND, at_s=100.0)) is None
    assert rates_between(SECOND, FIRST) is None
    assert rates_between(FIRST, replace(SECOND, cpu_ns=5)) is None


def test_a_container_without_a_network_of_its_own_has_no_rate_of_it() -> None:
    rates = rates_between(replace(FIRST, received=None), replace(SECOND, received=None))
    assert rates is not None
    assert (rates.received_bytes_per_s, rates.sent_bytes_per_s) == (None, 0.0)
