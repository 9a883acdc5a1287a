"""How the containers behave when all is well, learned from a run without a fault. Pure.

A simulation that knows nothing of a program assumes that it runs, is healthy and ends on SIGTERM. What the
run has shown is put in its place: who ends by itself and with what, when health checks pass, and how a
container takes the stop signal. So a difference between the two is due to the fault and not to ignorance.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus
from pillion.core.plan.model import ContainerPlan, TaskPlan
from pillion.drilling.recording import Recording
from pillion.engines.simulated.behaviour import SIGTERM_EXIT_CODE, Behaviour, Life

_KILLED = 137


def usual_ends(recording: Recording) -> dict[str, int | None]:
    """Return who ended by itself in a run without a fault, with the exit codes."""
    state = recording.before_we_asked()
    return {
        item.name: state.containers[item.name].exit_code
        for item in state.spec.containers
        if item.kind is ContainerKind.NORMAL
        and state.containers[item.name].known is ContainerStatus.STOPPED
        and state.containers[item.name].has_run
    }


def learned_behaviours(plan: TaskPlan, recording: Recording) -> Mapping[str, Behaviour]:
    """Return the behaviour of every container of the definition, as a run without a fault has shown it."""
    return {
        item.name: _behaviour(item, recording)
        for item in plan.containers
        if item.kind is ContainerKind.NORMAL
    }


def _behaviour(item: ContainerPlan, recording: Recording) -> Behaviour:
    state = recording.before_we_asked().containers[item.name]
    exits_after_s, exit_code = None, 0
    if state.known is ContainerStatus.STOPPED and state.started_at_s is not None:
        finished_s = state.finished_at_s if state.finished_at_s is not None else state.started_at_s
        exits_after_s, exit_code = max(finished_s - state.started_at_s, 0.0), state.exit_code or 0
    stops_after_s, stop_exit_code = _stop(item, recording)
    life = Life(
        exits_after_s=exits_after_s,
        exit_code=exit_code,
        healthy_after_s=_healthy_after_s(item, recording),
        stops_after_s=stops_after_s,
        stop_exit_code=stop_exit_code,
    )
    return Behaviour(image_present=True, pull_s=0.0, lives=(life,))


def _healthy_after_s(item: ContainerPlan, recording: Recording) -> float | None:
    """From which age on the check passes: half an interval before the probe that was the first to pass."""
    if item.health is None:
        return 0.0
    started_s = recording.last.containers[item.name].started_at_s
    for at_s, state in recording.history:
        if state.containers[item.name].health.status is HealthStatus.HEALTHY and started_s is not None:
            age_s = at_s - started_s
            first_s = item.health.interval_s + item.health.timeout_s
            return 0.0 if age_s <= first_s else max(age_s - item.health.interval_s / 2, 0.0)
    return None


def _stop(item: ContainerPlan, recording: Recording) -> tuple[float | None, int]:
    """How long it took to end on the stop signal, and with what; None where it had to be killed."""
    asked_s = None
    for (_, before), (at_s, after) in pairwise(recording.history):
        was, now = before.containers[item.name], after.containers[item.name]
        if now.in_flight is ContainerStatus.STOPPED and was.in_flight is not ContainerStatus.STOPPED:
            asked_s = at_s
        if asked_s is not None and now.known is ContainerStatus.STOPPED:
            took_s, code = at_s - asked_s, recording.last.containers[item.name].exit_code
            if code == _KILLED and took_s >= item.stop_timeout_s:
                return None, _KILLED
            return took_s, SIGTERM_EXIT_CODE if code is None else code
    return 0.1, SIGTERM_EXIT_CODE
