"""One event being handled: the state as changed so far, and the commands so far.

A `Turn` lives for the length of one `machine.handle` call. It is the only place where a state is changed
in steps; outside, states are values. It knows how to record a change and nothing about why one is made.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from pillion.core.lifecycle.commands import Command, Report, ReportContainer
from pillion.core.lifecycle.events import NamedError
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import ContainerStatus, is_before

REASON_LENGTH_MAX = 1024
"""The agent cuts a reason at this many characters before it sends it to ECS."""


class Turn:
    """The working copy of one task while one event is handled at `now_s` (POSIX seconds)."""

    def __init__(self, state: TaskState, now_s: float) -> None:
        self.spec = state.spec
        self.now_s = now_s
        self.containers: dict[str, ContainerState] = dict(state.containers)
        self.commands: list[Command] = []
        self.changes = 0
        self._before = state
        self._task: dict[str, Any] = {}

    def task(self, field: str) -> Any:  # noqa: ANN401 - the fields of TaskState have many types
        """Return a field of the task as changed so far."""
        return self._task[field] if field in self._task else getattr(self._before, field)

    def put_task(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of TaskState have many types
        """Change fields of the task; what is so already is no change."""
        if any(self.task(field) != value for field, value in changes.items()):
            self._task.update(changes)
            self.changes += 1

    def put(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - the fields of ContainerState too
        """Change fields of a container; what is so already is no change."""
        state = self.containers[name]
        if any(getattr(state, field) != value for field, value in changes.items()):
            self.containers[name] = replace(state, **changes)
            self.changes += 1

    def ask(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def move(self, name: str, to: ContainerStatus, cause: str) -> None:
        """Set a container's known status and report it; an operation that led there is over."""
        state = self.containers[name]
        in_flight = state.in_flight
        if in_flight is not None and not is_before(to, in_flight):
            in_flight = None
        self.put(name, known=to, in_flight=in_flight)
        self.ask(ReportContainer(container=name, cause=cause, before=state.known, after=to))

    def record_error(self, name: str, error: NamedError) -> None:
        """Keep a container's first error; later ones change nothing, as in ECS."""
        if self.containers[name].error is None:
            text = error.text[: REASON_LENGTH_MAX - len(error.name) - 2]
            self.put(name, error=NamedError(name=error.name, text=text))

    def finish(self) -> TaskState:
        """Return the state that this turn leads to."""
        if not self.changes:
            return self._before
        reported = any(isinstance(command, Report) for command in self.commands)
        version = self._before.version + 1 if reported else self._before.version
        return replace(self._before, containers=self.containers, version=version, **self._task)
