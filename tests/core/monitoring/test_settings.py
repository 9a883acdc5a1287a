"""`[monitor]` of pillion.toml, and the alarms that a task has."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from core.monitoring.making import DEFINITION, running, watched
from pillion.core.monitoring.alarm_list import alarms_of, strangers_of
from pillion.core.monitoring.alarms import AlarmDefinition, Comparison, Missing, Statistic
from pillion.core.monitoring.metrics import Metric
from pillion.core.monitoring.settings import (
    MonitorSettings,
    MonitorSettingsError,
    read_monitor_settings,
)

FULL = """
interval = "5s"
container_insights = true
default_alarms = false

[[alarms]]
name = "router is full"
container = "router"
metric = "ContainerMemoryUtilization"
threshold = 90
comparison = "GreaterThanOrEqualToThreshold"
statistic = "Maximum"
period = "5m"
evaluation_periods = 5
datapoints_to_alarm = 3
missing = "notBreaching"

[[alarms]]
metric = "TaskMemoryUtilization"
threshold = 75.5
"""


def test_every_key_is_read() -> None:
    assert read_monitor_settings(tomllib.loads(FULL)) == MonitorSettings(
        interval_s=5.0,
        container_insights=True,
        default_alarms=False,
        alarms=(
            AlarmDefinition(
                name="router is full",
                metric=Metric(name="ContainerMemoryUtilization", container="router"),
                threshold=90.0,
                comparison=Comparison.AT_LEAST,
                statistic=Statistic.MAXIMUM,
                period_s=300,
                evaluation_periods=5,
                datapoints_to_alarm=3,
                missing=Missing.NOT_BREACHING,
            ),
            AlarmDefinition(name="", metric=Metric(name="TaskMemoryUtilization"), threshold=75.5),
        ),
    )


def test_without_a_table_everything_has_its_usual_value() -> None:
    assert read_monitor_settings({}) == MonitorSettings()


ALARM: dict[str, Any] = {"container": "router", "metric": "ContainerMemoryUtilization", "threshold": 80}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"intervall": 5}, "[monitor] has an unknown key 'intervall'; did you mean 'interval'?"),
        ({"interval": "soon"}, "[monitor]: interval: 'soon' is not a duration."),
        ({"interval": 0.1}, "[monitor] interval has to be at least 1s"),
        ({"container_insights": "yes"}, "[monitor] container_insights has to be true or false"),
        ({"alarms": {}}, "[monitor] alarms has to be a list of tables: write [[monitor.alarms]]"),
        ({"alarms": [{**ALARM, "treshold": 1}]}, "unknown key 'treshold'; did you mean 'threshold'?"),
        ({"alarms": [{"metric": "CpuUtilized"}]}, "[[monitor.alarms]] 1: threshold has to be a number"),
        ({"alarms": [{"threshold": 1}]}, "metric is missing; it may be one of CpuUtilized"),
        (
            {"alarms": [{**ALARM, "metric": "ContainerMemoryUtilisation"}]},
            "no metric 'ContainerMemoryUtilisation'; did you mean 'ContainerMemoryUtilization'?",
        ),
        (
            {"alarms": [{"metric": "RestartCount", "threshold": 1}]},
            "RestartCount is a metric of a container: say which, with container",
        ),
        ({"alarms": [ALARM, {**ALARM, "period": 45}]}, "[[monitor.alarms]] 2: period has to be 10s, 20s"),
        ({"alarms": [{**ALARM, "period": "1h", "evaluation_periods": 30}]}, "more than a day"),
        ({"alarms": [{**ALARM, "datapoints_to_alarm": 2}]}, "(2) is more than evaluation_periods (1)"),
        ({"alarms": [{**ALARM, "evaluation_periods": 0}]}, "has to be a whole number from 1 on"),
        (
            {"alarms": [{**ALARM, "missing": "not_breaching"}]},
            "missing cannot be 'not_breaching'; did you mean 'notBreaching'?",
        ),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_is_expected(table: dict[str, Any], message: str) -> None:
    with pytest.raises(MonitorSettingsError) as found:
        read_monitor_settings(table)
    assert message in str(found.value)


def test_sidecars_have_alarms_by_themselves_and_applications_do_not() -> None:
    found = alarms_of(MonitorSettings(), watched(), running().spec)
    assert found == (
        AlarmDefinition(
            name="shop-router-ContainerMemoryUtilization",
            metric=Metric(name="ContainerMemoryUtilization", container="router"),
            threshold=80.0,
            evaluation_periods=5,
            datapoints_to_alarm=5,
        ),
    )
    assert alarms_of(MonitorSettings(default_alarms=False), watched(), running().spec) == ()


def test_a_sidecar_with_a_health_check_and_a_restart_policy_is_watched_for_both() -> None:
    web, router, envoy = DEFINITION["containerDefinitions"]
    proxy = {**web, "name": "web", "image": "envoyproxy/envoy:v1.30"}
    task = watched(containerDefinitions=[proxy, router, envoy])
    found = alarms_of(MonitorSettings(), task, running().spec)
    assert [(item.metric.container, item.metric.name, item.statistic) for item in found] == [
        ("web", "RestartCount", Statistic.INCREASE),
        ("web", "UnHealthyContainerHealthStatus", Statistic.MAXIMUM),
        ("router", "ContainerMemoryUtilization", Statistic.AVERAGE),
    ]


def test_a_declared_alarm_takes_the_place_of_the_usual_one_and_strangers_are_told() -> None:
    settings = read_monitor_settings(
        {"alarms": [ALARM, {**ALARM, "threshold": 95}, {**ALARM, "container": "routre"}]}
    )
    found = alarms_of(settings, watched(), running().spec)
    assert [(item.name, item.threshold) for item in found] == [
        ("shop-router-ContainerMemoryUtilization", 80.0),
        ("shop-router-ContainerMemoryUtilization-2", 95.0),
    ]
    assert [item.metric.container for item in strangers_of(settings, running().spec)] == ["routre"]
