"""Taking one container one step: which step is next, whether it may be taken, what to ask for.

A container never has two operations under way. One that is wanted to stop ignores its start conditions;
if it never ran it goes straight to STOPPED, without an engine call and without an exit code.
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
from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import (
    ContainerKind,
    ContainerStatus,
    ResourceStatus,
    is_before,
    next_status,
)
from pillion.core.lifecycle.stopping import may_stop
from pillion.core.lifecycle.turn import Turn

_START_STEPS: dict[ContainerStatus, Callable[..., Command]] = {
    ContainerStatus.MANIFEST_PULLED: ResolveManifest,
    ContainerStatus.PULLED: PullImage,
    ContainerStatus.CREATED: CreateContainer,
    ContainerStatus.RUNNING: StartContainer,
    ContainerStatus.RESOURCES_PROVISIONED: ProvisionNamespace,
}

_NOT_WAITED_FOR = frozenset(
    {ContainerStatus.MANIFEST_PULLED, ContainerStatus.PULLED, ContainerStatus.CREATED}
)
"""Operations that a stop does not wait for: what they bring later is dropped."""


def advance(turn: Turn, spec: ContainerSpec) -> str | None:
    """Take one step with a container if it may. Returns a cause if it is to become STOPPED now.

    The caller applies that STOPPED after the pass over all containers: in the agent it is an event of its
    own, so a container listed later still sees one that "will never start" in the same pass, and one
    listed earlier sees a stopped one, with exit code 143, in the next.
    """
    state = turn.containers[spec.name]
    if state.known is ContainerStatus.STOPPED:
        return None
    if state.desired is ContainerStatus.STOPPED:
        return _advance_to_stop(turn, spec, state)
    if state.in_flight is not None or state.known is spec.steady:
        return None
    return _advance_to_steady(turn, spec, state)


def _advance_to_stop(turn: Turn, spec: ContainerSpec, state: ContainerState) -> str | None:
    if state.in_flight is not None and state.in_flight not in _NOT_WAITED_FOR:
        return None
    if not may_stop(turn, spec):
        return None
    cause = turn.task("stop_cause") or "its start failed"
    if is_before(state.known, ContainerStatus.RUNNING):
        return f"never started: {cause}"
    turn.put(spec.name, in_flight=ContainerStatus.STOPPED, cause=cause)
    if turn.task("killed"):
        turn.ask(KillContainer(container=spec.name, cause=cause))
    else:
        turn.ask(StopContainer(container=spec.name, cause=cause, timeout_s=spec.stop_timeout_s))
    return None


def _advance_to_steady(turn: Turn, spec: ContainerSpec, state: ContainerState) -> str | None:
    step = next_status(state.known)
    cause = "the task was started"
    if _is_gated(turn, step):
        answers = judge_all(turn.spec, turn.containers, spec)
        for answer in answers:
            if isinstance(answer, Never):
                return _fail_for_good(turn, spec, answer)
        if any(isinstance(answer, NotYet) for answer in answers):
            return None
        words = [answer.because for answer in answers if isinstance(answer, Satisfied)]
        cause = ", ".join(words) or cause
    if not _namespaces_ready(turn, spec, step) or not _resources_ready(turn, spec, step):
        return None
    turn.put(spec.name, in_flight=step, cause=cause)
    turn.ask(_START_STEPS[step](container=spec.name, cause=cause))
    return None


def _is_gated(turn: Turn, step: ContainerStatus) -> bool:
    """Say whether dependsOn is asked before `step`; the manifest lookup never waits for it."""
    if step is ContainerStatus.MANIFEST_PULLED:
        return False
    return not (step is ContainerStatus.PULLED and turn.spec.pull_upfront)


def _namespaces_ready(turn: Turn, spec: ContainerSpec, step: ContainerStatus) -> bool:
    """No manifest lookup before the network is provisioned, no pull before the PID/IPC holder runs."""
    if spec.kind is not ContainerKind.NORMAL:
        return True
    network, namespaces = turn.spec.network_holder, turn.spec.namespace_holder
    if network is not None and turn.containers[network].known is not ContainerStatus.RESOURCES_PROVISIONED:
        return False
    return (
        namespaces is None
        or is_before(step, ContainerStatus.PULLED)
        or turn.containers[namespaces].known is ContainerStatus.RUNNING
    )


def _resources_ready(turn: Turn, spec: ContainerSpec, step: ContainerStatus) -> bool:
    resources = turn.task("resources")
    return all(
        is_before(step, need.before) or resources[need.resource] is ResourceStatus.READY
        for need in spec.needs
    )


def _fail_for_good(turn: Turn, spec: ContainerSpec, answer: Never) -> str:
    error = NamedError(name="CannotStartContainerError", text=f"dependency graph: {answer.detail}")
    turn.record_error(spec.name, error)
    turn.put(spec.name, desired=ContainerStatus.STOPPED, exit_code=NEVER_RAN_EXIT_CODE)
    return f"its dependency on {answer.dependency.container} can never be satisfied"
