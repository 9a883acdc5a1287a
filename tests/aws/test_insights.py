"""Container Insights in CloudWatch: what is asked of it, and what moto has of it afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pillion.aws.backend import AwsBackend
from pillion.aws.insights import CloudWatchSink, alarm_parameters
from pillion.aws.log_calls import LogCalls
from pillion.aws.settings import AwsSettings
from pillion.core.monitoring.alarms import Alarm, AlarmDefinition, AlarmState, Comparison, Statistic
from pillion.core.monitoring.metrics import Metric, Unit
from pillion.ports.metrics import Measured, Minute

DIMENSIONS = {"ClusterName": "prod", "TaskDefinitionFamily": "shop", "ContainerName": "router"}
WANTED = [{"Name": name, "Value": value} for name, value in DIMENSIONS.items()]
AT_S = time.time() // 60 * 60 - 120
"""CloudWatch takes no log events that are weeks old."""

GROUP = "/aws/ecs/containerinsights/prod/performance"
MEMORY = AlarmDefinition(
    name="router-memory",
    metric=Metric(name="ContainerMemoryUtilization", container="router"),
    threshold=80.0,
    comparison=Comparison.AT_LEAST,
    statistic=Statistic.MAXIMUM,
    evaluation_periods=5,
    datapoints_to_alarm=3,
)
RESTARTS = AlarmDefinition(
    name="router-restarts",
    metric=Metric(name="RestartCount", container="router"),
    threshold=0,
    statistic=Statistic.INCREASE,
)


def test_an_alarm_is_put_in_the_words_of_cloudwatch() -> None:
    assert alarm_parameters(MEMORY, DIMENSIONS) == {
        "AlarmName": "router-memory",
        "AlarmDescription": "Declared by pillion, for a task that runs on a developer's machine",
        "Namespace": "ECS/ContainerInsights",
        "MetricName": "ContainerMemoryUtilization",
        "Dimensions": WANTED,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
    }


def test_an_increase_becomes_metric_math() -> None:
    parameters = alarm_parameters(RESTARTS, DIMENSIONS)
    metric = {"Namespace": "ECS/ContainerInsights", "MetricName": "RestartCount", "Dimensions": WANTED}
    assert parameters["Metrics"] == [
        {"Id": "increase", "Expression": "DIFF(highest)", "ReturnData": True},
        {
            "Id": "highest",
            "MetricStat": {"Metric": metric, "Stat": "Maximum", "Period": 60},
            "ReturnData": False,
        },
    ]
    assert not {"Statistic", "MetricName", "Period"} & parameters.keys()


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[AwsBackend]:
    async with AwsBackend(AwsSettings(), folder=tmp_path) as made:
        yield made


@pytest.fixture
async def sink(backend: AwsBackend) -> AsyncIterator[CloudWatchSink]:
    calls = LogCalls(backend.clients)
    yield CloudWatchSink(backend.clients, calls, evaluates=False)
    await calls.close()


@pytest.mark.service
@pytest.mark.slow
async def test_records_and_metrics_are_in_cloudwatch(backend: AwsBackend, sink: CloudWatchSink) -> None:
    record = {"Version": "0", "Type": "Container", "ContainerName": "router"}
    measured = Measured(
        name="ContainerMemoryUtilization",
        unit=Unit.PERCENT,
        dimensions=DIMENSIONS,
        values=(10.0, 30.0, 30.0),
    )
    for number in range(2):
        await sink.write(
            Minute(
                at_s=AT_S + 60 * number,
                group=GROUP,
                stream="AgentTelemetry-pillion",
                records=(record,),
                measured=(measured,),
            )
        )
    events = await backend.clients.call(
        "logs", "get_log_events", logGroupName=GROUP, logStreamName="AgentTelemetry-pillion"
    )
    found = [(item["timestamp"], json.loads(item["message"])) for item in events["events"]]
    assert found == [(round(AT_S * 1000), record), (round((AT_S + 60) * 1000), record)]
    statistics = await backend.clients.call(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="ECS/ContainerInsights",
        MetricName="ContainerMemoryUtilization",
        Dimensions=WANTED,
        StartTime=AT_S,
        EndTime=AT_S + 60,
        Period=60,
        Statistics=["Average", "Maximum", "SampleCount"],
    )
    (point,) = statistics["Datapoints"]
    assert (point["SampleCount"], point["Maximum"], point["Unit"]) == (3.0, 30.0, "Percent")
    assert point["Average"] == pytest.approx(70 / 3)


@pytest.mark.service
@pytest.mark.slow
async def test_alarms_are_defined_and_have_their_state(backend: AwsBackend, sink: CloudWatchSink) -> None:
    alarms = [
        Alarm(definition=MEMORY, state=AlarmState.ALARM, reason="it is full"),
        Alarm(definition=RESTARTS, state=AlarmState.OK, reason="it is calm"),
    ]
    await sink.put_alarms(alarms, [DIMENSIONS, DIMENSIONS])
    await sink.tell_states(alarms)
    described: dict[str, Any] = await backend.clients.call("cloudwatch", "describe_alarms")
    found = {item["AlarmName"]: item for item in described["MetricAlarms"]}
    assert {name: (item["StateValue"], item["StateReason"]) for name, item in found.items()} == {
        "router-memory": ("ALARM", "it is full"),
        "router-restarts": ("OK", "it is calm"),
    }
    assert found["router-memory"]["Dimensions"] == WANTED
    assert [item["Id"] for item in found["router-restarts"]["Metrics"]] == ["increase", "highest"]
