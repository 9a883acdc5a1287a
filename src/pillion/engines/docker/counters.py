"""What the kernel and the engine count for a container, as a `Sample`. Pure: texts and documents in.

Three sources say the same in different words: the files of version 1 of Linux's control groups, those of
version 2, and the engine's own statistics. Memory is what `docker stats` shows: usage without inactive file
pages (`total_inactive_file` in version 1, `inactive_file` in version 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pillion.core.monitoring.sample import Sample, Traffic

Read = Callable[[str], str]
"""Returns the text of a file; its name begins with the controller in version 1. Raises OSError."""

OWN_INTERFACES = frozenset({"lo", "ecs-eth0"})
"""Interfaces whose traffic is not the container's: the loopback, and the wire to our endpoints."""

UNLIMITED_BYTES = 1 << 60
"""From here on a limit is none: version 1 writes the largest number of pages that it knows."""


def groups_of(text: str) -> Mapping[str, str]:
    """Return the path of each controller's group from `/proc/PID/cgroup`; version 2 has the name "" alone.

    On a machine with both versions the controllers are in version 1, and "" is of no use.
    """
    groups = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def sample_v1(read: Read, traffic: tuple[Traffic, Traffic] | None, at_s: float) -> Sample:
    """Return a sample out of version 1's files: `cpuacct/cpuacct.usage` and others."""
    memory = _numbers(read("memory/memory.stat"))
    usage = int(read("memory/memory.usage_in_bytes"))
    limit = memory.get("hierarchical_memory_limit", UNLIMITED_BYTES)
    blocks = _blocks_v1(read("blkio/blkio.throttle.io_service_bytes"))
    return Sample(
        at_s=at_s,
        cpu_ns=int(read("cpuacct/cpuacct.usage")),
        throttled_ns=_numbers(read("cpu/cpu.stat")).get("throttled_time", 0),
        memory_bytes=_held(usage, memory.get("total_inactive_file", 0)),
        memory_limit_bytes=limit if limit < UNLIMITED_BYTES else None,
        received=traffic[0] if traffic else None,
        sent=traffic[1] if traffic else None,
        read_bytes=blocks[0],
        written_bytes=blocks[1],
        processes=int(read("pids/pids.current")),
    )


def sample_v2(read: Read, traffic: tuple[Traffic, Traffic] | None, at_s: float) -> Sample:
    """Return a sample out of version 2's files: `cpu.stat` and others."""
    cpu = _numbers(read("cpu.stat"))
    usage = int(read("memory.current"))
    limits = [_limit_v2(read, name) for name in ("memory.max", "../memory.max")]
    blocks = _blocks_v2(read("io.stat"))
    return Sample(
        at_s=at_s,
        cpu_ns=cpu["usage_usec"] * 1000,
        throttled_ns=cpu.get("throttled_usec", 0) * 1000,
        memory_bytes=_held(usage, _numbers(read("memory.stat")).get("inactive_file", 0)),
        memory_limit_bytes=min((item for item in limits if item is not None), default=None),
        received=traffic[0] if traffic else None,
        sent=traffic[1] if traffic else None,
        read_bytes=blocks[0],
        written_bytes=blocks[1],
        processes=int(read("pids.current")),
    )


def traffic_of(text: str) -> tuple[Traffic, Traffic]:
    """Return what a network namespace received and sent, from its `/proc/PID/net/dev`."""
    rows = []
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() not in OWN_INTERFACES:
            rows.append([int(number) for number in numbers.split()])
    return _traffic(row[:4] for row in rows), _traffic(row[8:12] for row in rows)


def sample_of_stats(document: Mapping[str, Any], at_s: float) -> Sample | None:
    """Return a sample out of the engine's statistics document; None for a container that does not run."""
    memory, cpu = _part(document, "memory_stats"), _part(document, "cpu_stats")
    usage, used_ns = memory.get("usage"), _part(cpu, "cpu_usage").get("total_usage")
    if not isinstance(usage, int) or not isinstance(used_ns, int):
        return None
    details = _part(memory, "stats")
    limit = memory.get("limit")
    received, sent = _traffic_of_stats(document.get("networks"))
    blocks = _blocks_of_stats(_part(document, "blkio_stats").get("io_service_bytes_recursive"))
    return Sample(
        at_s=at_s,
        cpu_ns=used_ns,
        throttled_ns=_part(cpu, "throttling_data").get("throttled_time") or 0,
        memory_bytes=_held(usage, details.get("total_inactive_file", details.get("inactive_file", 0))),
        memory_limit_bytes=limit if isinstance(limit, int) and 0 < limit < UNLIMITED_BYTES else None,
        received=received,
        sent=sent,
        read_bytes=blocks[0],
        written_bytes=blocks[1],
        processes=_part(document, "pids_stats").get("current"),
    )


def _limit_v2(read: Read, name: str) -> int | None:
    """Read a limit; `../` is the task's own group, which the root of all groups has not above it."""
    try:
        text = read(name).strip()
    except OSError:
        return None
    return None if text == "max" else int(text)


def _held(usage: int, inactive: int) -> int:
    return usage - inactive if inactive < usage else usage


def _numbers(text: str) -> dict[str, int]:
    """Read lines of a name and a number."""
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}


def _blocks_v1(text: str) -> tuple[int, int]:
    """Read lines such as `8:0 Read 4096`, over all devices."""
    read_bytes = written_bytes = 0
    for line in text.splitlines():
        words = line.split()
        if words[1:2] == ["Read"]:
            read_bytes += int(words[2])
        elif words[1:2] == ["Write"]:
            written_bytes += int(words[2])
    return read_bytes, written_bytes


def _blocks_v2(text: str) -> tuple[int, int]:
    """Read lines such as `8:0 rbytes=4096 wbytes=0 rios=1 …`, over all devices."""
    read_bytes = written_bytes = 0
    for line in text.splitlines():
        for word in line.split()[1:]:
            name, _, number = word.partition("=")
            if name == "rbytes":
                read_bytes += int(number)
            elif name == "wbytes":
                written_bytes += int(number)
    return read_bytes, written_bytes


def _blocks_of_stats(rows: object) -> tuple[int, int]:
    read_bytes = written_bytes = 0
    for row in rows if isinstance(rows, list) else []:
        if str(row.get("op")).lower() == "read":
            read_bytes += row.get("value", 0)
        elif str(row.get("op")).lower() == "write":
            written_bytes += row.get("value", 0)
    return read_bytes, written_bytes


def _traffic_of_stats(networks: object) -> tuple[Traffic | None, Traffic | None]:
    if not isinstance(networks, dict) or not networks:
        return None, None
    names = ("bytes", "packets", "errors", "dropped")
    received, sent = (
        _traffic([row.get(f"{way}_{name}", 0) for name in names] for row in networks.values())
        for way in ("rx", "tx")
    )
    return received, sent


def _traffic(rows: Iterable[list[int]]) -> Traffic:
    """Add up rows of bytes, packets, errors and dropped."""
    total = [0, 0, 0, 0]
    for row in rows:
        total = [before + more for before, more in zip(total, row, strict=True)]
    return Traffic(bytes=total[0], packets=total[1], errors=total[2], dropped=total[3])


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}
