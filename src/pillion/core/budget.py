"""Who gets how much of a task: cpu and memory, container by container, and what is left.

Reads the same view of a definition as the rules do, so values that are not known yet show as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pillion.core.roles import role_of
from pillion.core.task_view import ContainerView, TaskView, absent, number
from pillion.core.usage import Observed


class Share(Struct, frozen=True, kw_only=True):
    """What one container is given.

    Attributes:
        container: Its name.
        role: What it is for, as far as that can be guessed.
        cpu_units: Its cpu, or None where nothing is said or known.
        memory_mib: Its hard limit, likewise.
        reservation_mib: What it is promised: memoryReservation, else memory.
        known: Whether all three are known.
        observed: The most that past runs were seen to use, or None where there were none.
    """

    container: str
    role: str
    cpu_units: int | None
    memory_mib: int | None
    reservation_mib: int | None
    known: bool
    observed: Observed | None = None


class Budget(Struct, frozen=True, kw_only=True):
    """The shares of a task's containers, with the task's own size where it has one."""

    shares: tuple[Share, ...]
    task_cpu_units: int | None
    task_memory_mib: int | None

    @property
    def cpu_left(self) -> int | None:
        """CPU units of the task that no container asks for; None without a task size."""
        if self.task_cpu_units is None:
            return None
        return self.task_cpu_units - sum(share.cpu_units or 0 for share in self.shares)

    @property
    def reservation_left_mib(self) -> int | None:
        """Memory of the task that is promised to nobody; None without a task size."""
        if self.task_memory_mib is None:
            return None
        return self.task_memory_mib - sum(share.reservation_mib or 0 for share in self.shares)

    @property
    def memory_left_mib(self) -> int | None:
        """Memory left when all containers use their hard limits; negative where these allow too much."""
        if self.task_memory_mib is None:
            return None
        return self.task_memory_mib - sum(share.memory_mib or 0 for share in self.shares)


def budget_of(value: dict[str, Any], observed: Mapping[str, Observed] | None = None) -> Budget:
    """The budget of a definition, given as its plain JSON object; `observed` is by container name."""
    task = TaskView(value)
    seen = observed or {}
    return Budget(
        shares=tuple(_share(task, container, seen.get(container.label)) for container in task.containers),
        task_cpu_units=task.cpu_units,
        task_memory_mib=task.memory_mib,
    )


def _share(task: TaskView, container: ContainerView, observed: Observed | None) -> Share:
    raw = container.raw
    memory, reservation = number(raw, "memory"), number(raw, "memoryReservation")
    members = ("cpu", "memory", "memoryReservation")
    return Share(
        container=container.label,
        role=role_of(task, container).value,
        cpu_units=number(raw, "cpu"),
        memory_mib=memory,
        reservation_mib=memory if reservation is None and absent(raw, "memoryReservation") else reservation,
        known=all(absent(raw, key) or number(raw, key) is not None for key in members),
        observed=observed,
    )
