"""What everyone waits for, in words and as values: the answer to "why is my task PENDING?".

Nothing is decided here: the answers come from the same functions that the machine asks. A wait that can
never end is said to be one, because ECS lets a task wait for ever without a word.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.gates import asks_dependencies, missing_holder, missing_resources
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    Condition,
    ContainerStatus,
    HealthStatus,
    next_status,
)
from pillion.core.lifecycle.stopping import stop_blockers


class WaitKind(Enum):
    """What a container waits for."""

    TASK = "the task has not been started"
    OPERATION = "the engine is at work for this container"
    DEPENDENCY = "a dependency does not hold yet"
    HOLDER = "a pause container is not ready yet"
    RESOURCE = "a resource of the task is not ready yet"
    STOP_ORDER = "containers that depend on it have to stop first"


class Waiting(Struct, frozen=True, kw_only=True):
    """One container that has not arrived, and what it waits for.

    `on` names the containers or resources that are waited for; it is empty where the container waits for
    the engine. `text` is a sentence without its full stop. `for_ever` says that nothing but the end of the
    task can end the wait.
    """

    container: str
    kind: WaitKind
    text: str
    on: tuple[str, ...] = ()
    for_ever: bool = False


_OPERATIONS = {
    ContainerStatus.MANIFEST_PULLED: "waits for the image to be looked up",
    ContainerStatus.PULLED: "waits for the image to be pulled",
    ContainerStatus.CREATED: "is being created",
    ContainerStatus.RUNNING: "is being started",
    ContainerStatus.RESOURCES_PROVISIONED: "is setting up the task's network",
}


def waiting(state: TaskState) -> tuple[Waiting, ...]:
    """Return what each container waits for, in the order of the definition.

    While the task starts these are the containers that do not run yet, while it stops those that have not
    stopped. A container that has arrived, or has ended, waits for nothing.
    """
    found = (_wait_of(state, spec) for spec in state.spec.containers)
    return tuple(item for item in found if item is not None)


def _wait_of(state: TaskState, spec: ContainerSpec) -> Waiting | None:
    mine = state.containers[spec.name]
    if mine.known is ContainerStatus.STOPPED:
        return None
    if mine.desired is ContainerStatus.STOPPED:
        return _wait_to_stop(state, spec, mine)
    if mine.in_flight is not None:
        words = "is being restarted" if mine.restarting is not None else _OPERATIONS[mine.in_flight]
        return Waiting(container=spec.name, kind=WaitKind.OPERATION, text=f"{spec.name} {words}")
    return None if mine.known is spec.steady else _wait_to_run(state, spec, mine)


def _wait_to_stop(state: TaskState, spec: ContainerSpec, mine: ContainerState) -> Waiting:
    if mine.in_flight is ContainerStatus.STOPPED:
        limit = "" if state.killed else f" and has {spec.stop_timeout_s:g} s for it (stopTimeout)"
        text = f"{spec.name} is being stopped{limit}"
        return Waiting(container=spec.name, kind=WaitKind.OPERATION, text=text)
    blockers = stop_blockers(state.spec, state.containers, spec)
    if blockers and not state.killed:
        text = f"{spec.name} waits for {_listed(blockers)} to stop first"
        return Waiting(container=spec.name, kind=WaitKind.STOP_ORDER, text=text, on=blockers)
    text = f"{spec.name} is being started and is stopped after that"
    return Waiting(container=spec.name, kind=WaitKind.OPERATION, text=text)


def _wait_to_run(state: TaskState, spec: ContainerSpec, mine: ContainerState) -> Waiting | None:
    if not state.started:
        text = f"{spec.name} waits for the task to be started"
        return Waiting(container=spec.name, kind=WaitKind.TASK, text=text)
    step = next_status(mine.known)
    if asks_dependencies(state.spec, step):
        answers = judge_all(state.spec, state.containers, spec)
        blocking = [answer.dependency for answer in answers if isinstance(answer, NotYet)]
        if blocking:
            return _wait_for_dependencies(state, spec, blocking)
    holder = missing_holder(state.spec, state.containers, spec, step)
    if holder is not None:
        what = "network" if holder == state.spec.network_holder else "shared PID and IPC namespaces"
        text = f"{spec.name} waits for the task's {what} to be ready"
        return Waiting(container=spec.name, kind=WaitKind.HOLDER, text=text, on=(holder,))
    resources = missing_resources(state.resources, spec, step)
    if resources:
        text = f"{spec.name} waits for {_listed(resources)} to be ready"
        return Waiting(container=spec.name, kind=WaitKind.RESOURCE, text=text, on=resources)
    return None


def _wait_for_dependencies(state: TaskState, spec: ContainerSpec, blocking: list[Dependency]) -> Waiting:
    parts = [_dependency_words(state, dependency) for dependency in blocking]
    hopeless = any(_is_hopeless(state, dependency) for dependency in blocking)
    return Waiting(
        container=spec.name,
        kind=WaitKind.DEPENDENCY,
        text=f"{spec.name} waits for {_listed(tuple(parts))}",
        on=tuple(dict.fromkeys(dependency.container for dependency in blocking)),
        for_ever=hopeless,
    )


def _is_hopeless(state: TaskState, dependency: Dependency) -> bool:
    """Say whether a dependency that does not hold can no longer come to hold.

    ECS does not look for this: HEALTHY waits for a container that has exited, and COMPLETE for one that
    ended without an exit code.
    """
    return state.containers[dependency.container].known is ContainerStatus.STOPPED


def _dependency_words(state: TaskState, dependency: Dependency) -> str:
    name, other = dependency.container, state.containers[dependency.container]
    match dependency.condition:
        case Condition.CREATE:
            words = f"{name} to be created"
        case Condition.START:
            words = f"{name} to start"
        case Condition.COMPLETE:
            words = f"{name} to exit (COMPLETE)"
        case Condition.SUCCESS:
            words = f"{name} to exit with 0 (SUCCESS)"
        case Condition.HEALTHY:
            words = f"{name} to be HEALTHY"
    if _is_hopeless(state, dependency):
        code = "" if other.exit_code is None else f" with code {other.exit_code}"
        return f"{words}, but it has ended{code}: this wait lasts for ever, as it would on ECS"
    if dependency.condition is Condition.HEALTHY and other.has_run:
        return f"{words}, {_probe_words(state.spec.container(name), other)}"
    return words


def _probe_words(spec: ContainerSpec, state: ContainerState) -> str:
    health = state.health
    if health.status is HealthStatus.UNHEALTHY:
        return f"which is UNHEALTHY after {max(health.failing_streak, spec.health_retries)} failed probes"
    return f"probe {min(health.failing_streak + 1, spec.health_retries)} of {spec.health_retries}"


def _listed(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
