"""The tasks that this process supervises, as other processes may ask for them. Implements `ports.control`.

Part of the composition root. A run in the foreground has a desk with its one task, the server one for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct, field

from pillion.ports.control import Accepted, ControlError, Ended, UnknownTaskError
from pillion.supervision.supervising import RunOutcome
from pillion.supervision.task_control import TaskControl

Submit = Callable[[Mapping[str, Any]], Awaitable[Accepted]]


class _Entry(Struct, kw_only=True):
    control: TaskControl
    end: asyncio.Future[Ended] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Desk:
    """Who may be asked for which task.

    Args:
        submit: begins a task; None where no other task is taken.
        adopt: takes over tasks that others left.
        metrics: renders what is measured.
    """

    def __init__(
        self,
        *,
        submit: Submit | None = None,
        adopt: Callable[[], tuple[str, ...]] = tuple,
        metrics: Callable[[], str] = str,
    ) -> None:
        self._submit = submit
        self._adopt = adopt
        self._metrics = metrics
        self._entries: dict[str, _Entry] = {}

    def add(self, task_id: str, control: TaskControl | None = None) -> TaskControl:
        """Note a task that is supervised from now on; return what it is stopped with."""
        entry = self._entries[task_id] = _Entry(control=control or TaskControl())
        entry.end.add_done_callback(_look_at)
        return entry.control

    def end(self, task_id: str, outcome: RunOutcome) -> None:
        """Note how a task ended, or that it goes on without us; whoever waits is told."""
        entry = self._entries.pop(task_id)
        if outcome.has_left:
            self._refuse(entry, "the process that supervised the task has left it")
        elif not entry.end.done():
            entry.end.set_result(Ended(exit_code=outcome.exit_code, task=outcome.task))

    def fail(self, task_id: str, text: str) -> None:
        """Note that a task could not be supervised; whoever waits is told why."""
        self._refuse(self._entries.pop(task_id), text)

    def controls(self) -> tuple[TaskControl, ...]:
        """Return what every task is stopped with."""
        return tuple(entry.control for entry in self._entries.values())

    def tasks(self) -> tuple[str, ...]:
        """Return the ids of the tasks that are supervised here and have not ended."""
        return tuple(self._entries)

    async def submit(self, request: Mapping[str, Any]) -> Accepted:
        """Begin a task. Raises ControlError."""
        if self._submit is None:
            raise ControlError("a run in the foreground takes no other tasks; pillion serve does")
        return await self._submit(request)

    def adopt(self) -> tuple[str, ...]:
        """Take over the tasks that other processes have left; return their ids. Raises ControlError."""
        return self._adopt()

    def stop(self, task_id: str, reason: str | None) -> None:
        """Stop a task in ECS's order. Raises UnknownTaskError."""
        self._entry(task_id).control.stop(reason)

    def kill(self, task_id: str) -> None:
        """End a task now. Raises UnknownTaskError."""
        self._entry(task_id).control.kill()

    async def ended(self, task_id: str) -> Ended:
        """Wait for a task to end, with everything of it cleaned up. Raises ControlError."""
        return await asyncio.shield(self._entry(task_id).end)

    def metrics(self) -> str:
        """Return what is measured of the tasks, in Prometheus's text format."""
        return self._metrics()

    def _entry(self, task_id: str) -> _Entry:
        entry = self._entries.get(task_id)
        if entry is None:
            raise UnknownTaskError(f"no task {task_id} is supervised here")
        return entry

    @staticmethod
    def _refuse(entry: _Entry, text: str) -> None:
        if not entry.end.done():
            entry.end.set_exception(ControlError(text))


def _look_at(end: asyncio.Future[Ended]) -> None:
    """Take a failure that nobody waits for; it has been told where the task is told of."""
    if not end.cancelled():
        end.exception()
