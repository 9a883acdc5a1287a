"""What a container needed, out of samples."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pillion.core.monitoring.sample import Sample
from pillion.core.monitoring.spread import Spread
from pillion.core.usage import Observed, decode_usage, encode_usage, observe, together

MIB = 1024 * 1024

FIRST = Sample(at_s=1000.0, cpu_ns=1_561_607_025, memory_bytes=4_452_352)
SECOND = Sample(at_s=1001.089, cpu_ns=2_647_822_873, memory_bytes=4_448_256)


def test_the_most_of_each_number_stays_and_every_look_counts() -> None:
    known = observe(Observed(), None, FIRST)
    assert known == Observed(memory_mib=5, memory=Spread(counts={16: 1}))  # 4.25 MiB; 1.1 ** 16 is 4.6
    known = observe(known, FIRST, SECOND)
    assert (known.memory_mib, known.cpu_units) == (5, 1022)  # 1.086 s of CPU in 1.089 s
    assert (known.memory.size, known.cpu.size) == (2, 1)
    assert known.watched_s == pytest.approx(1.089)
    assert observe(replace(known, memory_mib=90), FIRST, SECOND).memory_mib == 90


def test_samples_that_cannot_be_compared_say_nothing_about_cpu() -> None:
    again = replace(SECOND, cpu_ns=5)
    assert observe(Observed(), FIRST, again).cpu_units is None
    assert observe(Observed(), SECOND, FIRST).cpu_units is None


def test_several_runs_together_have_the_most_of_each_and_all_that_was_seen() -> None:
    one = observe(observe(Observed(), None, FIRST), FIRST, SECOND)
    other = observe(Observed(), None, replace(FIRST, memory_bytes=60 * MIB))
    both = together((one, other))
    assert (both.memory_mib, both.cpu_units, both.watched_s) == (60, 1022, one.watched_s)
    assert (both.memory.size, both.cpu.size) == (3, 1)
    assert together(()) == Observed()


def test_usage_survives_being_written_down() -> None:
    usage = {
        "app": observe(observe(Observed(), None, FIRST), FIRST, SECOND),
        "agent": Observed(memory_mib=1),
    }
    assert decode_usage(encode_usage(usage)) == usage


def test_usage_of_an_early_pillion_is_read() -> None:
    usage = {"app": {"memoryMiB": 5, "cpu": 1022}}
    assert decode_usage(usage) == {"app": Observed(memory_mib=5, cpu_units=1022)}


@pytest.mark.parametrize("value", [None, [], "x", {"app": 5}])
def test_usage_that_cannot_be_read_is_not_known(value: object) -> None:
    assert decode_usage(value) == {}
