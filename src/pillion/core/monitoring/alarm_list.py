"""Which alarms a task has: those that are declared, and what sidecars get by themselves.

The values of the latter are those that AWS and experience recommend for sidecars (facts of the control
plane, 7.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.monitoring.alarms import AlarmDefinition, Comparison, Statistic
from pillion.core.monitoring.metrics import Metric
from pillion.core.monitoring.settings import MonitorSettings
from pillion.core.monitoring.watched import WatchedContainer, WatchedTask
from pillion.core.roles import Role

SIDECARS: Final = frozenset({Role.LOG_ROUTER, Role.PROXY, Role.AGENT})

ROUTER_MEMORY_PERCENT: Final = 80.0


def alarms_of(settings: MonitorSettings, task: WatchedTask, spec: TaskSpec) -> tuple[AlarmDefinition, ...]:
    """Return the alarms of a task, each with a name of its own.

    An alarm that is declared takes the place of one that the container would get by itself on that metric.
    One of a container that the task does not run is left out; `strangers_of` tells of it.
    """
    declared = [item for item in settings.alarms if _has(spec, item.metric)]
    taken = {item.metric for item in declared}
    usual = [
        item
        for container in task.containers
        if settings.default_alarms and spec.has_container(container.name)
        for item in _usual(container, spec)
        if item.metric not in taken
    ]
    names: dict[str, int] = {}
    found = []
    for item in (*declared, *usual):
        name = item.name or _name(task.identity.family, item.metric)
        names[name] = names.get(name, 0) + 1
        found.append(replace(item, name=name if names[name] == 1 else f"{name}-{names[name]}"))
    return tuple(found)


def strangers_of(settings: MonitorSettings, spec: TaskSpec) -> tuple[AlarmDefinition, ...]:
    """Return the declared alarms whose container the task does not have."""
    return tuple(item for item in settings.alarms if not _has(spec, item.metric))


def _has(spec: TaskSpec, metric: Metric) -> bool:
    return metric.container is None or spec.has_container(metric.container)


def _name(family: str, metric: Metric) -> str:
    parts = [family, metric.container, metric.name]
    return "-".join(part for part in parts if part)


def _usual(container: WatchedContainer, spec: TaskSpec) -> Iterator[AlarmDefinition]:
    if container.role not in SIDECARS:
        return
    if container.role is Role.LOG_ROUTER:
        yield AlarmDefinition(
            name="",
            metric=Metric(name="ContainerMemoryUtilization", container=container.name),
            threshold=ROUTER_MEMORY_PERCENT,
            evaluation_periods=5,
            datapoints_to_alarm=5,
        )
    if spec.container(container.name).restart is not None:
        yield AlarmDefinition(
            name="",
            metric=Metric(name="RestartCount", container=container.name),
            threshold=0,
            statistic=Statistic.INCREASE,
        )
    if container.has_health_check:
        yield AlarmDefinition(
            name="",
            metric=Metric(name="UnHealthyContainerHealthStatus", container=container.name),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            statistic=Statistic.MAXIMUM,
            evaluation_periods=5,
            datapoints_to_alarm=3,
        )
