"""What is to be known of a task before its figures mean anything: who it is, and what it was given."""

from __future__ import annotations

from msgspec import Struct

from pillion.core.plan.model import TaskIdentity
from pillion.core.roles import Role, role_of
from pillion.core.task_view import TaskView
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.render import render_task_definition


class WatchedContainer(Struct, frozen=True, kw_only=True):
    """One container of a definition.

    Attributes:
        name: its name.
        image: its image, as the definition has it.
        role: what it is for, as far as that can be guessed.
        cpu_units: what it was given; None where the definition says nothing (or 0).
        memory_mib: its hard limit.
        reservation_mib: its soft limit.
        has_health_check: whether the definition has a health check for it.
        logs_through_router: whether its output goes to the task's log router.
    """

    name: str
    image: str = ""
    role: Role = Role.APPLICATION
    cpu_units: int | None = None
    memory_mib: int | None = None
    reservation_mib: int | None = None
    has_health_check: bool = False
    logs_through_router: bool = False


class WatchedTask(Struct, frozen=True, kw_only=True):
    """One task.

    Attributes:
        identity: who it is.
        containers: those of its definition, in its order.
        cpu_units: the task's own size; None where it has none.
        memory_mib: likewise.
    """

    identity: TaskIdentity
    containers: tuple[WatchedContainer, ...]
    cpu_units: int | None = None
    memory_mib: int | None = None

    def container(self, name: str) -> WatchedContainer:
        """Return the container of that name; KeyError if there is none."""
        found = next((item for item in self.containers if item.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def watch_task(identity: TaskIdentity, definition: TaskDefinition) -> WatchedTask:
    """Return what is to be known of a task, from its definition with overrides applied."""
    view = TaskView(render_task_definition(definition))
    roles = {item.name: role_of(view, item) for item in view.containers}
    containers = tuple(
        WatchedContainer(
            name=item.name or "",
            image=item.image or "",
            role=roles.get(item.name, Role.APPLICATION),
            cpu_units=item.cpu or None,
            memory_mib=item.memory,
            reservation_mib=item.memory_reservation,
            has_health_check=item.health_check is not None,
            logs_through_router=item.log_configuration is not None
            and item.log_configuration.log_driver == "awsfirelens",
        )
        for item in definition.container_definitions
    )
    return WatchedTask(
        identity=identity, containers=containers, cpu_units=view.cpu_units, memory_mib=view.memory_mib
    )
