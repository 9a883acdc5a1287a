"""The state machine: `handle(state, event, now) -> (state, commands)`.

Same input, same output. An event is taken (`table`, `reactions`), then everything that follows from it is
settled: the essential rule, the stop of a stopping task, and each container's next step, again and again
until nothing changes. The commands come in the order in which they have to be recorded and begun; those
for different containers may be performed at the same time.
"""

from __future__ import annotations

from typing import NamedTuple

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.commands import Command, KillContainer, PrepareResource, ReportTask
from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.reactions import react
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import (
    TASK_PROGRESS,
    ContainerKind,
    ContainerStatus,
    ResourceStatus,
    StopCode,
    TaskStatus,
    is_before,
    least_advanced,
    reported_task_status,
)
from pillion.core.lifecycle.steps import advance
from pillion.core.lifecycle.stopping import (
    FAILED_TO_START,
    GAVE_UP,
    apply_essential_rule,
    stop_task,
    want_all_stopped,
)
from pillion.core.lifecycle.table import TABLE
from pillion.core.lifecycle.turn import Turn

_ROUNDS_PER_CONTAINER_MAX = 2 * len(ContainerStatus)
"""Settling ends well before this: each round moves something forward, and nothing moves back."""


class Step(NamedTuple):
    """What an event leads to: the next state, and what to do, in order."""

    state: TaskState
    commands: tuple[Command, ...]


class NotSettledError(AssertionError):
    """Settling did not come to an end: a bug in the machine, never the definition's fault."""


def handle(state: TaskState, event: ev.Event, now_s: float) -> Step:
    """Take one event at `now_s` (POSIX seconds) and return what it leads to.

    An event of a container that the task does not have, or one that comes too late, changes nothing.
    """
    turn = Turn(state, now_s)
    if isinstance(event, ev.ContainerEvent):
        if state.spec.has_container(event.container):
            known = state.containers[event.container].known
            react(turn, event, TABLE[type(event), known])
    else:
        _take_task_event(turn, event)
    if turn.changes and turn.task("started"):
        _settle(turn)
    return Step(turn.finish(), tuple(turn.commands))


def _take_task_event(turn: Turn, event: ev.Event) -> None:
    match event:
        case ev.StartRequested() if not turn.task("started"):
            turn.put_task(started=True, created_at_s=turn.now_s)
            turn.ask(ReportTask(cause="the task was started", last_status="PENDING"))
            _prepare_resources(turn)
        case ev.StopRequested(reason=reason, stop_code=code):
            _begin_if_needed(turn)
            stop_task(turn, code=code, reason=reason, cause=_lower_first(reason))
        case ev.KillRequested() if not turn.task("killed"):
            _kill(turn)
        case ev.ResourceReady(resource=resource):
            _set_resource(turn, resource, ResourceStatus.READY)
        case ev.ResourceFailed(resource=resource, error=error):
            _set_resource(turn, resource, ResourceStatus.FAILED)
            reason = error.text[:1].upper() + error.text[1:]
            stop_task(
                turn,
                code=StopCode.TASK_FAILED_TO_START,
                reason=reason,
                cause=f"{resource} could not be prepared",
            )
        case _:
            pass


def _begin_if_needed(turn: Turn) -> None:
    """A stop that comes before the start leaves a task that never ran, and says so in full."""
    if not turn.task("started"):
        turn.put_task(started=True, created_at_s=turn.now_s)


def _prepare_resources(turn: Turn) -> None:
    for resource in turn.spec.resources:
        turn.ask(PrepareResource(resource=resource, cause="the task was started"))
    turn.put_task(resources=dict.fromkeys(turn.spec.resources, ResourceStatus.PREPARING))


def _set_resource(turn: Turn, resource: str, status: ResourceStatus) -> None:
    if resource in turn.task("resources"):
        turn.put_task(resources={**turn.task("resources"), resource: status})


def _kill(turn: Turn) -> None:
    _begin_if_needed(turn)
    reason = "Task stopped by user"
    stop_task(turn, code=StopCode.USER_INITIATED, reason=reason, cause=_lower_first(reason))
    turn.put_task(killed=True)
    for spec in turn.spec.containers:
        state = turn.containers[spec.name]
        alive = not is_before(state.known, ContainerStatus.RUNNING)
        if alive and state.known is not ContainerStatus.STOPPED:
            turn.put(
                spec.name,
                desired=ContainerStatus.STOPPED,
                in_flight=ContainerStatus.STOPPED,
                cause="it was killed",
            )
            turn.ask(KillContainer(container=spec.name, cause="the task was killed"))


