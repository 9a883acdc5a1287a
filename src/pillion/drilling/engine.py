"""An engine around another that lets a drill act at the moment of a container's first start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from pillion.core.plan.model import TaskPlan
from pillion.ports.engine import Engine, EngineTask

BeforeStart = Callable[[str], Awaitable[None]]
AfterStart = Callable[[str, float], Awaitable[None]]


def attended(inner: Engine, before: BeforeStart, after: AfterStart) -> Engine:
    """Return an engine that awaits `before` and `after` around the first start of each container.

    `after` gets the time at which the process started. All else goes to the inner engine as it is.
    """
    return cast("Engine", _AttendedEngine(inner, before, after))  # it passes on what it does not have itself


class _AttendedEngine:
    def __init__(self, inner: Engine, before: BeforeStart, after: AfterStart) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    def open(self, plan: TaskPlan) -> EngineTask:
        return cast("EngineTask", _AttendedTask(self._inner.open(plan), self._before, self._after))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the inner engine has
        return getattr(self._inner, name)


class _AttendedTask:
    def __init__(self, inner: EngineTask, before: BeforeStart, after: AfterStart) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    async def start(self, container: str, *, restart: bool) -> float:
        if restart:
            return await self._inner.start(container, restart=True)
        await self._before(container)
        at_s = await self._inner.start(container, restart=False)
        await self._after(container, at_s)
        return at_s

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the inner task has
        return getattr(self._inner, name)
