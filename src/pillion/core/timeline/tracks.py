"""From the states of a task to what each container was doing when.

A phase is what a person sees, not what the machine knows: looking up an image and pulling it are one phase,
creating and starting a container are one. Pause containers have no track.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus

History = Sequence[tuple[float, TaskState]]
"""States of one task with the times at which they began, in seconds from any zero, in the order of time."""


class Phase(Enum):
    """What a container is doing."""

    WAITS = "waits"
    PULLS = "pulling"
    STARTS = "starting"
    RUNS = "running"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STOPS = "stopping"


class Span(Struct, frozen=True, kw_only=True):
    """A time in which a container stays in one phase; seconds on the history's scale."""

    phase: Phase
    begins_s: float
    ends_s: float


class Track(Struct, frozen=True, kw_only=True):
    """One container's way through the task; no span covers the time after its end.

    `ending` is how it stands at the end of the history, in a few words.
    """

    name: str
    essential: bool
    spans: tuple[Span, ...]
    ending: str


def tracks_of(history: History, *, ended_at_s: float) -> tuple[Track, ...]:
    """Return the track of every container of the definition, in its order.

    Args:
        history: at least one state.
        ended_at_s: where the last state's time ends.
    """
    last = history[-1][1]
    return tuple(
        Track(
            name=spec.name,
            essential=spec.essential,
            spans=_spans(history, spec, ended_at_s),
            ending=_ending(last.containers[spec.name], spec),
        )
        for spec in last.spec.containers
        if spec.kind is ContainerKind.NORMAL
    )


def phase_of(state: ContainerState, spec: ContainerSpec) -> Phase | None:
    """Return what a container is doing; None once it has ended."""
    if state.known is ContainerStatus.STOPPED:
        return None
    if state.in_flight is ContainerStatus.STOPPED:
        return Phase.STOPS
    if state.restarting is not None:
        return Phase.STARTS
    if state.known is spec.steady:
        return _RUNNING[state.health.status]
    if state.in_flight in (ContainerStatus.MANIFEST_PULLED, ContainerStatus.PULLED):
        return Phase.PULLS
    if state.in_flight is not None or state.known is ContainerStatus.CREATED:
        return Phase.STARTS
    return Phase.WAITS


_RUNNING = {
    HealthStatus.UNKNOWN: Phase.RUNS,
    HealthStatus.HEALTHY: Phase.HEALTHY,
    HealthStatus.UNHEALTHY: Phase.UNHEALTHY,
}


def _spans(history: History, spec: ContainerSpec, ended_at_s: float) -> tuple[Span, ...]:
    found: list[Span] = []
    ends = [*(at_s for at_s, _ in history[1:]), ended_at_s]
    for (begins_s, state), ends_s in zip(history, ends, strict=True):
        phase = phase_of(state.containers[spec.name], spec)
        if phase is None or ends_s <= begins_s:
            continue
        if found and found[-1].phase is phase and found[-1].ends_s == begins_s:
            found[-1] = replace(found[-1], ends_s=ends_s)
        else:
            found.append(Span(phase=phase, begins_s=begins_s, ends_s=ends_s))
    return tuple(found)


def _ending(state: ContainerState, spec: ContainerSpec) -> str:
    restarts = f", restarted {_times(state.restart_count)}" if state.restart_count else ""
    if state.known is ContainerStatus.STOPPED:
        if not state.has_run:
            return "never ran"
        return f"exit {state.exit_code}{restarts}" if state.exit_code is not None else f"ended{restarts}"
    if state.known is spec.steady:
        checked = state.health.status is not HealthStatus.UNKNOWN
        return f"RUNNING{', ' + state.health.status.value if checked else ''}{restarts}"
    return "PENDING"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
