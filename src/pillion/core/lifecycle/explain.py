"""Who waits for what, in words: the answer to "why is it still PENDING?".

Reads a state and decides nothing. While a task starts, it speaks of containers that are not at their
steady state; while it stops, of those that are not STOPPED.
"""

from __future__ import annotations

from dataclasses import dataclass

from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    Condition,
    ContainerStatus,
    HealthStatus,
    ResourceStatus,
    is_before,
)
from pillion.core.lifecycle.stopping import stop_blockers


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One thing that a container waits for.

    `on` is the container, resource or image waited for; None where it waits for the engine alone.
    `condition` is set for a dependency. `for_ever` says that nothing but a stop of the task will end it.
    """

    container: str
    text: str
    on: str | None = None
    condition: Condition | None = None
    for_ever: bool = False


_IN_FLIGHT_WORDS = {
    ContainerStatus.MANIFEST_PULLED: "its image is being looked up",
    ContainerStatus.PULLED: "its image is being pulled",
    ContainerStatus.CREATED: "is being created",
    ContainerStatus.RUNNING: "is being started",
    ContainerStatus.RESOURCES_PROVISIONED: "its network is being set up",
}

_STATE_WORDS = {
    Condition.CREATE: "to be created",
    Condition.START: "to start",
    Condition.COMPLETE: "to complete",
    Condition.SUCCESS: "to exit with 0",
    Condition.HEALTHY: "to be HEALTHY",
}


def waiting(state: TaskState) -> tuple[Waiting, ...]:
    """Return what every container waits for, in the order of the definition; nothing for who has arrived."""
    if not state.started:
        return ()
    find = _while_stopping if state.is_stopping else _while_starting
    return tuple(item for spec in state.spec.containers for item in find(state, spec))


def _while_starting(state: TaskState, spec: ContainerSpec) -> list[Waiting]:
    mine = state.containers[spec.name]
    if mine.in_flight is not None:
        text = (
            f"{spec.name}: {_IN_FLIGHT_WORDS[mine.in_flight]}" if mine.in_flight in _IN_FLIGHT_WORDS else ""
        )
        return [Waiting(container=spec.name, text=text.replace(": is", " is"))] if text else []
    if not is_before(mine.known, spec.steady) or mine.desired is ContainerStatus.STOPPED:
        return []
    holder = state.spec.network_holder
    if holder not in (None, spec.name) and mine.known is ContainerStatus.NONE:
        return [Waiting(container=spec.name, on=holder, text=f"{spec.name} waits for the task's network")]
    found = [
        _on_dependency(state, spec, answer.dependency)
        for answer in judge_all(state.spec, state.containers, spec)
        if isinstance(answer, NotYet)
    ]
    return found or _on_resources(state, spec)


def _on_dependency(state: TaskState, spec: ContainerSpec, dependency: Dependency) -> Waiting:
    other = state.containers[dependency.container]
    text = f"{spec.name} waits for {dependency.container} {_STATE_WORDS[dependency.condition]}"
    detail, for_ever = "", False
    if dependency.condition is Condition.HEALTHY:
        detail, for_ever = _health_detail(state.spec.container(dependency.container), other)
    elif dependency.condition is Condition.COMPLETE and other.known is ContainerStatus.STOPPED:
        detail, for_ever = "it ended without an exit code, so ECS waits for ever", True
    return Waiting(
        container=spec.name,
        on=dependency.container,
        condition=dependency.condition,
        text=f"{text}, {detail}" if detail else text,
        for_ever=for_ever,
    )


def _health_detail(spec: ContainerSpec, state: ContainerState) -> tuple[str, bool]:
    if not spec.has_health_check:
        return "which has no health check in the definition, so ECS waits for ever", True
    if state.known is ContainerStatus.STOPPED:
        return "which has ended without being healthy, so ECS waits for ever", True
    if state.health.status is HealthStatus.UNHEALTHY:
        return "which is UNHEALTHY and may still recover", False
    if state.has_run:
        return (
            f"probe {min(state.health.failing_streak + 1, spec.health_retries)} of {spec.health_retries}",
            False,
        )
    return "which has not started", False


def _on_resources(state: TaskState, spec: ContainerSpec) -> list[Waiting]:
    return [
        Waiting(container=spec.name, on=need.resource, text=f"{spec.name} waits for {need.resource}")
        for need in spec.needs
        if state.resources[need.resource] is not ResourceStatus.READY
    ]


def _while_stopping(state: TaskState, spec: ContainerSpec) -> list[Waiting]:
    mine = state.containers[spec.name]
    if mine.known is ContainerStatus.STOPPED:
        return []
    if mine.in_flight is ContainerStatus.STOPPED:
        limit = f"for at most {spec.stop_timeout_s:g} s"
        return [Waiting(container=spec.name, text=f"{spec.name} was told to stop and is waited for, {limit}")]
    blockers = stop_blockers(state.spec, state.containers, spec)
    text = f"{spec.name} stops after {', '.join(blockers)}" if blockers else f"{spec.name} is about to stop"
    return [Waiting(container=spec.name, on=blockers[0] if blockers else None, text=text)]
