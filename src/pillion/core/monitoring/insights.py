"""Records of Container Insights: one for each task and container, once a minute, as log events in JSON.

The shapes are those that ECS's agents write (facts of the control plane, 7.1 and 7.2): the older dialect of
the embedded metric format, in which a container's record carries no metrics. `Storage…Bytes` and `…Packets`
grow for ever, `Network…Bytes` are rates, utilisation is in CPU units and megabytes. What names an instance
in EC2 is left out, for there is none; so is the storage of Fargate and EBS, which nothing here measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pillion.core.monitoring.figures import RUNNING, ContainerFigures, TaskFigures
from pillion.core.monitoring.metrics import NAMESPACE, Machine, Unit, cpu_reserved, memory_reserved_mib
from pillion.core.monitoring.sample import Sample, Traffic
from pillion.core.units import BYTES_PER_MIB

MINUTE_S: Final = 60

_METRICS: Final = (
    ("CpuUtilized", Unit.NONE),
    ("CpuReserved", Unit.NONE),
    ("MemoryUtilized", Unit.MEGABYTES),
    ("MemoryReserved", Unit.MEGABYTES),
    ("StorageReadBytes", Unit.BYTES_PER_SECOND),
    ("StorageWriteBytes", Unit.BYTES_PER_SECOND),
    ("NetworkRxBytes", Unit.BYTES_PER_SECOND),
    ("NetworkTxBytes", Unit.BYTES_PER_SECOND),
)


def log_group(cluster: str) -> str:
    """Return the log group of a cluster's records."""
    return f"/aws/ecs/containerinsights/{cluster}/performance"


def log_stream(launch_type: str) -> str:
    """Return the log stream: of the one agent that there is here, named for what ECS would run it on."""
    return "FargateTelemetry-1" if launch_type == "FARGATE" else "AgentTelemetry-pillion"


def records_of(task: TaskFigures, machine: Machine) -> list[dict[str, Any]]:
    """Return the records of a task and of its containers; none where it does not run.

    Args:
        task: its figures, with rates over the last minute.
        machine: what stands in where nothing is reserved.
    """
    if task.status != RUNNING:
        return []
    at_ms = round(task.at_s // MINUTE_S * MINUTE_S * 1000)
    containers = [_container(task, item, machine, at_ms) for item in task.containers if item.is_running]
    return [_task(task, machine, at_ms), *containers]


def _container(task: TaskFigures, item: ContainerFigures, machine: Machine, at_ms: int) -> dict[str, Any]:
    sample = item.sample
    memory = None if sample is None else sample.memory_bytes
    return _present(
        {
            "Version": "0",
            "Type": "Container",
            "ContainerName": item.name,
            **_who(task),
            "Image": item.watched.image,
            "ContainerKnownStatus": item.status,
            "Timestamp": at_ms,
            "CpuUtilized": item.rates.cpu_units if item.rates else None,
            "CpuReserved": float(cpu_reserved(task, item, machine)),
            "MemoryUtilized": None if memory is None else memory // BYTES_PER_MIB,
            "MemoryReserved": memory_reserved_mib(task, item, machine),
            **_storage([sample] if sample else []),
            **_network(
                sample.received if sample else None,
                sample.sent if sample else None,
                (item.rates.received_bytes_per_s, item.rates.sent_bytes_per_s)
                if item.rates
                else (None, None),
            ),
        }
    )


def _task(task: TaskFigures, machine: Machine, at_ms: int) -> dict[str, Any]:
    identity, state = task.watched.identity, task.state
    memory = task.memory_bytes
    record = {
        "Version": "0",
        "Type": "Task",
        **_who(task),
        "AccountID": identity.account,
        "Region": identity.region,
        "AvailabilityZone": f"{identity.region}a",
        "KnownStatus": task.status,
        "LaunchType": identity.launch_type,
        "PullStartedAt": _ms(state.pull_started_at_s),
        "PullStoppedAt": _ms(state.pull_stopped_at_s),
        "CreatedAt": _ms(state.created_at_s),
        "StartedAt": _ms(state.started_at_s),
        "Timestamp": at_ms,
        "CpuUtilized": task.cpu_units,
        "CpuReserved": float(cpu_reserved(task, None, machine)),
        "MemoryUtilized": None if memory is None else memory // BYTES_PER_MIB,
        "MemoryReserved": memory_reserved_mib(task, None, machine),
        **_storage([item.sample for item in task.containers if item.sample is not None]),
        **_network(task.received, task.sent, (task.received_bytes_per_s, task.sent_bytes_per_s)),
    }
    present = _present(record)
    block = {
        "Namespace": NAMESPACE,
        "Metrics": [{"Name": name, "Unit": unit.value} for name, unit in _METRICS if name in present],
        "Dimensions": [["ClusterName"], ["ClusterName", "TaskDefinitionFamily"]],
    }
    return {**present, "CloudWatchMetrics": [block]}


def _who(task: TaskFigures) -> dict[str, Any]:
    identity = task.watched.identity
    return {
        "TaskId": identity.task_id,
        "TaskDefinitionFamily": identity.family,
        "TaskDefinitionRevision": str(identity.revision),
        "ClusterName": identity.cluster,
    }


def _storage(samples: list[Sample]) -> dict[str, Any]:
    if not samples:
        return {}
    return {
        "StorageReadBytes": sum(item.read_bytes for item in samples),
        "StorageWriteBytes": sum(item.written_bytes for item in samples),
    }


def _network(
    received: Traffic | None, sent: Traffic | None, rates: tuple[float | None, float | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for way, traffic, rate in (("Rx", received, rates[0]), ("Tx", sent, rates[1])):
        if traffic is not None:
            found |= {
                f"Network{way}Bytes": rate,
                f"Network{way}Dropped": traffic.dropped,
                f"Network{way}Errors": traffic.errors,
                f"Network{way}Packets": traffic.packets,
            }
    return found


def _ms(at_s: float | None) -> int | None:
    return None if at_s is None else round(at_s * 1000)


def _present(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
