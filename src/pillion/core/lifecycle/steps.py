"""Taking one container one step: which step is next, whether it may be taken, what to ask for.

A container never has two operations under way. One that is wanted to stop ignores its start conditions;
if it never ran it goes straight to STOPPED, without an engine call and without an exit code. Dependencies
are asked also while an operation is under way, because one that can no longer hold ends the wait at once:
a pull or a create that is under way then is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable

from pillion.core.lifecycle.commands import (
    Command,
    CreateContainer,
    KillContainer,
    ProvisionNamespace,
    PullImage,
    ResolveManifest,
    StartContainer,
    StopContainer,
)
from pillion.core.lifecycle.conditions import NEVER_RAN_EXIT_CODE, Never, NotYet, Satisfied, judge_all
from pillion.core.lifecycle.events import NamedError
from pillion.core.lifecycle.gates import asks_dependencies, missing_holder, missing_resources
from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import ContainerStatus, is_before, next_status
from pillion.core.lifecycle.stopping import KILLED, may_stop
from pillion.core.lifecycle.turn import Turn

START_STEPS: dict[ContainerStatus, Callable[..., Command]] = {
    ContainerStatus.MANIFEST_PULLED: ResolveManifest,
    ContainerStatus.PULLED: PullImage,
    ContainerStatus.CREATED: CreateContainer,
    ContainerStatus.RUNNING: StartContainer,
    ContainerStatus.RESOURCES_PROVISIONED: ProvisionNamespace,
}
"""What is asked for to bring a container to each status on its way up."""

_NOT_WAITED_FOR = frozenset(
    {ContainerStatus.MANIFEST_PULLED, ContainerStatus.PULLED, ContainerStatus.CREATED}
)
"""Operations that a stop does not wait for: what they bring later is dropped."""


def advance(turn: Turn, spec: ContainerSpec) -> str | None:
    """Take one step with a container if it may. Returns a cause if it is to become STOPPED now.

    The caller applies that STOPPED after the pass over all containers.
    """
    state = turn.containers[spec.name]
    if state.known is ContainerStatus.STOPPED:
        return None
    if state.desired is ContainerStatus.STOPPED:
        return _advance_to_stop(turn, spec, state)
    if state.known is spec.steady or state.restarting is not None:
        return None
    return _advance_to_steady(turn, spec, state)


def _advance_to_stop(turn: Turn, spec: ContainerSpec, state: ContainerState) -> str | None:
    if state.in_flight is not None and state.in_flight not in _NOT_WAITED_FOR:
        return None
    if not may_stop(turn, spec):
        return None
    cause = f"it {state.failure}" if state.failure else _task_cause(turn)
    if is_before(state.known, ContainerStatus.RUNNING):
        return f"never started: {cause}"
    turn.put(spec.name, in_flight=ContainerStatus.STOPPED, cause=cause)
    if turn.task("killed"):
        turn.ask(KillContainer(container=spec.name, cause=cause))
    else:
        turn.ask(StopContainer(container=spec.name, cause=cause, timeout_s=spec.stop_timeout_s))
    return None


def _task_cause(turn: Turn) -> str:
    if turn.task("killed"):
        return KILLED
    return turn.task("stop_cause") or "it is not wanted any more"


def _advance_to_steady(turn: Turn, spec: ContainerSpec, state: ContainerState) -> str | None:
    step = next_status(state.known)
    cause = "the task was started"
    if asks_dependencies(turn.spec, step):
        answers = judge_all(turn.spec, turn.containers, spec)
        for answer in answers:
            if isinstance(answer, Never) and state.in_flight is not ContainerStatus.RUNNING:
                return _fail_for_good(turn, spec, answer)
        if any(isinstance(answer, NotYet) for answer in answers):
            return None
        words = [answer.because for answer in answers if isinstance(answer, Satisfied)]
        cause = ", ".join(words) or cause
    if state.in_flight is not None:
        return None
    if missing_holder(turn.spec, turn.containers, spec, step) is not None:
        return None
    if missing_resources(turn.task("resources"), spec, step):
        return None
    turn.put(spec.name, in_flight=step, cause=cause)
    turn.ask(START_STEPS[step](container=spec.name, cause=cause))
    return None


def _fail_for_good(turn: Turn, spec: ContainerSpec, answer: Never) -> str:
    error = NamedError(name="CannotStartContainerError", text=f"dependency graph: {answer.detail}")
    turn.record_error(spec.name, error)
    failure = f"cannot start: {answer.because}"
    turn.put(
        spec.name,
        desired=ContainerStatus.STOPPED,
        exit_code=NEVER_RAN_EXIT_CODE,
        failure=failure,
    )
    return f"it {failure}"
