"""Statistics over time: what one look at the engine cannot say.

Programs compute CPU usage from `cpu_stats` and `precpu_stats`, the sample before; the rate of the network is
a difference, too. The ECS agent reads a stream of samples for every container all the time. Here sampling
begins when somebody asks for the first time, and ends when nobody has asked for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from pillion.ports.engine import EngineError, EngineUnreachableError
from pillion.ports.queries import ContainerStats, NetworkRates

INTERVAL_S = 1.0
"""Docker samples once a second, and so do its streams."""

IDLE_S = 60.0
"""How long sampling goes on after the last question; collectors ask every 10 to 60 seconds."""

ReadStats = Callable[[str], Awaitable[Mapping[str, Any] | None]]


def follow_sample(previous: Mapping[str, Any] | None, current: Mapping[str, Any]) -> ContainerStats:
    """Return a sample with what the one before it adds. Pure."""
    if previous is None or previous.get("id") != current.get("id"):
        return ContainerStats(document=current)
    document = dict(current)
    document["preread"] = previous.get("read")
    document["precpu_stats"] = previous.get("cpu_stats")
    return ContainerStats(document=document, rates=_rates(previous, current))


def _rates(previous: Mapping[str, Any], current: Mapping[str, Any]) -> NetworkRates | None:
    elapsed_s = _read_at_s(current) - _read_at_s(previous)
    if "networks" not in current or "networks" not in previous or elapsed_s <= 0:
        return None
    return NetworkRates(
        rx_bytes_per_s=_grown(previous, current, "rx_bytes") / elapsed_s,
        tx_bytes_per_s=_grown(previous, current, "tx_bytes") / elapsed_s,
    )


def _grown(previous: Mapping[str, Any], current: Mapping[str, Any], counter: str) -> float:
    before, now = (
        sum(network.get(counter, 0) for network in sample["networks"].values())
        for sample in (previous, current)
    )
    return max(0.0, float(now - before))  # a restarted container counts from zero again


def _read_at_s(sample: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(sample["read"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0


class _Watch(Struct):
    """What is known of one container; `sampled` is set once there was a first look."""

    asked_at_s: float
    sampled: asyncio.Event = field(default_factory=asyncio.Event)
    latest: ContainerStats | None = None
    raw: Mapping[str, Any] | None = None


class StatsSampler:
    """Keeps the latest statistics of the containers that somebody asks about.

    Args:
        read: takes one sample of a container from the engine; None where there is none.
    """

    def __init__(self, read: ReadStats) -> None:
        self._read = read
        self._watches: dict[str, _Watch] = {}
        self._jobs: set[asyncio.Task[None]] = set()

    async def latest(self, container: str) -> ContainerStats | None:
        """Return the latest statistics: the first question waits for a sample, later ones for nothing."""
        now_s = asyncio.get_running_loop().time()
        watch = self._watches.get(container)
        if watch is None:
            watch = self._watches[container] = _Watch(asked_at_s=now_s)
            job = asyncio.create_task(self._keep_sampling(container, watch))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)
        watch.asked_at_s = now_s
        await watch.sampled.wait()
        return watch.latest

    async def close(self) -> None:
        """End all sampling."""
        jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def _keep_sampling(self, container: str, watch: _Watch) -> None:
        loop = asyncio.get_running_loop()
        try:
            while loop.time() - watch.asked_at_s < IDLE_S:
                await self._sample(container, watch)
                watch.sampled.set()
                await asyncio.sleep(INTERVAL_S)
        finally:
            watch.sampled.set()
            del self._watches[container]

    async def _sample(self, container: str, watch: _Watch) -> None:
        try:
            current = await self._read(container)
        except (EngineError, EngineUnreachableError):
            current = None  # whoever runs the task hears of it in another way
        watch.latest = None if current is None else follow_sample(watch.raw, current)
        watch.raw = current
