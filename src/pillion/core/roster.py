"""The tasks of a machine as `pillion ps` lists them: values, and the same as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pillion.core.columns import columns, format_age
from pillion.core.describe import iso_time, task_health
from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import (
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    reported_task_status,
)
from pillion.core.plan.facts import ContainerFacts, PortBinding
from pillion.core.plan.model import TaskIdentity

_HEAD = ("TASK", "FAMILY", "STATUS", "HEALTH", "CONTAINERS", "AGE", "PORTS", "SUPERVISED BY")

NOBODY = "nobody"


class RosterEntry(Struct, frozen=True, kw_only=True):
    """One task.

    Attributes:
        task_id: its id.
        family: its family with revision.
        cluster: the cluster that it believes in.
        status: as ECS shows it.
        health: likewise.
        running: how many of its containers run.
        containers: how many it has.
        created_at_s: when it was begun (POSIX seconds).
        ports: published ports, by the container that owns them.
        supervisor: who supervises it: `run`, `serve`, or nobody; None where it is over.
        why: why it stopped, or what it waits for; empty where there is nothing to say.
    """

    task_id: str
    family: str
    cluster: str
    status: str
    health: HealthStatus
    running: int
    containers: int
    created_at_s: float
    ports: tuple[PortBinding, ...] = ()
    supervisor: str | None = None
    why: str = ""


def roster_entry(
    identity: TaskIdentity,
    state: TaskState,
    facts: Mapping[str, ContainerFacts],
    *,
    created_at_s: float,
    supervisor: str | None,
) -> RosterEntry:
    """Return a task as it is listed.

    Args:
        identity: who it is.
        state: what its journal leads to.
        facts: what the engine said of its containers.
        created_at_s: when it was begun (POSIX seconds).
        supervisor: who supervises it; None where it is over.
    """
    normal = [item.name for item in state.spec.containers if item.kind is ContainerKind.NORMAL]
    over = state.stopped_at_s is not None
    return RosterEntry(
        task_id=identity.task_id,
        family=f"{identity.family}:{identity.revision}",
        cluster=identity.cluster,
        status=reported_task_status(state.known),
        health=task_health(state),
        running=sum(state.containers[name].known is ContainerStatus.RUNNING for name in normal),
        containers=len(normal),
        created_at_s=created_at_s,
        ports=() if over else tuple(port for found in facts.values() for port in found.bindings),
        supervisor=supervisor,
        why=_why(state, normal),
    )


def _why(state: TaskState, normal: Sequence[str]) -> str:
    if state.stopped_at_s is not None:
        code = state.stop_code.value if state.stop_code else "stopped"
        return f"{code}: {state.stop_cause or state.stopped_reason or ''}".removesuffix(": ")
    waits = [item for item in waiting(state) if item.container in normal]
    return "; ".join(f"{item.container} {item.text.removeprefix(f'{item.container} ')}" for item in waits)


def roster_text(entries: Sequence[RosterEntry], *, now_s: float) -> str:
    """Return tasks as a table, with a line below each that has something to say. No last newline."""
    lines = columns([_HEAD, *(_row(entry, now_s) for entry in entries)])
    shown = [lines[0]]
    for line, entry in zip(lines[1:], entries, strict=True):
        shown.append(line)
        if entry.supervisor == NOBODY:
            shown.append("  its process is gone: pillion serve takes it over")
        if entry.why:
            shown.append(f"  {entry.why}")
    return "\n".join(shown)


def roster_shape(entry: RosterEntry) -> dict[str, Any]:
    """Return a task as a JSON value."""
    shape = {
        "taskId": entry.task_id,
        "family": entry.family,
        "cluster": entry.cluster,
        "lastStatus": entry.status,
        "healthStatus": entry.health.value,
        "running": entry.running,
        "containers": entry.containers,
        "createdAt": iso_time(entry.created_at_s),
        "ports": [
            {
                "bindIP": port.host_ip,
                "hostPort": port.host_port,
                "containerPort": port.container_port,
                "protocol": port.protocol,
            }
            for port in entry.ports
        ],
        "supervisor": entry.supervisor,
        "why": entry.why or None,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _row(entry: RosterEntry, now_s: float) -> tuple[str, ...]:
    return (
        entry.task_id[:8],
        entry.family,
        entry.status,
        "-" if entry.health is HealthStatus.UNKNOWN else entry.health.value,
        f"{entry.running}/{entry.containers} running",
        format_age(max(now_s - entry.created_at_s, 0.0)),
        ", ".join(_port(port) for port in entry.ports) or "-",
        entry.supervisor or "-",
    )


def _port(port: PortBinding) -> str:
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    protocol = "" if port.protocol == "tcp" else f"/{port.protocol}"
    if port.count == 1:
        return f"{address}:{port.host_port}->{port.container_port}{protocol}"
    last, host_last = port.container_port + port.count - 1, port.host_port + port.count - 1
    return f"{address}:{port.host_port}-{host_last}->{port.container_port}-{last}{protocol}"
