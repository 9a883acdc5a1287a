"""Watches all tasks of a supervising process: one look at all their containers at a time.

Looks fall on whole multiples of a task's interval, so that those of many tasks become one question to each
engine. A container that has just begun to run is looked at at once: it may not live until the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from pillion.core.errors import unforeseen
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.monitoring.prometheus import prometheus_text
from pillion.core.monitoring.sample import Sample
from pillion.ports.engine import Engine, EngineError, EngineUnreachableError
from pillion.ports.metrics import MetricSink
from pillion.runtime.observer import Observer
from pillion.runtime.task_watch import TaskWatch, WatchPlan


class Monitor:
    """Watches tasks from `watch` until `forget`. While there is none, it does nothing at all.

    Args:
        now_s: the time (POSIX seconds).
    """

    def __init__(self, *, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._watches: list[TaskWatch] = []
        self._woken = asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    def watch(
        self,
        observer: Observer,
        plan: WatchPlan,
        *,
        engine: Engine,
        sink: MetricSink | None,
        keep: Callable[[WatchNotes], None],
    ) -> TaskWatch:
        """Watch a task from now on; return who has to be told everything in place of `observer`.

        Args:
            observer: who is told everything, and the notices of the watch.
            plan: what is watched, and how.
            engine: where the task runs.
            sink: takes what is measured; None where nobody wants it.
            keep: takes notes for other processes; must not raise.
        """
        found = TaskWatch(observer, plan, engine=engine, sink=sink, keep=keep, woken=self._woken.set)
        self._watches.append(found)
        self._woken.set()
        if self._job is None:
            self._job = asyncio.create_task(self._run())
        return found

    async def forget(self, watch: TaskWatch) -> None:
        """Watch a task no more; what is left to be written is written."""
        self._watches.remove(watch)
        job = self._job
        if job is not None and (not self._watches or job.done()):
            self._job = None
            job.cancel()
            (outcome,) = await asyncio.gather(job, return_exceptions=True)
            if isinstance(outcome, Exception):
                raise outcome  # a bug of ours: never in silence
        await watch.close(self._now_s())

    def prometheus(self) -> str:
        """Return the latest figures of all tasks in Prometheus's text format."""
        known = [(watch.figures, watch.alarms) for watch in self._watches]
        tasks = [figures for figures, _ in known if figures is not None]
        alarms = [(figures, alarm) for figures, found in known if figures is not None for alarm in found]
        return prometheus_text(tasks, alarms)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            now_s = loop.time()
            due = [item for item in self._watches if item.is_fresh or item.due_at_s <= now_s]
            for item in due:
                item.due_at_s = (now_s // item.interval_s + 1) * item.interval_s
            await self._look(due)
            next_s = min((item.due_at_s for item in self._watches), default=None)
            try:
                async with asyncio.timeout_at(next_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _look(self, due: Sequence[TaskWatch]) -> None:
        for engine in dict.fromkeys(item.engine for item in due):
            watches = [item for item in due if item.engine is engine]
            ids = [runtime_id for item in watches for runtime_id in item.runtime_ids]
            try:
                samples = await _sample(engine, ids)
            except Exception as error:
                for item in watches:
                    _give_up(item, error)
                continue
            for item in watches:
                if item in self._watches:
                    self._let_look(item, samples)

    def _let_look(self, watch: TaskWatch, samples: Mapping[str, Sample]) -> None:
        try:
            watch.look(samples, self._now_s())
        except Exception as error:
            _give_up(watch, error)


def _give_up(watch: TaskWatch, error: Exception) -> None:
    """A bug of ours must cost neither the task nor the watch over the others; and never be silent."""
    watch.due_at_s = float("inf")
    watch.is_fresh = False
    watch.trouble(f"the task is not watched any more: {unforeseen(error)}")


async def _sample(engine: Engine, ids: Sequence[str]) -> Mapping[str, Sample]:
    if not ids:
        return {}
    try:
        return await engine.sample(ids)
    except (EngineError, EngineUnreachableError):
        return {}  # whoever supervises the tasks hears of it in another way
