"""What Docker tells, as core events. Pure: event messages and inspections in, `core.lifecycle.events` out.

An exit is told twice: by the `die` event at once, then by what an inspection adds (out of memory, the
engine's error, the true time). Times are the engine's own, in POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from msgspec import Struct

from pillion.core.lifecycle.events import Event, Exited, HealthChanged, HealthProbed, Started, Vanished
from pillion.core.lifecycle.states import HealthStatus
from pillion.engines.docker import labels

_HEALTH = {
    "starting": HealthStatus.UNKNOWN,
    "healthy": HealthStatus.HEALTHY,
    "unhealthy": HealthStatus.UNHEALTHY,
}
_NEVER = "0001-01-01"
_NS_PER_S = 1_000_000_000


class Seen(Enum):
    """The kinds of engine events that mean something to a task."""

    START = "start"
    DIE = "die"
    DESTROY = "destroy"
    HEALTH = "health_status"
    PROBE = "exec_die"


class Sighting(Struct, frozen=True, kw_only=True):
    """One engine event about a container of a task. `exit_code` is that of a `die` or a probe."""

    kind: Seen
    task_id: str
    container: str
    runtime_id: str
    at_s: float
    exit_code: int | None = None


_ACTIONS = {kind.value: kind for kind in Seen} | {"died": Seen.DIE, "remove": Seen.DESTROY}
# `died` and `remove`: Podman's own words, which some of its versions let through.


def sighting(message: Mapping[str, Any]) -> Sighting | None:
    """Read one message of the event stream; None for what concerns no task of ours."""
    if message.get("Type", "container") != "container":
        return None
    action = str(message.get("Action") or message.get("status") or "").split(":", 1)[0]
    kind = _ACTIONS.get(action)
    actor = message.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    if kind is None or labels.TASK not in attributes or labels.CONTAINER not in attributes:
        return None
    return Sighting(
        kind=kind,
        task_id=attributes[labels.TASK],
        container=attributes[labels.CONTAINER],
        runtime_id=actor.get("ID") or message.get("id") or "",
        at_s=event_time(message),
        exit_code=_exit_code(attributes),
    )


def event_time(message: Mapping[str, Any]) -> float:
    """Return when an event happened."""
    nanoseconds = message.get("timeNano")
    return float(message.get("time", 0)) if nanoseconds is None else nanoseconds / _NS_PER_S


def _exit_code(attributes: Mapping[str, str]) -> int | None:
    for name in ("exitCode", "containerExitCode"):  # the second is Podman's
        if attributes.get(name, "") != "":
            return int(attributes[name])
    return None


def parse_time(text: str) -> float | None:
    """Return a time of the API in POSIX seconds; None for the zero time, which stands for never."""
    if not text or text.startswith(_NEVER):
        return None
    moment, _, rest = text.partition(".")
    if not rest:
        return datetime.fromisoformat(text).timestamp()
    digits = rest.rstrip("Zz")
    zone = ""
    for sign in "+-":
        digits, found, offset = digits.partition(sign)
        if found:
            zone = sign + offset
            break
    seconds = (
        datetime.fromisoformat(moment + zone) if zone else datetime.fromisoformat(moment).replace(tzinfo=UTC)
    )
    return seconds.timestamp() + float(f"0.{digits}")


def as_events(name: str, inspection: Mapping[str, Any], *, has_health: bool) -> tuple[Event, ...]:
    """Say what an inspection shows of a container: nothing yet, running and how healthy, or ended."""
    state = inspection["State"]
    if state["Status"] in ("created", "initialized", "configured"):  # the last two are Podman's
        return ()
    if has_ended(state):
        return (ended(name, state),)
    started_at_s = parse_time(state["StartedAt"])
    events: list[Event] = [Started(container=name, at_s=started_at_s or 0.0)]
    if has_health:
        change = health_changed(name, state)
        events += [change] if change.status is not HealthStatus.UNKNOWN else []
    return tuple(events)


def has_ended(state: Mapping[str, Any]) -> bool:
    """Say whether an inspection shows a process that was there and is over.

    Podman calls one that was sent its stop signal `stopping`, and not running, while it goes on.
    """
    return not state.get("Running") and state.get("Status") not in ("paused", "stopping")


def ended(name: str, state: Mapping[str, Any]) -> Exited:
    """Say how a container ended. The exit code counts only where there is a finish time, as in ECS."""
    finished_at_s = parse_time(state.get("FinishedAt", ""))
    started_at_s = parse_time(state.get("StartedAt", ""))
    if finished_at_s is not None and started_at_s is not None:
        # A process that ends at once can be stamped as finished before the engine stamps its start.
        finished_at_s = max(finished_at_s, started_at_s)
    return Exited(
        container=name,
        exit_code=None if finished_at_s is None else state["ExitCode"],
        at_s=finished_at_s,
        out_of_memory=bool(state.get("OOMKilled")),
        error=state.get("Error") or None,
    )


def gone(name: str) -> Vanished:
    """Say that the engine does not know the container."""
    return Vanished(container=name)


def health_changed(name: str, state: Mapping[str, Any]) -> HealthChanged:
    """Say what the health check says now, with its last output."""
    health = _health_of(state)
    output, exit_code = _last_probe(health)
    status = _HEALTH.get(health.get("Status", ""), HealthStatus.UNKNOWN)
    return HealthChanged(container=name, status=status, output=output, exit_code=exit_code)


def health_probed(name: str, state: Mapping[str, Any]) -> HealthProbed:
    """Say how the last probe went."""
    health = _health_of(state)
    output, exit_code = _last_probe(health)
    streak = health.get("FailingStreak", 0)
    return HealthProbed(container=name, failing_streak=streak, output=output, exit_code=exit_code)


def _health_of(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return state.get("Health") or state.get("Healthcheck") or {}  # Podman has used the second name


def _last_probe(health: Mapping[str, Any]) -> tuple[str, int | None]:
    log = health.get("Log") or []
    return (log[-1].get("Output", ""), log[-1].get("ExitCode")) if log else ("", None)
