"""`[monitor]` of pillion.toml: how tasks are watched, and the alarms on them.

    [monitor]
    interval = "10s"              # how often containers are looked at
    container_insights = true     # records, metrics and alarms go to CloudWatch of the task's AWS
    default_alarms = false        # without those that sidecars get by themselves

    [[monitor.alarms]]
    container = "log_router"      # left out: a metric of the whole task
    metric = "ContainerMemoryUtilization"
    threshold = 80
    comparison = "GreaterThanThreshold"
    statistic = "Average"
    period = "60s"
    evaluation_periods = 5
    datapoints_to_alarm = 3
    missing = "notBreaching"

The words are those of PutMetricAlarm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from msgspec import Struct

from pillion.core.errors import PillionError
from pillion.core.likeness import suggestion
from pillion.core.monitoring.alarms import AlarmDefinition, Comparison, Missing, Statistic
from pillion.core.monitoring.metrics import CONTAINER_METRICS, TASK_METRICS, Metric
from pillion.core.units import parse_duration_s

INTERVAL_S: Final = 10.0
"""How often containers are looked at, where nobody says otherwise."""

INTERVAL_MIN_S: Final = 1.0

DAY_S: Final = 86_400
"""CloudWatch evaluates no alarm over more than a day."""

_SHORT_PERIODS_S: Final = (10, 20, 30)
_PERIODS: Final = "10s, 20s, 30s or whole minutes"

_KEYS: Final = ("interval", "container_insights", "default_alarms", "alarms")
_ALARM_KEYS: Final = (
    "name",
    "container",
    "metric",
    "threshold",
    "comparison",
    "statistic",
    "period",
    "evaluation_periods",
    "datapoints_to_alarm",
    "missing",
)

_Word = TypeVar("_Word", bound=StrEnum)


class MonitorSettingsError(PillionError):
    """`[monitor]` says something that means nothing. The message says what, and what is expected."""


class MonitorSettings(Struct, frozen=True, kw_only=True):
    """How tasks are watched.

    Attributes:
        interval_s: how often containers are looked at, in seconds.
        container_insights: whether CloudWatch gets records, metrics and alarms.
        default_alarms: whether sidecars have alarms that nobody declared.
        alarms: those that were declared. A name is "" where none was given.
    """

    interval_s: float = INTERVAL_S
    container_insights: bool = False
    default_alarms: bool = True
    alarms: tuple[AlarmDefinition, ...] = ()


def read_monitor_settings(table: Mapping[str, Any]) -> MonitorSettings:
    """Read the table. Raises MonitorSettingsError."""
    _check_keys("[monitor]", table, _KEYS)
    interval_s = _duration_s("[monitor]", table, "interval", INTERVAL_S)
    if interval_s < INTERVAL_MIN_S:
        raise MonitorSettingsError(f"[monitor] interval has to be at least {INTERVAL_MIN_S:g}s")
    alarms = table.get("alarms", [])
    if not isinstance(alarms, list) or not all(isinstance(item, dict) for item in alarms):
        raise MonitorSettingsError("[monitor] alarms has to be a list of tables: write [[monitor.alarms]]")
    return MonitorSettings(
        interval_s=interval_s,
        container_insights=_flag(table, "container_insights", default=False),
        default_alarms=_flag(table, "default_alarms", default=True),
        alarms=tuple(_alarm(f"[[monitor.alarms]] {number}", item) for number, item in enumerate(alarms, 1)),
    )


def _alarm(where: str, table: Mapping[str, Any]) -> AlarmDefinition:
    _check_keys(where, table, _ALARM_KEYS)
    metric = _metric(where, table)
    threshold = table.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise MonitorSettingsError(f"{where}: threshold has to be a number")
    periods = _count(where, table, "evaluation_periods", 1)
    points = _count(where, table, "datapoints_to_alarm", periods)
    if points > periods:
        raise MonitorSettingsError(
            f"{where}: datapoints_to_alarm ({points}) is more than evaluation_periods ({periods})"
        )
    period_s = _duration_s(where, table, "period", 60.0)
    if period_s not in _SHORT_PERIODS_S and (period_s < 60 or period_s % 60):
        raise MonitorSettingsError(f"{where}: period has to be {_PERIODS}")
    if periods * period_s > DAY_S:
        raise MonitorSettingsError(f"{where}: it looks back over more than a day, which CloudWatch refuses")
    name = table.get("name", "")
    if not isinstance(name, str):
        raise MonitorSettingsError(f"{where}: name has to be a string")
    return AlarmDefinition(
        name=name,
        metric=metric,
        threshold=float(threshold),
        comparison=_word(where, table, "comparison", Comparison.ABOVE),
        statistic=_word(where, table, "statistic", Statistic.AVERAGE),
        period_s=int(period_s),
        evaluation_periods=periods,
        datapoints_to_alarm=points,
        missing=_word(where, table, "missing", Missing.MISSING),
    )


def _metric(where: str, table: Mapping[str, Any]) -> Metric:
    container = table.get("container")
    if container is not None and not isinstance(container, str):
        raise MonitorSettingsError(f"{where}: container has to be a name")
    known = TASK_METRICS if container is None else CONTAINER_METRICS
    name = table.get("metric")
    if not isinstance(name, str):
        raise MonitorSettingsError(f"{where}: metric is missing; it may be one of {', '.join(known)}")
    if name in known:
        return Metric(name=name, container=container)
    if container is None and name in CONTAINER_METRICS:
        raise MonitorSettingsError(f"{where}: {name} is a metric of a container: say which, with container")
    kind = "a task" if container is None else "a container"
    raise MonitorSettingsError(f"{where}: {kind} has no metric {name!r}{suggestion(name, known)}")


def _check_keys(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise MonitorSettingsError(f"{where} has an unknown key {key!r}{suggestion(key, known)}")


def _flag(table: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise MonitorSettingsError(f"[monitor] {key} has to be true or false")
    return value


def _count(where: str, table: Mapping[str, Any], key: str, default: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise MonitorSettingsError(f"{where}: {key} has to be a whole number from 1 on")
    return value


def _duration_s(where: str, table: Mapping[str, Any], key: str, default: float) -> float:
    value = table.get(key, default)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    try:
        return parse_duration_s(str(value))
    except ValueError as error:
        raise MonitorSettingsError(f"{where}: {key}: {error}") from error


def _word(where: str, table: Mapping[str, Any], key: str, default: _Word) -> _Word:
    value = table.get(key, default)
    words = {word.value: word for word in type(default)}
    if value not in words:
        raise MonitorSettingsError(f"{where}: {key} cannot be {value!r}{suggestion(str(value), words)}")
    return words[value]
