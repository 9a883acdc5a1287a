"""What the kernel and the engine count, in the words of each source.

The files of version 1 and the statistics are those of one container of Docker Engine 20.10, shortened; those
of version 2 have the shape that the kernel documents (Documentation/admin-guide/cgroup-v2.rst).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pillion.core.monitoring.sample import Sample, Traffic
from pillion.engines.docker.counters import (
    groups_of,
    sample_of_stats,
    sample_v1,
    sample_v2,
    traffic_of,
)

V1 = {
    "memory/memory.stat": (
        "cache 1163264\nrss 49152\ninactive_file 1146880\nhierarchical_memory_limit 67108864\n"
        "total_cache 1163264\ntotal_inactive_file 1146880\n"
    ),
    "memory/memory.usage_in_bytes": "1617920\n",
    "cpuacct/cpuacct.usage": "24023182\n",
    "cpu/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 150000000\n",
    "blkio/blkio.throttle.io_service_bytes": (
        "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 4608\n8:16 Read 100\n8:16 Write 0\nTotal 4708\n"
    ),
    "pids/pids.current": "3\n",
}
V2 = {
    "cpu.stat": "usage_usec 24023\nuser_usec 20000\nsystem_usec 4023\nnr_periods 7\nthrottled_usec 150000\n",
    "memory.current": "1617920\n",
    "memory.max": "67108864\n",
    "memory.stat": "anon 49152\nfile 1163264\ninactive_file 1146880\nactive_file 16384\n",
    "io.stat": "8:0 rbytes=4096 wbytes=512 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=100 wbytes=0\n",
    "pids.current": "3\n",
}
TRAFFIC = (Traffic(bytes=200, packets=2), Traffic(bytes=90, packets=1, errors=4, dropped=5))
NET_DEV = """\
Inter-|   Receive                                       |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier
    lo: 9999 99 0 0 0 0 0 0 9999 99 0 0 0 0 0 0
  eth0: 150 1 0 0 0 0 0 0 90 1 4 5 0 0 0 0
ecs-eth0: 7777 77 0 0 0 0 0 0 7777 77 0 0 0 0 0 0
  eth1:50 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""


def expected(**changes: Any) -> Sample:
    values: dict[str, Any] = {
        "at_s": 5.0,
        "cpu_ns": 24_023_182,
        "throttled_ns": 150_000_000,
        "memory_bytes": 1617920 - 1146880,
        "memory_limit_bytes": 64 * 1024 * 1024,
        "received": TRAFFIC[0],
        "sent": TRAFFIC[1],
        "read_bytes": 4196,
        "written_bytes": 512,
        "processes": 3,
    }
    return Sample(**{**values, **changes})


def files(texts: Mapping[str, str]) -> Callable[[str], str]:
    def read(name: str) -> str:
        if name not in texts:
            raise FileNotFoundError(name)
        return texts[name]

    return read


def test_the_files_of_version_1_become_a_sample() -> None:
    assert sample_v1(files(V1), TRAFFIC, 5.0) == expected()


def test_the_files_of_version_2_become_the_same_sample() -> None:
    assert sample_v2(files(V2), TRAFFIC, 5.0) == expected(cpu_ns=24_023_000)  # it counts microseconds


def test_the_limit_of_version_1_is_that_of_the_task_where_it_is_lower() -> None:
    nobody = V1["memory/memory.stat"].replace("67108864", "9223372036854771712")
    sample = sample_v1(files({**V1, "memory/memory.stat": nobody}), None, 5.0)
    assert sample == expected(memory_limit_bytes=None, received=None, sent=None)


def test_no_limit_of_version_2_is_no_limit() -> None:
    sample = sample_v2(files({**V2, "memory.max": "max\n"}), TRAFFIC, 5.0)
    assert sample.memory_limit_bytes is None


@pytest.mark.parametrize(("above", "expected"), [("max", 67108864), ("4096", 4096), ("99999999", 67108864)])
def test_the_limit_of_version_2_is_that_of_the_task_where_it_is_lower(above: str, expected: int) -> None:
    sample = sample_v2(files({**V2, "../memory.max": f"{above}\n"}), TRAFFIC, 5.0)
    assert sample.memory_limit_bytes == expected


def test_the_statistics_of_the_engine_become_the_same_sample() -> None:
    rows = [("Read", 4096), ("Write", 512), ("read", 100), ("Total", 4708)]
    eth0 = {"rx_bytes": 150, "rx_packets": 1, "rx_errors": 0, "rx_dropped": 0}
    eth0 |= {"tx_bytes": 90, "tx_packets": 1, "tx_errors": 4, "tx_dropped": 5}
    document = {
        "cpu_stats": {
            "cpu_usage": {"total_usage": 24023182},
            "throttling_data": {"periods": 7, "throttled_time": 150000000},
        },
        "memory_stats": {
            "usage": 1617920,
            "limit": 67108864,
            "stats": {"cache": 1163264, "inactive_file": 1, "total_inactive_file": 1146880},
        },
        "blkio_stats": {"io_service_bytes_recursive": [{"op": op, "value": value} for op, value in rows]},
        "pids_stats": {"current": 3},
        "networks": {"eth0": eth0, "eth1": {"rx_bytes": 50, "rx_packets": 1}},
    }
    assert sample_of_stats(document, 5.0) == expected()


@pytest.mark.parametrize("document", [{}, {"memory_stats": {}, "cpu_stats": {"cpu_usage": {}}}])
def test_the_statistics_of_a_container_that_does_not_run_are_no_sample(document: dict[str, Any]) -> None:
    assert sample_of_stats(document, 5.0) is None


def test_traffic_is_that_of_all_interfaces_but_the_loopback_and_our_own() -> None:
    assert traffic_of(NET_DEV) == TRAFFIC


def test_groups_are_known_by_controller_and_those_of_version_2_by_no_name() -> None:
    v1 = "9:name=systemd:/docker/abc\n4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/docker/abc\n"
    assert groups_of(v1) == dict.fromkeys(("name=systemd", "memory", "cpu", "cpuacct", ""), "/docker/abc")
    assert groups_of("0::/system.slice/docker-abc.scope\n") == {"": "/system.slice/docker-abc.scope"}
