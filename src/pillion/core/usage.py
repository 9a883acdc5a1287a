"""What a container needed, out of the statistics that an engine gives.

Not here: who takes the samples, and when. Memory is counted as ECS reports it, without the page cache that
the kernel would give back; the engine's own high-water mark counts that cache, and is of no use for a limit.
Numbers are rounded up, for they are read as a need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CPU_UNITS_PER_VCPU = 1024

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """The most that a container was seen to use.

    Attributes:
        memory_mib: Memory without page cache, in MiB; None where it was never seen.
        cpu_units: CPU between two samples, 1024 for one vCPU; None where there were not two samples.
    """

    memory_mib: int | None = None
    cpu_units: int | None = None


def memory_mib_of(sample: Mapping[str, Any]) -> int | None:
    """Return the memory in use, in MiB; None for a container that does not run.

    As the ECS agent counts: usage without `cache` under version 1 of Linux's control groups and without
    `inactive_file` under version 2, and the whole usage where that is more than it.

    Args:
        sample: one statistics document, in Docker's shape.
    """
    memory = _part(sample, "memory_stats")
    usage = memory.get("usage")
    if not isinstance(usage, int):
        return None
    details = _part(memory, "stats")
    cache = details.get("cache", details.get("inactive_file", 0))
    held = usage - cache if isinstance(cache, int) and cache < usage else usage
    return _up(held, _MIB)


def cpu_units_between(before: Mapping[str, Any], now: Mapping[str, Any]) -> int | None:
    """Return the CPU used from one sample to the next, 1024 for one vCPU all the time.

    None where the two cannot be compared: a container that was made or started anew counts from zero.
    """
    used_ns = (_cpu_ns(before), _cpu_ns(now))
    elapsed_us = _microseconds(before, now)
    if used_ns[0] is None or used_ns[1] is None or elapsed_us <= 0 or before.get("id") != now.get("id"):
        return None
    grown_ns = used_ns[1] - used_ns[0]
    return _up(grown_ns * CPU_UNITS_PER_VCPU, elapsed_us * 1000) if grown_ns >= 0 else None


def observe(known: Observed, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Observed:
    """Return what is known of a container after one more sample; `before` is the last one, if any."""
    cpu_units = cpu_units_between(before, now) if before is not None else None
    return highest((known, Observed(memory_mib=memory_mib_of(now), cpu_units=cpu_units)))


def highest(seen: Iterable[Observed]) -> Observed:
    """Return the most of each number."""
    seen = tuple(seen)
    return Observed(
        memory_mib=max((item.memory_mib for item in seen if item.memory_mib is not None), default=None),
        cpu_units=max((item.cpu_units for item in seen if item.cpu_units is not None), default=None),
    )


def encode_usage(usage: Mapping[str, Observed]) -> dict[str, Any]:
    """Return the usage of a task's containers as a JSON value."""
    return {
        name: {"memoryMiB": item.memory_mib, "cpu": item.cpu_units} for name, item in sorted(usage.items())
    }


def decode_usage(value: object) -> dict[str, Observed]:
    """Read what `encode_usage` wrote; what cannot be read is not known."""
    if not isinstance(value, dict):
        return {}
    return {
        name: Observed(memory_mib=_count(item.get("memoryMiB")), cpu_units=_count(item.get("cpu")))
        for name, item in value.items()
        if isinstance(item, dict)
    }


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _cpu_ns(sample: Mapping[str, Any]) -> int | None:
    return _count(_part(_part(sample, "cpu_stats"), "cpu_usage").get("total_usage"))


def _microseconds(before: Mapping[str, Any], now: Mapping[str, Any]) -> int:
    try:
        elapsed = datetime.fromisoformat(now["read"]) - datetime.fromisoformat(before["read"])
    except (KeyError, TypeError, ValueError):
        return 0
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _up(number: int, unit: int) -> int:
    return -(-number // unit)
