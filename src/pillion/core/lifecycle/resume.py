"""What has to be asked for again when a task is taken over from a process that is gone.

The journal holds every event that was taken, and an event's commands are performed after it was stored. So at
the end of a journal each operation that the state calls under way may have been performed, wholly, partly or
not at all. All commands are such that asking twice does no harm: an engine that has done it already says so.
Timers lived in the process that is gone; they are set again.

Whoever takes over looks at every container first and lets the machine take what it sees: that may settle an
operation, and then it is not asked for again.
"""

from __future__ import annotations

from pillion.core.lifecycle.commands import (
    Command,
    KillContainer,
    PrepareResource,
    SetStartTimeout,
    StartContainer,
    StopContainer,
)
from pillion.core.lifecycle.conditions import is_waited_for_with_a_clock
from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import ContainerStatus, ResourceStatus, TaskStatus, is_before
from pillion.core.lifecycle.steps import START_STEPS

TAKEN_OVER = "the task was taken over"


def pending_commands(state: TaskState) -> tuple[Command, ...]:
    """Return the commands that may not have been performed, and the timers that run, of a replayed task."""
    if not state.started or state.known is TaskStatus.STOPPED:
        return ()
    resources = [
        PrepareResource(resource=name, cause=TAKEN_OVER)
        for name, status in state.resources.items()
        if status is ResourceStatus.PREPARING
    ]
    found: list[Command] = [*resources]
    for spec in state.spec.containers:
        found += _of_container(state, spec, state.containers[spec.name])
    return tuple(found)


def needs_resources(state: TaskState) -> tuple[str, ...]:
    """Return the resources that are ready, in a task of which a container is still to be made.

    What a process prepared may have lived in its memory (secrets, above all), so it is prepared again.
    """
    still_to_be_made = any(
        is_before(item.known, ContainerStatus.CREATED) and item.desired is not ContainerStatus.STOPPED
        for item in state.containers.values()
    )
    if state.is_stopping or not still_to_be_made:
        return ()
    return tuple(name for name, status in state.resources.items() if status is ResourceStatus.READY)


def _of_container(task: TaskState, spec: ContainerSpec, state: ContainerState) -> list[Command]:
    found: list[Command] = []
    if state.in_flight is ContainerStatus.STOPPED:
        found.append(_end(task, spec, state))
    elif state.in_flight is ContainerStatus.RUNNING:
        restart = state.restarting is not None
        found.append(StartContainer(container=spec.name, cause=state.cause, restart=restart))
    elif state.in_flight is not None:
        found.append(START_STEPS[state.in_flight](container=spec.name, cause=state.cause))
    if _clock_runs(task, spec, state) and spec.start_timeout_s is not None and state.started_at_s is not None:
        at_s = state.started_at_s + spec.start_timeout_s
        cause = f"startTimeout of {spec.name} is {spec.start_timeout_s:g} s"
        found.append(SetStartTimeout(container=spec.name, cause=cause, at_s=at_s))
    return found


def _end(task: TaskState, spec: ContainerSpec, state: ContainerState) -> Command:
    if task.killed:
        return KillContainer(container=spec.name, cause=state.cause)
    return StopContainer(container=spec.name, cause=state.cause, timeout_s=spec.stop_timeout_s)


def _clock_runs(task: TaskState, spec: ContainerSpec, state: ContainerState) -> bool:
    return (
        state.known is ContainerStatus.RUNNING
        and not state.start_timed_out
        and is_waited_for_with_a_clock(task.spec, spec)
    )
