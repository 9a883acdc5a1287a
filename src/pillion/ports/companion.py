"""What stands beside the engine while one task runs: AWS, and the endpoints inside the task.

The performer asks at the right moments; what is done is up to whoever implements this. Methods raise
`EngineError` with ECS's own names, as an engine does, so that both fail alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from pillion.ports.engine import LogLine


class CreateExtras(Struct, frozen=True, kw_only=True):
    """What is secret of a container: revealed here, for the create call and nothing else."""

    environment: Mapping[str, str] = field(default_factory=dict)
    log_options: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "CreateExtras(…)"  # no secret reaches a traceback


class TaskCompanion(Protocol):
    """Prepares what the engine does not know of, and serves the task from beside it."""

    def handles(self, resource: str) -> bool:
        """Say whether a resource of the plan is prepared here and not by the engine."""
        ...

    async def prepare(self, resource: str) -> None:
        """Prepare a resource. Raises EngineError."""
        ...

    async def extras(self, container: str) -> CreateExtras:
        """Return what the container gets on top of its plan. Raises EngineError."""
        ...

    async def before_start(self, container: str, runtime_id: str) -> None:
        """Do what has to be done between create and start. Raises EngineError."""
        ...

    async def adopt(self, container: str, runtime_id: str) -> None:
        """Stand beside a container that another process started. Raises EngineError."""
        ...

    async def namespace_ready(self, container: str) -> None:
        """The network namespace of this container (a pause container, or its own) can be entered."""
        ...

    async def log(self, line: LogLine) -> None:
        """Take a line of output; may wait, which slows down the container's output."""
        ...

    def read_before(self, container: str, lines: int) -> None:
        """So many lines of this container were read by the process that had the task before."""
        ...

    def log_cut(self, container: str) -> None:
        """Output of this container could not be read to its end: it wrote more than `log` was given."""
        ...

    def stopped(self, container: str) -> None:
        """A container has ended for good: no restart policy brings it back."""
        ...


class NoCompanion:
    """For tasks that need nothing beside the engine."""

    def handles(self, resource: str) -> bool:
        """Nothing is handled here."""
        del resource
        return False

    async def prepare(self, resource: str) -> None:
        """Nothing to prepare."""

    async def extras(self, container: str) -> CreateExtras:
        """Nothing on top."""
        del container
        return CreateExtras()

    async def before_start(self, container: str, runtime_id: str) -> None:
        """Nothing to do."""

    async def adopt(self, container: str, runtime_id: str) -> None:
        """Nothing to do."""

    async def namespace_ready(self, container: str) -> None:
        """Nothing to serve."""

    async def log(self, line: LogLine) -> None:
        """Nothing to keep."""

    def read_before(self, container: str, lines: int) -> None:
        """Nothing to add."""

    def log_cut(self, container: str) -> None:
        """Nothing to correct."""

    def stopped(self, container: str) -> None:
        """Nothing depends on it."""
