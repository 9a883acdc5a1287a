"""Stopping and leaving a task from outside. Light: a command has it before it has loaded what runs a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillion.core.lifecycle.events import KillRequested, StopRequested

if TYPE_CHECKING:
    from pillion.runtime.runner import TaskRunner


class TaskControl:
    """Lets somebody outside stop or leave a task that is supervised; asking before it runs counts, too."""

    def __init__(self) -> None:
        self._runner: TaskRunner | None = None
        self._asked: list[StopRequested | KillRequested] = []
        self._leaves = False

    def stop(self, reason: str | None = None) -> None:
        """Stop the task in ECS's order; `reason` is shown as its stoppedReason."""
        self._ask(StopRequested() if reason is None else StopRequested(reason=reason))

    def kill(self) -> None:
        """End the task now."""
        self._ask(KillRequested())

    def leave(self) -> None:
        """Leave the task as it is, for another process to take over."""
        self._leaves = True
        if self._runner is not None:
            self._runner.leave()

    def attach(self, runner: TaskRunner) -> None:
        """Pass everything on to this runner from now on."""
        self._runner = runner
        for event in self._asked:
            runner.submit(event)
        if self._leaves:
            runner.leave()

    def _ask(self, event: StopRequested | KillRequested) -> None:
        if self._runner is None:
            self._asked.append(event)
        else:
            self._runner.submit(event)
