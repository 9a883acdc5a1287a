"""When a case is ready for its fault, how long the fault lasts, how long is watched afterwards. Pure."""

from __future__ import annotations

from msgspec import Struct

from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, TaskStatus
from pillion.core.plan.model import NetworkMode, TaskPlan, VolumeKind
from pillion.drilling.faults import HELD, Case, Fault

FROZEN_S = 5.0
"""How long a container without a health check is frozen."""

CUT_S = 5.0
"""How long a network is cut."""

AFTERMATH_S = 3.0
"""How long is watched at least: neighbours need a moment to notice."""

MARGIN_S = 2.0
"""How much longer than the simulation needs is watched: a real engine is slower."""

HELD_SHARE = 0.7
"""The part of a case's time that its fault may take."""


class Pace(Struct, frozen=True, kw_only=True):
    """How a case is run.

    Attributes:
        case_timeout_s: after this time a case is ended whatever it shows.
        after_s: how long the task is left in peace, once it is well, before the fault is made.
        delay_s: how late a container is started that is to start late.
    """

    case_timeout_s: float = 120.0
    after_s: float = 1.0
    delay_s: float = 5.0


def is_ready(state: TaskState) -> bool:
    """Say whether a task is RUNNING and every health check has come to a result."""
    return state.known is TaskStatus.RUNNING and all(
        state.containers[item.name].known is ContainerStatus.STOPPED
        or (
            state.containers[item.name].known is item.steady
            and not (
                item.has_health_check and state.containers[item.name].health.status is HealthStatus.UNKNOWN
            )
        )
        for item in state.spec.containers
    )


def held_s(plan: TaskPlan, case: Case, pace: Pace) -> float:
    """Return how long a fault lasts that is taken back; 0 for the others.

    A container with a health check is held until it must have been found UNHEALTHY: `retries` probes in a
    row, of which the first may be an interval away, each of which may take its timeout.
    """
    if case.fault not in HELD:
        return 0.0
    if case.fault is Fault.NETWORK:
        return CUT_S
    probe = plan.container(case.container).health if case.container else None
    if probe is None:
        return FROZEN_S
    slow_s = probe.timeout_s if case.fault is Fault.FREEZE else 0.5
    needed_s = (probe.retries + 1) * (probe.interval_s + slow_s) + MARGIN_S
    return min(needed_s, HELD_SHARE * pace.case_timeout_s)


def strikes_early(case: Case, ends_by_itself: frozenset[str]) -> bool:
    """Say whether the fault is made as soon as the container starts: later it would have ended."""
    return case.container in ends_by_itself and case.fault not in (Fault.NEVER_HEALTHY, Fault.DELAY)


def jobs_allowed(plan: TaskPlan, wanted: int) -> int:
    """Return how many cases may run at once: one, where they share the machine's network or its data."""
    shares = plan.network_mode is NetworkMode.HOST or any(
        volume.kind is not VolumeKind.TASK for volume in plan.volumes
    )
    return 1 if shares else wanted