def _settle(turn: Turn) -> None:
    for _ in range(_ROUNDS_PER_CONTAINER_MAX * (len(turn.spec.containers) + 1)):
        before = turn.changes
        apply_essential_rule(turn)
        want_all_stopped(turn)
        ended = {}
        for spec in turn.spec.containers:
            cause = advance(turn, spec)
            if cause is not None:
                ended[spec.name] = cause
        for name, cause in ended.items():
            turn.put(name, in_flight=None)
            turn.move(name, ContainerStatus.STOPPED, cause)
        if turn.changes == before:
            _break_deadlock(turn)
        _fold(turn)
        if turn.changes == before:
            return
    raise NotSettledError(f"task {turn.spec.task_arn} does not settle")


def _fold(turn: Turn) -> None:
    """Set the task's status to that of its least advanced container; it never goes back."""
    known: TaskStatus = turn.task("known")
    folded = task_status(turn)
    if TASK_PROGRESS.index(folded) <= TASK_PROGRESS.index(known):
        return
    stopped_essential = any(
        spec.essential and turn.containers[spec.name].known is ContainerStatus.STOPPED
        for spec in turn.spec.containers
    )
    if stopped_essential and folded is not TaskStatus.STOPPED:
        return  # frozen until everything has stopped
    turn.put_task(known=folded)
    cause = "every container has started or finished"
    if folded is TaskStatus.RUNNING:
        turn.put_task(started_at_s=turn.now_s)
    elif folded is TaskStatus.STOPPED:
        turn.put_task(stopped_at_s=turn.now_s)
        cause = turn.task("stop_cause") or "every container has ended"
    if reported_task_status(folded) != reported_task_status(known):
        turn.ask(ReportTask(cause=cause, last_status=reported_task_status(folded)))


def task_status(turn: Turn) -> TaskStatus:
    """Return the status that the containers add up to: the minimum, with STOPPED as the maximum."""
    waits_for_network = False
    statuses = []
    for spec in turn.spec.containers:
        known = turn.containers[spec.name].known
        statuses.append(known)
        if spec.kind is ContainerKind.CNI_PAUSE and known is ContainerStatus.RUNNING:
            waits_for_network = True
    match least_advanced(statuses):
        case ContainerStatus.NONE:
            return TaskStatus.NONE
        case ContainerStatus.MANIFEST_PULLED | ContainerStatus.PULLED:
            return TaskStatus.MANIFEST_PULLED
        case ContainerStatus.CREATED:
            return TaskStatus.CREATED
        case ContainerStatus.STOPPED:
            return TaskStatus.STOPPED
        case _:
            return TaskStatus.CREATED if waits_for_network else TaskStatus.RUNNING


def _break_deadlock(turn: Turn) -> None:
    """Stop a task that can no longer move; give up one that cannot even stop."""
    if _something_can_happen(turn):
        return
    if turn.task("desired") is TaskStatus.STOPPED:
        for name, state in turn.containers.items():
            if state.known is not ContainerStatus.STOPPED:
                turn.put_task(stopped_reason=GAVE_UP)
                turn.move(name, ContainerStatus.STOPPED, "it could not be stopped in order")
    else:
        stop_task(
            turn,
            code=StopCode.TASK_FAILED_TO_START,
            reason=FAILED_TO_START,
            cause="no container can go on",
        )


def _something_can_happen(turn: Turn) -> bool:
    if any(state.in_flight is not None for state in turn.containers.values()):
        return True
    if ResourceStatus.PREPARING in turn.task("resources").values():
        return True
    if turn.task("desired") is TaskStatus.STOPPED:
        return all(state.known is ContainerStatus.STOPPED for state in turn.containers.values())
    arrived = all(
        turn.containers[spec.name].known in (spec.steady, ContainerStatus.STOPPED)
        for spec in turn.spec.containers
    )
    return arrived or any(
        isinstance(answer, NotYet)
        for spec in turn.spec.containers
        if is_before(turn.containers[spec.name].known, spec.steady)
        for answer in judge_all(turn.spec, turn.containers, spec)
    )


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
