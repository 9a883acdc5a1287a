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
from pillion.core.lifecycle.deadlock import break_deadlock
from pillion.core.lifecycle.fold import fold
from pillion.core.lifecycle.order import is_resolvable
from pillion.core.lifecycle.reactions import react
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    ContainerStatus,
    ResourceStatus,
    StopCode,
    TaskStatus,
    is_before,
)
from pillion.core.lifecycle.steps import advance
from pillion.core.lifecycle.stopping import (
    KILLED,
    STOPPED_BY_USER,
    UNRESOLVABLE,
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

    An event that means nothing changes nothing, and the very same state comes back: one of a container that
    the task does not have, one that comes too late, and all but a request before the task was started.
    """
    turn = Turn(state, now_s)
    if isinstance(event, _REQUESTS):
        _take_request(turn, event)
    elif not state.started:
        return Step(state, ())
    elif isinstance(event, ev.ContainerEvent):
        if state.spec.has_container(event.container):
            known = state.containers[event.container].known
            react(turn, event, TABLE[type(event), known])
    else:
        _take_resource_event(turn, event)
    if turn.changes and turn.task("started"):
        _settle(turn)
    return Step(turn.finish(), tuple(turn.commands))


_REQUESTS = (ev.StartRequested, ev.StopRequested, ev.KillRequested)


def _take_request(turn: Turn, event: ev.Event) -> None:
    match event:
        case ev.StartRequested():
            _begin(turn)
        case ev.StopRequested(reason=reason, stop_code=code):
            _begin_if_needed(turn)
            stop_task(turn, code=code, reason=reason, cause=_mid_sentence(reason))
        case ev.KillRequested():
            _kill(turn)
        case _:
            pass


def _take_resource_event(turn: Turn, event: ev.Event) -> None:
    """A resource is decided once: what comes after that, or concerns no resource of the task, is dropped."""
    if not isinstance(event, ev.ResourceReady | ev.ResourceFailed):
        return
    resources = turn.task("resources")
    if resources.get(event.resource) is not ResourceStatus.PREPARING:
        return
    if isinstance(event, ev.ResourceReady):
        turn.put_task(resources={**resources, event.resource: ResourceStatus.READY})
        return
    turn.put_task(resources={**resources, event.resource: ResourceStatus.FAILED})
    stop_task(
        turn,
        code=StopCode.TASK_FAILED_TO_START,
        reason=event.error.text[:1].upper() + event.error.text[1:],
        cause=f"{event.resource} could not be prepared",
    )


def _begin(turn: Turn) -> None:
    if turn.task("started"):
        return
    _begin_if_needed(turn)
    if not is_resolvable(turn.spec):
        _refuse(turn)
        return
    for resource in turn.spec.resources:
        turn.ask(PrepareResource(resource=resource, cause="the task was started"))
    turn.put_task(resources=dict.fromkeys(turn.spec.resources, ResourceStatus.PREPARING))


def _begin_if_needed(turn: Turn) -> None:
    """A stop that comes before the start leaves a task that never ran, and says so in full."""
    if not turn.task("started"):
        turn.put_task(started=True, created_at_s=turn.now_s)
        turn.ask(ReportTask(cause="the task was started", last_status="PENDING"))


def _refuse(turn: Turn) -> None:
    """Stop a task whose dependencies cannot be resolved (TaskDependencyError) before anything of it moves."""
    stop_task(
        turn,
        code=StopCode.TASK_FAILED_TO_START,
        reason=f"{UNRESOLVABLE}: {turn.spec.task_arn}",
        cause="its dependencies cannot be resolved",
    )
    for name in turn.containers:
        turn.move(name, ContainerStatus.STOPPED, "never started: its dependencies cannot be resolved")


def _kill(turn: Turn) -> None:
    if turn.task("known") is TaskStatus.STOPPED or turn.task("killed"):
        return
    _begin_if_needed(turn)
    stop_task(
        turn,
        code=StopCode.USER_INITIATED,
        reason=STOPPED_BY_USER,
        cause=_mid_sentence(STOPPED_BY_USER),
    )
    turn.put_task(killed=True)
    for name, state in turn.containers.items():
        if _has_a_process(state):
            turn.put(name, in_flight=ContainerStatus.STOPPED, cause=KILLED)
            turn.ask(KillContainer(container=name, cause=KILLED))


def _has_a_process(state: ContainerState) -> bool:
    """Say whether there is, or may be, a process to kill now. A start under way is waited for."""
    if state.known is ContainerStatus.STOPPED or state.in_flight is ContainerStatus.RUNNING:
        return False
    return state.in_flight is ContainerStatus.STOPPED or not is_before(state.known, ContainerStatus.RUNNING)


def _settle(turn: Turn) -> None:
    for _ in range(_ROUNDS_PER_CONTAINER_MAX * (len(turn.spec.containers) + 1)):
        before = turn.changes
        apply_essential_rule(turn)
        want_all_stopped(turn)
        _advance_all(turn)
        if turn.changes == before:
            break_deadlock(turn)
        if turn.changes == before:
            fold(turn)
            return
    raise NotSettledError(f"task {turn.spec.task_arn} does not settle")


def _advance_all(turn: Turn) -> None:
    """Take a step with every container that may; who is to become STOPPED does so after the pass.

    In the agent that STOPPED is an event of its own. So a container that is listed later sees, in the same
    pass, one that will never start; one that is listed earlier sees it stopped in the next pass, with its
    exit code 143, which is enough for START and COMPLETE.
    """
    ended = {}
    for spec in turn.spec.containers:
        cause = advance(turn, spec)
        if cause is not None:
            ended[spec.name] = cause
    for name, cause in ended.items():
        turn.move(name, ContainerStatus.STOPPED, cause)


def _mid_sentence(text: str) -> str:
    """Return a sentence as part of another one; names and acronyms keep their capital."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
