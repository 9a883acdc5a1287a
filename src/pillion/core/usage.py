"""What a container needed, out of samples of what it used.

Not here: who takes the samples, and when. Numbers are rounded up, for they are read as a need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pillion.core.monitoring.sample import Sample, rates_between
from pillion.core.monitoring.spread import Spread, spread_of_all
from pillion.core.units import BYTES_PER_MIB


class Observed(Struct, frozen=True, kw_only=True):
    """What a container was seen to use.

    Attributes:
        memory_mib: The most memory, in MiB; None where it was never seen.
        cpu_units: The most CPU between two samples, 1024 for one vCPU; None where there were not two samples.
        memory: How its memory was spread over the samples, in MiB.
        cpu: How its CPU was spread over the times between samples, in CPU units.
        watched_s: For how long it was seen to run, in seconds.
    """

    memory_mib: int | None = None
    cpu_units: int | None = None
    memory: Spread = field(default_factory=Spread)
    cpu: Spread = field(default_factory=Spread)
    watched_s: float = 0.0


def observe(known: Observed, before: Sample | None, now: Sample) -> Observed:
    """Return what is known of a container after one more sample; `before` is the last one, if any."""
    memory_mib = ceil(now.memory_bytes / BYTES_PER_MIB)
    known = replace(
        known,
        memory_mib=_most(known.memory_mib, memory_mib),
        memory=known.memory.with_value(now.memory_bytes / BYTES_PER_MIB),
    )
    rates = rates_between(before, now) if before is not None else None
    if before is None or rates is None:
        return known
    return replace(
        known,
        cpu_units=_most(known.cpu_units, ceil(rates.cpu_units)),
        cpu=known.cpu.with_value(rates.cpu_units),
        watched_s=known.watched_s + now.at_s - before.at_s,
    )


def together(seen: Iterable[Observed]) -> Observed:
    """Return what several runs were seen to use: the most of each number, and all that was seen."""
    seen = tuple(seen)
    return Observed(
        memory_mib=max((item.memory_mib for item in seen if item.memory_mib is not None), default=None),
        cpu_units=max((item.cpu_units for item in seen if item.cpu_units is not None), default=None),
        memory=spread_of_all(item.memory for item in seen),
        cpu=spread_of_all(item.cpu for item in seen),
        watched_s=sum(item.watched_s for item in seen),
    )


def encode_usage(usage: Mapping[str, Observed]) -> dict[str, Any]:
    """Return the usage of a task's containers as a JSON value."""
    return {
        name: {
            "memoryMiB": item.memory_mib,
            "cpu": item.cpu_units,
            "memorySpread": {str(bucket): count for bucket, count in item.memory.counts.items()},
            "cpuSpread": {str(bucket): count for bucket, count in item.cpu.counts.items()},
            "watchedSeconds": item.watched_s,
        }
        for name, item in sorted(usage.items())
    }


def decode_usage(value: object) -> dict[str, Observed]:
    """Read what `encode_usage` wrote, also that of an early pillion; what cannot be read is not known."""
    if not isinstance(value, dict):
        return {}
    return {
        name: Observed(
            memory_mib=_count(item.get("memoryMiB")),
            cpu_units=_count(item.get("cpu")),
            memory=_spread(item.get("memorySpread")),
            cpu=_spread(item.get("cpuSpread")),
            watched_s=float(item.get("watchedSeconds") or 0.0),
        )
        for name, item in value.items()
        if isinstance(item, dict)
    }


def _most(known: int | None, seen: int) -> int:
    return seen if known is None else max(known, seen)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _spread(value: object) -> Spread:
    if not isinstance(value, dict):
        return Spread()
    counts = {int(bucket): count for bucket, count in value.items() if isinstance(count, int)}
    return Spread(counts=counts)
