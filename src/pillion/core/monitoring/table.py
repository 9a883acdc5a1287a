"""A task's figures as text, in the manner of `docker stats`: a line for the task, one for each container."""

from __future__ import annotations

from collections.abc import Sequence

from pillion.core.columns import columns, format_age
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.figures import ContainerFigures, TaskFigures
from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU, format_cpu_units

_HEAD = (
    "CONTAINER",
    "STATUS",
    "HEALTH",
    "UPTIME",
    "RESTARTS",
    "CPU",
    "MEMORY",
    "LIMIT",
    "%",
    "NET IN / OUT",
    "BLOCK IN / OUT",
    "PIDS",
    "LOG LINES",
    "LOG",
)
_NUMBERS = range(3, len(_HEAD))

_NOTHING = "-"

_STEP = 1024
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def figures_text(tasks: Sequence[TaskFigures]) -> str:
    """Return the figures of tasks as text, without a last newline."""
    return "\n\n".join("\n".join(_task(task)) for task in tasks)


def format_bytes(count: float) -> str:
    """Return bytes as people read them: `1536` -> "1.5 KiB"."""
    size, unit = float(count), 0
    while size >= _STEP - 0.5 and unit < len(_SIZES) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_SIZES[unit]}" if unit == 0 or size >= 99.95 else f"{size:.1f} {_SIZES[unit]}"


def _task(task: TaskFigures) -> list[str]:
    identity = task.watched.identity
    words = [f"task {identity.task_id[:8]} of {identity.family}:{identity.revision}  {task.status}"]
    since_s = task.state.started_at_s if task.state.stopped_at_s is None else task.state.stopped_at_s
    if since_s is not None:
        words.append(f"for {format_age(max(0.0, task.at_s - since_s))}")
    parts = [" ".join(words), *_use(task)]
    return ["   ".join(parts), *columns([_HEAD, *(_row(item) for item in task.containers)], numbers=_NUMBERS)]


def _use(task: TaskFigures) -> list[str]:
    found = []
    if task.cpu_units is not None:
        limit = task.watched.cpu_units
        of = f" of {format_cpu_units(limit)}: {task.cpu_units / limit:.0%}" if limit else ""
        found.append(f"cpu {task.cpu_units / CPU_UNITS_PER_VCPU:.2f}{of or ' vCPU'}")
    if task.memory_bytes is not None:
        limit = task.watched.memory_mib
        share = task.memory_bytes / BYTES_PER_MIB / limit if limit else 0
        of = f" of {format_bytes(limit * BYTES_PER_MIB)}: {share:.0%}" if limit else ""
        found.append(f"memory {format_bytes(task.memory_bytes)}{of}")
    if task.received_bytes_per_s is not None and task.sent_bytes_per_s is not None:
        flows = (task.received_bytes_per_s, task.sent_bytes_per_s)
        found.append("net " + " / ".join(f"{format_bytes(flow)}/s" for flow in flows))
    return found


def _row(item: ContainerFigures) -> tuple[str, ...]:
    sample = item.sample
    status = item.status if item.exit_code is None or item.is_running else f"{item.status} ({item.exit_code})"
    checked = item.watched.has_health_check or item.health is not HealthStatus.UNKNOWN
    return (
        item.name,
        status,
        item.health.value if checked else _NOTHING,
        _NOTHING if item.uptime_s is None else format_age(item.uptime_s),
        str(item.restarts),
        _percent(item.cpu_percent),
        _NOTHING if sample is None else format_bytes(sample.memory_bytes),
        _NOTHING if item.memory_limit_bytes is None else format_bytes(item.memory_limit_bytes),
        _percent(item.memory_percent),
        _pair(sample.received.bytes, sample.sent.bytes)
        if sample and sample.received and sample.sent
        else _NOTHING,
        _pair(sample.read_bytes, sample.written_bytes) if sample else _NOTHING,
        str(sample.processes) if sample and sample.processes is not None else _NOTHING,
        _NOTHING if item.written is None else str(item.written.lines),
        _NOTHING if item.written is None else format_bytes(item.written.bytes),
    )


def _percent(number: float | None) -> str:
    return _NOTHING if number is None else f"{number:.1f} %"


def _pair(one: int, other: int) -> str:
    return f"{format_bytes(one)} / {format_bytes(other)}"
