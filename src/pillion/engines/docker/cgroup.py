"""The task's own cgroup, parent of its containers' cgroups."""

from __future__ import annotations

from pillion.core.plan.model import Notice, TaskPlan
from pillion.ports.engine import Capabilities


class TaskCgroup:
    """The parent cgroup of one task."""

    def __init__(self, task: TaskPlan) -> None:
        self._task = task
        self.parent: str | None = None

    def notices(self, engine: Capabilities) -> tuple[Notice, ...]:
        """Say what of the limits cannot be set."""
        return ()

    async def prepare(self, engine: Capabilities) -> None:
        """Make the cgroup."""

    async def remove(self) -> None:
        """Remove the cgroup."""
