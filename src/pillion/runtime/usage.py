"""Watches what the containers of a task use, for the budget that `pillion check` shows later.

A container is looked at right after it began to run and then every few seconds, all of a task in one call;
one that does not run costs nothing, and one that the engine has no sample of is not asked for again until it
starts anew. A peak between two looks is missed: this is what a run was seen to need, and no measurement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus
from pillion.core.monitoring.sample import Sample
from pillion.core.usage import Observed, observe
from pillion.ports.engine import EngineError, EngineUnreachableError

INTERVAL_S = 5.0
"""How often a running container is looked at; CPU is the average over this time."""

ReadSamples = Callable[[Sequence[str]], Awaitable[Mapping[str, Sample]]]


class UsageWatch:
    """Keeps what each container of one task was seen to use.

    Args:
        read: takes samples of containers from the engine, by its ids.
    """

    def __init__(self, read: ReadSamples) -> None:
        self._read = read
        self._running: dict[str, str] = {}
        self._watched: set[str] = set()
        self._started: set[str] = set()
        self._woken = asyncio.Event()
        self._last: dict[str, Sample] = {}
        self._seen: dict[str, Observed] = {}

    @property
    def seen(self) -> Mapping[str, Observed]:
        """What was seen so far, by container; those that were never seen are not in it."""
        return dict(self._seen)

    def settled(self, state: TaskState) -> None:
        """Take note of which containers run now."""
        running = {
            item.name: runtime_id
            for item in state.spec.containers
            if item.kind is ContainerKind.NORMAL
            and state.containers[item.name].known is ContainerStatus.RUNNING
            and (runtime_id := state.containers[item.name].runtime_id) is not None
        }
        fresh = running.keys() - self._running.keys()
        self._running = running
        self._watched = (self._watched & running.keys()) | fresh
        if fresh:
            self._started |= fresh
            self._woken.set()

    async def run(self) -> None:
        """Look at the containers until cancelled."""
        loop = asyncio.get_running_loop()
        due_at_s = loop.time() + INTERVAL_S
        while True:
            try:
                async with asyncio.timeout_at(due_at_s):
                    await self._woken.wait()
            except TimeoutError:
                due_at_s = loop.time() + INTERVAL_S
                names = set(self._watched)
            else:
                names = self._started & self._watched
            self._started.clear()
            self._woken.clear()
            await self._look_at(names)

    async def _look_at(self, names: set[str]) -> None:
        ids = {name: self._running[name] for name in sorted(names)}
        if not ids:
            return
        try:
            samples = await self._read(tuple(ids.values()))
        except (EngineError, EngineUnreachableError):
            samples = {}  # whoever runs the task hears of it in another way
        for name, runtime_id in ids.items():
            sample = samples.get(runtime_id)
            if sample is None:
                self._watched.discard(name)
                continue
            self._seen[name] = observe(self._seen.get(name, Observed()), self._last.get(name), sample)
            self._last[name] = sample
