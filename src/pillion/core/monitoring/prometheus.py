"""Figures in Prometheus's text format, version 0.0.4.

Names have their unit, counters end in `_total`, labels name cluster, family, task and container. A container
that does not run has no figures of its use, as elsewhere; its status says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.alarms import Alarm, AlarmState
from pillion.core.monitoring.figures import ContainerFigures, TaskFigures
from pillion.core.monitoring.sample import NS_PER_S
from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_STATUSES = ("PENDING", "RUNNING", "STOPPED")

_Labels = dict[str, str]


class _Family(Struct, frozen=True):
    """A metric of containers: its name and kind, what it says, and how it is read."""

    name: str
    kind: str
    help: str
    read: Callable[[ContainerFigures], float | None]


_CONTAINER = (
    _Family(
        "cpu_seconds_total",
        "counter",
        "CPU time used since the process started.",
        lambda item: item.sample.cpu_ns / NS_PER_S if item.sample else None,
    ),
    _Family(
        "cpu_throttled_seconds_total",
        "counter",
        "Time in which a CPU quota kept the container from running.",
        lambda item: item.sample.throttled_ns / NS_PER_S if item.sample else None,
    ),
    _Family(
        "cpu_reserved_vcpus",
        "gauge",
        "CPU that the definition gives the container.",
        lambda item: item.watched.cpu_units / CPU_UNITS_PER_VCPU if item.watched.cpu_units else None,
    ),
    _Family(
        "memory_bytes",
        "gauge",
        "Memory in use, without file pages that nobody used of late.",
        lambda item: item.sample.memory_bytes if item.sample else None,
    ),
    _Family(
        "memory_limit_bytes",
        "gauge",
        "The most memory that the container may use.",
        lambda item: item.memory_limit_bytes,
    ),
    _Family(
        "memory_reserved_bytes",
        "gauge",
        "The definition's memoryReservation.",
        lambda item: item.watched.reservation_mib * BYTES_PER_MIB if item.watched.reservation_mib else None,
    ),
    _Family(
        "network_receive_bytes_total",
        "counter",
        "Bytes received by the container's network namespace, which a task in awsvpc mode shares.",
        lambda item: item.sample.received.bytes if item.sample and item.sample.received else None,
    ),
    _Family(
        "network_transmit_bytes_total",
        "counter",
        "Bytes sent by the container's network namespace, which a task in awsvpc mode shares.",
        lambda item: item.sample.sent.bytes if item.sample and item.sample.sent else None,
    ),
    _Family(
        "block_read_bytes_total",
        "counter",
        "Bytes read from block devices.",
        lambda item: item.sample.read_bytes if item.sample else None,
    ),
    _Family(
        "block_written_bytes_total",
        "counter",
        "Bytes written to block devices.",
        lambda item: item.sample.written_bytes if item.sample else None,
    ),
    _Family(
        "processes",
        "gauge",
        "Processes and threads.",
        lambda item: item.sample.processes if item.sample else None,
    ),
    _Family(
        "uptime_seconds",
        "gauge",
        "How long the process has run.",
        lambda item: item.uptime_s,
    ),
    _Family(
        "restarts_total",
        "counter",
        "Restarts by the container's restart policy.",
        lambda item: item.restarts,
    ),
    _Family(
        "exit_code",
        "gauge",
        "What the container ended with.",
        lambda item: item.exit_code,
    ),
    _Family(
        "log_lines_total",
        "counter",
        "Lines of output.",
        lambda item: item.written.lines if item.written else None,
    ),
    _Family(
        "log_bytes_total",
        "counter",
        "Bytes of output, without newlines.",
        lambda item: item.written.bytes if item.written else None,
    ),
)


def prometheus_text(tasks: Sequence[TaskFigures], alarms: Sequence[tuple[TaskFigures, Alarm]] = ()) -> str:
    """Return the figures of tasks, and the states of their alarms, as Prometheus reads them."""
    blocks = [
        _family(
            "pillion_task_status", "gauge", "1 for the status that ECS shows for the task.", _task(tasks)
        ),
        _family(
            "pillion_container_status",
            "gauge",
            "1 for the status that ECS shows for the container.",
            _one_of(tasks, "status", _STATUSES, lambda item: item.status),
        ),
        _family(
            "pillion_container_health",
            "gauge",
            "1 for what the definition's health check says.",
            _one_of(tasks, "status", [item.value for item in HealthStatus], lambda item: item.health.value),
        ),
        *(
            _family(f"pillion_container_{family.name}", family.kind, family.help, _each(tasks, family))
            for family in _CONTAINER
        ),
        _family("pillion_alarm_state", "gauge", "1 for the state of an alarm.", _alarms(alarms)),
    ]
    return "".join(blocks)


def escape_label(value: str) -> str:
    """Return a label's value as the format wants it between its quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def escape_help(text: str) -> str:
    """Return a help text as the format wants it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _family(name: str, kind: str, text: str, rows: Iterable[tuple[_Labels, float]]) -> str:
    lines = [f"{name}{_labels(labels)} {_number(value)}\n" for labels, value in rows]
    if not lines:
        return ""
    return "".join([f"# HELP {name} {escape_help(text)}\n", f"# TYPE {name} {kind}\n", *lines])


def _labels(labels: _Labels) -> str:
    return "{" + ",".join(f'{name}="{escape_label(value)}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _of_task(task: TaskFigures) -> _Labels:
    identity = task.watched.identity
    return {"cluster": identity.cluster, "family": identity.family, "task": identity.task_id}


def _task(tasks: Sequence[TaskFigures]) -> Iterator[tuple[_Labels, float]]:
    for task in tasks:
        for status in _STATUSES:
            yield {**_of_task(task), "status": status}, int(task.status == status)


def _one_of(
    tasks: Sequence[TaskFigures],
    label: str,
    words: Sequence[str],
    read: Callable[[ContainerFigures], str],
) -> Iterator[tuple[_Labels, float]]:
    for task in tasks:
        for item in task.containers:
            for word in words:
                yield {**_of_task(task), "container": item.name, label: word}, int(read(item) == word)


def _each(tasks: Sequence[TaskFigures], family: _Family) -> Iterator[tuple[_Labels, float]]:
    for task in tasks:
        for item in task.containers:
            value = family.read(item)
            if value is not None:
                yield {**_of_task(task), "container": item.name}, value


def _alarms(alarms: Sequence[tuple[TaskFigures, Alarm]]) -> Iterator[tuple[_Labels, float]]:
    for task, alarm in alarms:
        for state in AlarmState:
            labels = {**_of_task(task), "alarm": alarm.definition.name, "state": state.value}
            yield labels, int(alarm.state is state)
