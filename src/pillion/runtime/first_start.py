"""Calls somebody once: when the first container of a task runs, or when its first event was taken.

The start, for time that is meant to be the task's own: looking up and pulling images, and making networks,
come before and take as long as they take. The first event, for a task that was taken over and goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from pillion.core.lifecycle.commands import Report, ReportContainer
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus
from pillion.runtime.observer import Observer, PassingObserver


class FirstStart(PassingObserver):
    """An observer that passes everything on, and calls `then` at the first start of a container."""

    def __init__(self, observer: Observer, then: Callable[[], object]) -> None:
        super().__init__(observer)
        self._then: Callable[[], object] | None = then

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Pass it on; the task's own pause containers do not count."""
        super().reported(report, state, at_s)
        if (
            self._then is not None
            and isinstance(report, ReportContainer)
            and report.after is ContainerStatus.RUNNING
            and state.spec.container(report.container).kind is ContainerKind.NORMAL
        ):
            then, self._then = self._then, None
            then()


class FirstSettled(PassingObserver):
    """An observer that passes everything on, and calls `then` when the task's state is settled first."""

    def __init__(self, observer: Observer, then: Callable[[], object]) -> None:
        super().__init__(observer)
        self._then: Callable[[], object] | None = then

    def settled(self, state: TaskState, at_s: float) -> None:
        """Pass it on."""
        super().settled(state, at_s)
        if self._then is not None:
            then, self._then = self._then, None
            then()
