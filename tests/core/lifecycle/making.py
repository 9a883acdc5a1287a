"""Short ways to make tasks and states for tests of the lifecycle."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import ContainerState, TaskState, initial_state
from pillion.core.lifecycle.states import Condition, ContainerKind, ContainerStatus


def task(*containers: ContainerSpec, **options: Any) -> TaskSpec:
    """Return a task of some containers."""
    return TaskSpec(task_arn="arn:task", containers=containers, **options)


def container(name: str, **options: Any) -> ContainerSpec:
    """Return a container; `waits={"db": "START"}` are its dependencies."""
    edges = tuple(
        Dependency(container=other, condition=Condition(condition))
        for other, condition in options.pop("waits", {}).items()
    )
    return ContainerSpec(name=name, image=f"{name}:1", depends_on=edges, **options)


def pause(name: str = "pause", kind: ContainerKind = ContainerKind.CNI_PAUSE) -> ContainerSpec:
    """Return a pause container."""
    return ContainerSpec(name=name, image=f"{name}:1", kind=kind)


def state_of(spec: TaskSpec, **containers: ContainerState) -> TaskState:
    """Return a state of a started task in which some containers are as given."""
    begin = initial_state(spec)
    return replace(begin, started=True, created_at_s=0.0, containers={**begin.containers, **containers})


def at(status: str, **fields: Any) -> ContainerState:
    """Return the state of a container that has come to a status, plausible for it."""
    known = ContainerStatus(status)
    ran = {"started_at_s": 1.0, "process_started_at_s": 1.0}
    plausible: dict[ContainerStatus, dict[str, Any]] = {
        ContainerStatus.RUNNING: ran,
        ContainerStatus.RESOURCES_PROVISIONED: ran,
        ContainerStatus.STOPPED: {**ran, "exit_code": 0, "finished_at_s": 2.0},
    }
    return ContainerState(known=known, **{**plausible.get(known, {}), **fields})
