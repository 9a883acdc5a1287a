"""A task's figures as metrics of Container Insights, with their units and dimensions.

The names are those of namespace `ECS/ContainerInsights` with enhanced observability, where containers have
metrics of their own (facts of the control plane, 7.3). A container that does not run has none: missing, not
zero.

What a share is a share of: what the container was given (the soft limit of its memory before the hard one),
else the task's size, else the machine, for ECS falls back to the capacity of the instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.figures import RUNNING, ContainerFigures, TaskFigures
from pillion.core.units import BYTES_PER_MIB

NAMESPACE: Final = "ECS/ContainerInsights"


class Unit(StrEnum):
    """The units that CloudWatch knows of those that are used here."""

    NONE = "None"
    PERCENT = "Percent"
    COUNT = "Count"
    BYTES = "Bytes"
    MEGABYTES = "Megabytes"
    BYTES_PER_SECOND = "Bytes/Second"


CONTAINER_METRICS: Final[Mapping[str, Unit]] = {
    "ContainerCpuUtilized": Unit.NONE,
    "ContainerCpuReserved": Unit.NONE,
    "ContainerCpuUtilization": Unit.PERCENT,
    "ContainerMemoryUtilized": Unit.MEGABYTES,
    "ContainerMemoryReserved": Unit.MEGABYTES,
    "ContainerMemoryUtilization": Unit.PERCENT,
    "ContainerNetworkRxBytes": Unit.BYTES_PER_SECOND,
    "ContainerNetworkTxBytes": Unit.BYTES_PER_SECOND,
    "ContainerStorageReadBytes": Unit.BYTES,
    "ContainerStorageWriteBytes": Unit.BYTES,
    "RestartCount": Unit.COUNT,
    "UnHealthyContainerHealthStatus": Unit.COUNT,
}
"""What is measured of a container; the last two only with a restart policy and with a health check."""

TASK_METRICS: Final[Mapping[str, Unit]] = {
    "CpuUtilized": Unit.NONE,
    "CpuReserved": Unit.NONE,
    "TaskCpuUtilization": Unit.PERCENT,
    "MemoryUtilized": Unit.MEGABYTES,
    "MemoryReserved": Unit.MEGABYTES,
    "TaskMemoryUtilization": Unit.PERCENT,
    "NetworkRxBytes": Unit.BYTES_PER_SECOND,
    "NetworkTxBytes": Unit.BYTES_PER_SECOND,
    "StorageReadBytes": Unit.BYTES,
    "StorageWriteBytes": Unit.BYTES,
}
"""What is measured of a task as a whole."""


class Machine(Struct, frozen=True, kw_only=True):
    """What the machine has; what stands in for reservations that a definition does not make."""

    cpu_units: int
    memory_mib: int


class Metric(Struct, frozen=True, kw_only=True):
    """A metric of a task, or of one of its containers."""

    name: str
    container: str | None = None

    @property
    def unit(self) -> Unit:
        """Its unit."""
        return (TASK_METRICS if self.container is None else CONTAINER_METRICS)[self.name]


def dimensions_of(task: TaskFigures, metric: Metric) -> dict[str, str]:
    """Return the dimensions that a metric is written with: cluster, family, and container if it is of one."""
    identity = task.watched.identity
    found = {"ClusterName": identity.cluster, "TaskDefinitionFamily": identity.family}
    return found if metric.container is None else {**found, "ContainerName": metric.container}


def values_of(task: TaskFigures, machine: Machine) -> dict[Metric, float]:
    """Return the metrics of a running task at this moment; none where nothing runs, or was not seen."""
    found: dict[Metric, float] = {}
    for item in task.containers:
        if item.is_running:
            names = dict(_of_container(task, item, machine))
            found |= {Metric(name=name, container=item.name): value for name, value in names.items()}
    if task.status == RUNNING:
        found |= {Metric(name=name): value for name, value in _of_task(task, machine)}
    return found


def cpu_reserved(task: TaskFigures, item: ContainerFigures | None, machine: Machine) -> int:
    """Return the CPU units that a container, or the task, was given."""
    if item is not None:
        return item.watched.cpu_units or task.watched.cpu_units or machine.cpu_units
    given = sum(found.watched.cpu_units or 0 for found in task.containers)
    return task.watched.cpu_units or given or machine.cpu_units


def memory_reserved_mib(task: TaskFigures, item: ContainerFigures | None, machine: Machine) -> int:
    """Return the memory that a container, or the task, was given, in MiB."""
    if item is not None:
        own = item.watched.reservation_mib or item.watched.memory_mib
        return own or task.watched.memory_mib or machine.memory_mib
    given = sum(found.watched.reservation_mib or found.watched.memory_mib or 0 for found in task.containers)
    return task.watched.memory_mib or given or machine.memory_mib


def _of_container(task: TaskFigures, item: ContainerFigures, machine: Machine) -> Iterator[tuple[str, float]]:
    cpu, memory_mib = cpu_reserved(task, item, machine), memory_reserved_mib(task, item, machine)
    if item.rates is not None:
        yield "ContainerCpuUtilized", item.rates.cpu_units
        yield "ContainerCpuReserved", cpu
        yield "ContainerCpuUtilization", item.rates.cpu_units / cpu * 100
        if item.rates.received_bytes_per_s is not None:
            yield "ContainerNetworkRxBytes", item.rates.received_bytes_per_s
        if item.rates.sent_bytes_per_s is not None:
            yield "ContainerNetworkTxBytes", item.rates.sent_bytes_per_s
    if item.sample is not None:
        used_mib = item.sample.memory_bytes / BYTES_PER_MIB
        yield "ContainerMemoryUtilized", used_mib
        yield "ContainerMemoryReserved", memory_mib
        yield "ContainerMemoryUtilization", used_mib / memory_mib * 100
        yield "ContainerStorageReadBytes", item.sample.read_bytes
        yield "ContainerStorageWriteBytes", item.sample.written_bytes
    if task.state.spec.container(item.name).restart is not None:
        yield "RestartCount", item.restarts
    if item.watched.has_health_check:
        yield "UnHealthyContainerHealthStatus", float(item.health is HealthStatus.UNHEALTHY)


def _of_task(task: TaskFigures, machine: Machine) -> Iterator[tuple[str, float]]:
    cpu, memory_mib = cpu_reserved(task, None, machine), memory_reserved_mib(task, None, machine)
    if task.cpu_units is not None:
        yield "CpuUtilized", task.cpu_units
        yield "CpuReserved", cpu
        yield "TaskCpuUtilization", task.cpu_units / cpu * 100
    samples = [item.sample for item in task.containers if item.sample is not None]
    if samples:
        used_mib = sum(item.memory_bytes for item in samples) / BYTES_PER_MIB
        yield "MemoryUtilized", used_mib
        yield "MemoryReserved", memory_mib
        yield "TaskMemoryUtilization", used_mib / memory_mib * 100
        yield "StorageReadBytes", sum(item.read_bytes for item in samples)
        yield "StorageWriteBytes", sum(item.written_bytes for item in samples)
    if task.received_bytes_per_s is not None:
        yield "NetworkRxBytes", task.received_bytes_per_s
    if task.sent_bytes_per_s is not None:
        yield "NetworkTxBytes", task.sent_bytes_per_s
