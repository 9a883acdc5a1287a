"""What is known of a task and its containers at one moment: statuses, use, and what it is measured against.

Terminal, Prometheus, Container Insights and alarms all read these figures, so that they never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    ContainerKind,
    HealthStatus,
    reported_container_status,
    reported_task_status,
)
from pillion.core.monitoring.sample import Rates, Sample, Traffic, rates_between
from pillion.core.monitoring.watched import WatchedContainer, WatchedTask
from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU

RUNNING = "RUNNING"


class Written(Struct, frozen=True, kw_only=True):
    """What a container has written so far."""

    lines: int = 0
    bytes: int = 0


class ContainerFigures(Struct, frozen=True, kw_only=True):
    """One container at one moment.

    Attributes:
        watched: what it was given.
        status: as ECS reports it: PENDING, RUNNING or STOPPED.
        health: what its health check says.
        restarts: how often its restart policy restarted it.
        uptime_s: how long its process has run; None for one that does not.
        exit_code: of one that has ended.
        sample: what it uses; None for one that does not run, or that the engine tells nothing of.
        rates: what it did since the look before; None without one.
        written: its output; None where nobody counted.
    """

    watched: WatchedContainer
    status: str
    health: HealthStatus = HealthStatus.UNKNOWN
    restarts: int = 0
    uptime_s: float | None = None
    exit_code: int | None = None
    sample: Sample | None = None
    rates: Rates | None = None
    written: Written | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.watched.name

    @property
    def is_running(self) -> bool:
        """Whether ECS reports it as RUNNING."""
        return self.status == RUNNING

    @property
    def cpu_percent(self) -> float | None:
        """CPU in percent of one vCPU, as `docker stats` shows it."""
        return None if self.rates is None else self.rates.cpu_units / CPU_UNITS_PER_VCPU * 100

    @property
    def memory_limit_bytes(self) -> int | None:
        """The most memory it may use: what the kernel enforces, else its hard limit; None without one."""
        if self.sample is not None and self.sample.memory_limit_bytes is not None:
            return self.sample.memory_limit_bytes
        return None if self.watched.memory_mib is None else self.watched.memory_mib * BYTES_PER_MIB

    @property
    def memory_percent(self) -> float | None:
        """Memory in percent of the most that it may use."""
        limit = self.memory_limit_bytes
        return self.sample.memory_bytes / limit * 100 if self.sample is not None and limit else None


class TaskFigures(Struct, frozen=True, kw_only=True):
    """One task at one moment.

    Attributes:
        watched: who it is and what it was given.
        at_s: the moment (POSIX seconds).
        state: where it is.
        containers: those of its definition that run here, in its order; no pause container.
        received: network traffic of all its namespaces, as far as known.
        sent: likewise.
    """

    watched: WatchedTask
    at_s: float
    state: TaskState
    containers: tuple[ContainerFigures, ...]
    received: Traffic | None = None
    sent: Traffic | None = None
    received_bytes_per_s: float | None = None
    sent_bytes_per_s: float | None = None

    @property
    def status(self) -> str:
        """As ECS reports it."""
        return reported_task_status(self.state.known)

    @property
    def cpu_units(self) -> float | None:
        """CPU of all containers, 1024 for one vCPU; None before there were two looks."""
        return _sum(item.rates.cpu_units for item in self.containers if item.rates is not None)

    @property
    def memory_bytes(self) -> int | None:
        """Memory of all containers; None where none was seen."""
        found = [item.sample.memory_bytes for item in self.containers if item.sample is not None]
        return sum(found) if found else None

    def container(self, name: str) -> ContainerFigures:
        """Return the figures of a container; KeyError if there is none of that name."""
        found = next((item for item in self.containers if item.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def runtime_ids(state: TaskState) -> tuple[str, ...]:
    """Return the engine's ids of the containers that were made, pause containers among them."""
    return tuple(item.runtime_id for item in state.containers.values() if item.runtime_id is not None)


def figures_of(
    watched: WatchedTask,
    state: TaskState,
    *,
    at_s: float,
    samples: Mapping[str, Sample],
    before: Mapping[str, Sample],
    written: Mapping[str, Written] | None = None,
) -> TaskFigures:
    """Return a task's figures.

    Args:
        watched: the task.
        state: where it is.
        at_s: the moment (POSIX seconds).
        samples: what its containers use, by the engine's id.
        before: what they used at the look before.
        written: what its containers have written, by name; None where nobody counted.
    """
    present = [item for item in watched.containers if item.name in state.containers]
    containers = tuple(
        _container(item, state, at_s=at_s, samples=samples, before=before, written=written)
        for item in present
    )
    owners = _network_owners(state, [item.name for item in present])
    seen = [(samples[owner], before.get(owner)) for owner in owners if owner in samples]
    flows = [rates for now, then in seen if then is not None and (rates := rates_between(then, now))]
    return TaskFigures(
        watched=watched,
        at_s=at_s,
        state=state,
        containers=containers,
        received=_traffic([now.received for now, _ in seen]),
        sent=_traffic([now.sent for now, _ in seen]),
        received_bytes_per_s=_sum(
            item.received_bytes_per_s for item in flows if item.received_bytes_per_s is not None
        ),
        sent_bytes_per_s=_sum(item.sent_bytes_per_s for item in flows if item.sent_bytes_per_s is not None),
    )


def _container(
    watched: WatchedContainer,
    task: TaskState,
    *,
    at_s: float,
    samples: Mapping[str, Sample],
    before: Mapping[str, Sample],
    written: Mapping[str, Written] | None,
) -> ContainerFigures:
    state = task.containers[watched.name]
    runtime_id = state.runtime_id or ""
    status = reported_container_status(state.known, task.spec.container(watched.name).steady)
    sample = samples.get(runtime_id) if status == RUNNING else None
    former = before.get(runtime_id)
    return ContainerFigures(
        watched=watched,
        status=status,
        health=state.health.status,
        restarts=state.restart_count,
        uptime_s=_uptime_s(state, at_s) if status == RUNNING else None,
        exit_code=state.exit_code,
        sample=sample,
        rates=None if sample is None or former is None else rates_between(former, sample),
        written=None if written is None else written.get(watched.name, Written()),
    )


def _uptime_s(state: ContainerState, at_s: float) -> float | None:
    started_at_s = state.process_started_at_s or state.started_at_s
    return None if started_at_s is None else max(0.0, at_s - started_at_s)


def _network_owners(state: TaskState, names: list[str]) -> list[str]:
    """Return the ids of the containers whose namespaces are the task's: its pause container, or each one."""
    holders = [item.name for item in state.spec.containers if item.kind is ContainerKind.CNI_PAUSE]
    return [
        runtime_id
        for name in holders or names
        if (runtime_id := state.containers[name].runtime_id) is not None
    ]


def _traffic(seen: list[Traffic | None]) -> Traffic | None:
    known = [item for item in seen if item is not None]
    if not known:
        return None
    return Traffic(
        bytes=sum(item.bytes for item in known),
        packets=sum(item.packets for item in known),
        errors=sum(item.errors for item in known),
        dropped=sum(item.dropped for item in known),
    )


def _sum(numbers: Iterable[float]) -> float | None:
    found = list(numbers)
    return sum(found) if found else None
