"""What may be asked of a process that supervises tasks. Defined by those who ask: the control socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from pillion.core.errors import PillionError
from pillion.core.plan.model import Notice


class ControlError(PillionError):
    """What was asked cannot be done. The message says what, why, and what to do."""


class UnknownTaskError(ControlError):
    """The process does not supervise that task."""


class Accepted(Struct, frozen=True, kw_only=True):
    """A task that was begun: its id, what its user should know, and the engine it runs on."""

    task_id: str
    notices: tuple[Notice, ...]
    engine: str


class Ended(Struct, frozen=True, kw_only=True):
    """How a task ended: the exit code that a foreground run would have had, and the task as ECS shows it."""

    exit_code: int
    task: Mapping[str, Any]


class ControlDesk(Protocol):
    """A process that supervises tasks, as others see it. Task ids are whole."""

    def tasks(self) -> tuple[str, ...]:
        """Return the ids of the tasks that are supervised here and have not ended."""
        ...

    async def submit(self, request: Mapping[str, Any]) -> Accepted:
        """Begin a task, as `control.requests` writes it. Raises ControlError."""
        ...

    def adopt(self) -> tuple[str, ...]:
        """Take over the tasks that other processes have left; return their ids. Raises ControlError."""
        ...

    def stop(self, task_id: str, reason: str | None) -> None:
        """Stop a task in ECS's order; `reason` becomes its stoppedReason. Raises UnknownTaskError."""
        ...

    def kill(self, task_id: str) -> None:
        """End a task now. Raises UnknownTaskError."""
        ...

    async def ended(self, task_id: str) -> Ended:
        """Wait for a task to end, with everything of it cleaned up. Raises UnknownTaskError."""
        ...

    def metrics(self) -> str:
        """Return what is measured of the tasks, in Prometheus's text format."""
        ...
