"""What a container needed, out of documents as Docker gives them.

The documents of control groups version 1 were recorded from Docker Engine 20.10 (a busy loop on one CPU, with
20 MiB of page cache); those of version 2 have its shape.
"""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.usage import (
    Observed,
    cpu_units_between,
    decode_usage,
    encode_usage,
    memory_mib_of,
    observe,
)

MIB = 1024 * 1024

FIRST: dict[str, Any] = {
    "id": "91ce8440a9a4",
    "read": "2026-11-24T04:33:31.473441664Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 1561607025, "percpu_usage": [11680934, 1549926091]}},
    "memory_stats": {
        "usage": 25423872,
        "max_usage": 26517504,
        "stats": {"cache": 21008384, "inactive_file": 20971520, "rss": 3145728},
    },
}
SECOND: dict[str, Any] = {
    "id": "91ce8440a9a4",
    "read": "2026-11-24T04:33:32.562212895Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 2647822873, "percpu_usage": [11680934, 2636141939]}},
    "memory_stats": {
        "usage": 25419776,
        "max_usage": 26517504,
        "stats": {"cache": 21008384, "inactive_file": 20971520, "rss": 3145728},
    },
}
STOPPED: dict[str, Any] = {
    "id": "91ce8440a9a4",
    "read": "0001-01-01T00:00:00Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 0}},
    "memory_stats": {},
}


def version_2(*, usage: int, inactive_file: int) -> dict[str, Any]:
    stats = {"anon": usage - inactive_file, "file": inactive_file + MIB, "inactive_file": inactive_file}
    return {"memory_stats": {"usage": usage, "stats": stats}}


def test_memory_leaves_out_the_whole_page_cache_under_version_1() -> None:
    assert memory_mib_of(FIRST) == 5  # 4.2 MiB


def test_memory_leaves_out_the_inactive_files_under_version_2() -> None:
    assert memory_mib_of(version_2(usage=100 * MIB, inactive_file=30 * MIB)) == 70


def test_memory_is_the_whole_usage_where_the_cache_is_more_than_it() -> None:
    assert memory_mib_of(version_2(usage=10 * MIB, inactive_file=30 * MIB)) == 10


@pytest.mark.parametrize("sample", [STOPPED, {}, {"memory_stats": None}, {"memory_stats": {"usage": "1"}}])
def test_a_container_that_does_not_run_has_no_memory_and_not_none_of_it(sample: dict[str, Any]) -> None:
    assert memory_mib_of(sample) is None


def test_cpu_is_the_share_of_one_vcpu_between_two_samples() -> None:
    assert cpu_units_between(FIRST, SECOND) == 1022  # 1.086 s of cpu in 1.089 s


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (SECOND, FIRST),
        (FIRST, FIRST),
        (FIRST, STOPPED),
        (FIRST, {**SECOND, "id": "another"}),
        (FIRST, {**SECOND, "read": "soon"}),
        (FIRST, {**SECOND, "cpu_stats": {"cpu_usage": {"total_usage": 5}}}),
        ({}, {}),
    ],
)
def test_samples_that_cannot_be_compared_say_nothing_about_cpu(
    before: dict[str, Any], now: dict[str, Any]
) -> None:
    assert cpu_units_between(before, now) is None


def test_the_most_of_each_number_stays() -> None:
    known = observe(Observed(), None, FIRST)
    assert known == Observed(memory_mib=5)
    assert observe(Observed(memory_mib=90, cpu_units=3), FIRST, SECOND) == Observed(
        memory_mib=90, cpu_units=1022
    )
    assert observe(Observed(memory_mib=1, cpu_units=2000), FIRST, SECOND) == Observed(
        memory_mib=5, cpu_units=2000
    )


def test_usage_survives_being_written_down() -> None:
    usage = {"app": Observed(memory_mib=5, cpu_units=1022), "agent": Observed(memory_mib=1)}
    assert decode_usage(encode_usage(usage)) == usage


@pytest.mark.parametrize("value", [None, [], "x", {"app": 5}])
def test_usage_that_cannot_be_read_is_not_known(value: object) -> None:
    assert decode_usage(value) == {}
