"""May a container go on? Satisfied, not yet (and on what it waits), or never (and why).

The rules are the ECS agent's, and differ from intuition in places: START is met by a container that has
already ended; COMPLETE by any exit code; HEALTHY goes on waiting for a container that is UNHEALTHY, and
even for one that has exited; startTimeout is the dependency's, runs from its own start and never applies
to START.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import Condition, ContainerStatus, HealthStatus, is_before

NEVER_RAN_EXIT_CODE = 143
"""What ECS records for a container that never ran because a dependency can no longer be satisfied."""

TIMED_CONDITIONS = frozenset({Condition.SUCCESS, Condition.COMPLETE, Condition.HEALTHY})
"""The conditions to which a dependency's startTimeout applies."""


_UNRESOLVED = "failed to resolve container ordering dependency {names}"


class Satisfied(Struct, frozen=True):
    """The dependency holds; `because` says it in words ("envoy is HEALTHY")."""

    because: str


class NotYet(Struct, frozen=True):
    """The dependency does not hold so far."""

    dependency: Dependency


class Never(Struct, frozen=True):
    """The dependency can no longer be satisfied: `because` in words, `detail` in the agent's own text."""

    dependency: Dependency
    because: str
    detail: str


Answer = Satisfied | NotYet | Never


def judge(
    spec: TaskSpec,
    containers: Mapping[str, ContainerState],
    target: ContainerSpec,
    dependency: Dependency,
) -> Answer:
    """Answer one dependency of `target`, in the agent's order of tests.

    What can never be comes before the condition. So a HEALTHY dependant whose image is still being pulled
    when the window closes fails although the dependency is healthy, and a container that was created and
    will not start does not satisfy CREATE.
    """
    if not spec.has_container(dependency.container):
        names = f"[<nil>] for target [{describe(target, containers[target.name])}]"
        return Never(
            dependency,
            because=f"there is no container {dependency.container}",
            detail=f"container ordering dependency {names} does not exist.",
        )
    other, state = spec.container(dependency.container), containers[dependency.container]
    never = _never(dependency.condition, other, state, containers[target.name])
    if never is not None:
        because, detail = never
        names = f"[{describe(other, state)}] for target [{describe(target, containers[target.name])}]"
        return Never(dependency, because=because, detail=detail.format(names=names))
    met = _satisfied(dependency.condition, other, state)
    return NotYet(dependency) if met is None else Satisfied(met)


def _never(
    condition: Condition, other: ContainerSpec, state: ContainerState, target: ContainerState
) -> tuple[str, str] | None:
    """Return why a dependency can never hold, in words and in the agent's text, or None."""
    if _has_timed_out(condition, state, target):
        return (
            f"the startTimeout of {other.name} ({other.start_timeout_s or 0:g} s) has passed",
            "container ordering dependency {names} has timed out.",
        )
    if _failed_success(condition, state):
        return (
            f"{other.name} {exit_words(state)}, and SUCCESS asks for 0",
            f"{_UNRESOLVED} as dependency did not exit successfully.",
        )
    if _will_never_start(state):
        return (
            f"{other.name} will never start",
            f"{_UNRESOLVED} because dependency will never start",
        )
    return None


def judge_all(
    spec: TaskSpec, containers: Mapping[str, ContainerState], target: ContainerSpec
) -> list[Answer]:
    """Answer every dependency of `target`; all have to hold."""
    return [judge(spec, containers, target, dependency) for dependency in target.depends_on]


def describe(spec: ContainerSpec, state: ContainerState) -> str:
    """Return a container as the agent prints it: `name(image) (KNOWN->DESIRED) - Exit: n`."""
    text = f"{spec.name}({spec.image}) ({state.known.value}->{state.desired.value})"
    return text if state.exit_code is None else f"{text} - Exit: {state.exit_code}"


def exit_words(state: ContainerState) -> str:
    """Return how a container ended, in words: `exited with code 1`."""
    if state.exit_code is None:
        return "ended without an exit code"
    return f"exited with code {state.exit_code}"


def _has_timed_out(condition: Condition, dependency: ContainerState, target: ContainerState) -> bool:
    return (
        condition in TIMED_CONDITIONS
        and dependency.start_timed_out
        and dependency.known is not ContainerStatus.STOPPED
        and is_before(target.known, ContainerStatus.CREATED)
    )


def _satisfied(condition: Condition, spec: ContainerSpec, state: ContainerState) -> str | None:
    stopped = state.known is ContainerStatus.STOPPED
    match condition:
        case Condition.CREATE:
            met = not is_before(state.known, ContainerStatus.CREATED)
            words = "was created"
        case Condition.START:
            met = stopped or not is_before(state.known, spec.steady)
            words = "has already ended" if stopped else "has started"
        case Condition.COMPLETE:
            met = stopped and state.exit_code is not None
            words = f"completed with exit code {state.exit_code}"
        case Condition.SUCCESS:
            met = stopped and state.exit_code == 0
            words = "exited with 0 (SUCCESS)"
        case Condition.HEALTHY:
            met = spec.has_health_check and state.health.status is HealthStatus.HEALTHY
            words = "is HEALTHY"
    return f"{spec.name} {words}" if met else None


def _failed_success(condition: Condition, state: ContainerState) -> bool:
    return condition is Condition.SUCCESS and state.known is ContainerStatus.STOPPED and state.exit_code != 0


def _will_never_start(state: ContainerState) -> bool:
    return (
        is_before(state.known, ContainerStatus.RUNNING)
        and state.desired is ContainerStatus.STOPPED
        and state.in_flight is None
    )


def is_waited_for_with_a_clock(task: TaskSpec, spec: ContainerSpec) -> bool:
    """Say whether anybody waits for a container on a condition that its startTimeout applies to."""
    return any(
        dependency.container == spec.name and dependency.condition in TIMED_CONDITIONS
        for other in task.containers
        for dependency in other.depends_on
    )
