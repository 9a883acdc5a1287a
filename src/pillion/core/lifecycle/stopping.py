"""Why a task stops, and in which order its containers do.

An essential container that is stopped, or that is wanted to stop, takes the task with it, whatever its
exit code. Containers stop in the exact reverse of the dependency graph: nobody is sent a stop before
all who declare a dependency on it, of whatever condition, have ended. Pause containers go last.
"""

from __future__ import annotations

from collections.abc import Mapping

from pillion.core.lifecycle.commands import ReportStopping
from pillion.core.lifecycle.conditions import exit_words
from pillion.core.lifecycle.events import NamedError
from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, StopCode, TaskStatus
from pillion.core.lifecycle.turn import Turn

ESSENTIAL_EXITED = "Essential container in task exited"
FAILED_TO_START = "Task failed to start"
KILLED = "the task was killed"
STOPPED_BY_USER = "Task stopped by user"
UNRESOLVABLE = "Task dependencies cannot be resolved, taskArn"
GAVE_UP = "TaskStateError: Agent could not progress task's state to stopped"


def stop_task(turn: Turn, *, code: StopCode, reason: str, cause: str, ended_by: str | None = None) -> None:
    """Want the task to be STOPPED, unless it already is; the first reason stands."""
    if turn.task("desired") is TaskStatus.STOPPED:
        return
    turn.put_task(
        desired=TaskStatus.STOPPED,
        stop_code=code,
        stopped_reason=reason,
        stop_cause=cause,
        ended_by=ended_by,
        stopping_at_s=turn.now_s,
    )
    turn.ask(ReportStopping(cause=cause))


def apply_essential_rule(turn: Turn) -> None:
    """Stop the task when an essential container is STOPPED or is wanted to be."""
    for spec in turn.spec.containers:
        if not spec.essential:
            continue
        state = turn.containers[spec.name]
        if state.known is ContainerStatus.STOPPED and turn.task("execution_stopped_at_s") is None:
            turn.put_task(execution_stopped_at_s=turn.now_s)
        if ContainerStatus.STOPPED in (state.known, state.desired):
            _stop_for(turn, spec, state)


def _stop_for(turn: Turn, spec: ContainerSpec, state: ContainerState) -> None:
    if state.known is ContainerStatus.STOPPED and state.has_run:
        stop_task(
            turn,
            code=StopCode.ESSENTIAL_CONTAINER_EXITED,
            reason=ESSENTIAL_EXITED,
            cause=f"essential container {spec.name} {exit_words(state)}",
            ended_by=spec.name,
        )
    else:
        # A pause container is not among those that ECS reports: only the task can tell what it failed of.
        hidden = spec.kind is not ContainerKind.NORMAL and state.error is not None
        stop_task(
            turn,
            code=StopCode.TASK_FAILED_TO_START,
            reason=str(state.error) if hidden else FAILED_TO_START,
            cause=f"essential container {spec.name} {state.failure or 'never ran'}",
            ended_by=spec.name,
        )


def want_all_stopped(turn: Turn) -> None:
    """Once the task is to stop, want every container to."""
    if turn.task("desired") is TaskStatus.STOPPED:
        for name, state in turn.containers.items():
            if state.desired is not ContainerStatus.STOPPED:
                turn.put(name, desired=ContainerStatus.STOPPED)


def fail_task_start(turn: Turn, error: NamedError, *, cause: str, ended_by: str | None = None) -> None:
    """Stop a task that cannot start, with the error's text as its reason."""
    stop_task(turn, code=StopCode.TASK_FAILED_TO_START, reason=str(error), cause=cause, ended_by=ended_by)


def may_stop(turn: Turn, spec: ContainerSpec) -> bool:
    """Say whether a container that is to stop may be sent its stop now."""
    if turn.task("killed"):
        return True
    return not stop_blockers(turn.spec, turn.containers, spec)


def stop_blockers(
    task: TaskSpec, containers: Mapping[str, ContainerState], spec: ContainerSpec
) -> tuple[str, ...]:
    """Return the containers that have to be STOPPED before `spec` is sent its stop."""
    if spec.kind is ContainerKind.NORMAL:
        names = task.dependants[spec.name]
    else:
        names = tuple(
            other.name
            for other in task.containers
            if other.kind is ContainerKind.NORMAL or other.name in task.dependants[spec.name]
        )
    return tuple(name for name in names if containers[name].known is not ContainerStatus.STOPPED)
