"""A task's figures as a JSON value, for programs. Absent members are what is not known; none are null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pillion.core.describe import iso_time
from pillion.core.monitoring.figures import ContainerFigures, TaskFigures
from pillion.core.units import BYTES_PER_MIB


def figures_shape(task: TaskFigures) -> dict[str, Any]:
    """Return the figures of a task as a JSON value."""
    identity = task.watched.identity
    return _present(
        {
            "taskArn": identity.task_arn,
            "family": identity.family,
            "revision": identity.revision,
            "at": iso_time(task.at_s),
            "lastStatus": task.status,
            "cpuUnits": _rounded(task.cpu_units),
            "cpuUnitsLimit": task.watched.cpu_units,
            "memoryBytes": task.memory_bytes,
            "memoryBytesLimit": _bytes(task.watched.memory_mib),
            "networkRxBytes": task.received.bytes if task.received else None,
            "networkTxBytes": task.sent.bytes if task.sent else None,
            "networkRxBytesPerSecond": _rounded(task.received_bytes_per_s),
            "networkTxBytesPerSecond": _rounded(task.sent_bytes_per_s),
            "containers": [_container(item) for item in task.containers],
        }
    )


def _container(item: ContainerFigures) -> dict[str, Any]:
    sample, rates, written = item.sample, item.rates, item.written
    return _present(
        {
            "name": item.name,
            "role": item.watched.role.value,
            "lastStatus": item.status,
            "healthStatus": item.health.value,
            "exitCode": item.exit_code,
            "uptimeSeconds": _rounded(item.uptime_s),
            "restartCount": item.restarts,
            "cpuUnits": _rounded(rates.cpu_units) if rates else None,
            "cpuPercent": _rounded(item.cpu_percent),
            "cpuThrottled": _rounded(rates.throttled) if rates else None,
            "memoryBytes": sample.memory_bytes if sample else None,
            "memoryBytesLimit": item.memory_limit_bytes,
            "memoryPercent": _rounded(item.memory_percent),
            "networkRxBytes": sample.received.bytes if sample and sample.received else None,
            "networkTxBytes": sample.sent.bytes if sample and sample.sent else None,
            "blockReadBytes": sample.read_bytes if sample else None,
            "blockWrittenBytes": sample.written_bytes if sample else None,
            "processes": sample.processes if sample else None,
            "logLines": written.lines if written else None,
            "logBytes": written.bytes if written else None,
        }
    )


def _bytes(mib: int | None) -> int | None:
    return None if mib is None else mib * BYTES_PER_MIB


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _present(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if value is not None}
