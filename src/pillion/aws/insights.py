"""Container Insights in CloudWatch of a task's AWS: records as log events, metrics, alarms.

AWS itself makes metrics out of the records of its own agents and evaluates alarms. Emulators do neither: so
metrics are put beside the records, and where AWS is not AWS, alarms are told their state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pillion.aws.clients import AwsClients
from pillion.aws.log_calls import LogCalls
from pillion.core.awslogs.events import make_events
from pillion.core.monitoring.alarms import Alarm, AlarmDefinition, Statistic
from pillion.core.monitoring.metrics import NAMESPACE
from pillion.ports.metrics import Measured, Minute

METRICS_A_CALL_MAX: Final = 500
"""PutMetricData takes a thousand, and no more than a megabyte."""


class CloudWatchSink:
    """Implements `ports.metrics.MetricSink`.

    Args:
        clients: of the task's AWS.
        calls: its CloudWatch Logs.
        evaluates: whether this AWS evaluates alarms by itself.
    """

    def __init__(self, clients: AwsClients, calls: LogCalls, *, evaluates: bool) -> None:
        self._clients = clients
        self._calls = calls
        self._evaluates = evaluates
        self._made: set[tuple[str, str]] = set()

    async def write(self, minute: Minute) -> None:
        """Write the records and metrics of a minute. Raises AwsCallError."""
        if minute.records:
            await self._have_stream(minute.group, minute.stream)
            at_ms = round(minute.at_s * 1000)
            events = [event for record in minute.records for event in make_events(at_ms, json.dumps(record))]
            await self._calls.put(minute.group, minute.stream, events, region=None)
        for begin in range(0, len(minute.measured), METRICS_A_CALL_MAX):
            part = minute.measured[begin : begin + METRICS_A_CALL_MAX]
            await self._clients.call(
                "cloudwatch",
                "put_metric_data",
                Namespace=NAMESPACE,
                MetricData=[_datum(item, minute.at_s) for item in part],
            )

    async def put_alarms(self, alarms: Sequence[Alarm], dimensions: Sequence[Mapping[str, str]]) -> None:
        """Define alarms, each with the dimensions of its metric. Raises AwsCallError."""
        for alarm, found in zip(alarms, dimensions, strict=True):
            await self._clients.call(
                "cloudwatch", "put_metric_alarm", **alarm_parameters(alarm.definition, found)
            )

    async def tell_states(self, alarms: Sequence[Alarm]) -> None:
        """Tell the states of alarms, where AWS does not find them out. Raises AwsCallError."""
        if self._evaluates:
            return
        for alarm in alarms:
            await self._clients.call(
                "cloudwatch",
                "set_alarm_state",
                AlarmName=alarm.definition.name,
                StateValue=alarm.state.value,
                StateReason=alarm.reason,
            )

    async def _have_stream(self, group: str, stream: str) -> None:
        if (group, stream) not in self._made:
            await self._calls.ensure_group(group, region=None)
            await self._calls.ensure_stream(group, stream, region=None)
            self._made.add((group, stream))


def alarm_parameters(definition: AlarmDefinition, dimensions: Mapping[str, str]) -> dict[str, Any]:
    """Return what PutMetricAlarm is called with. An increase becomes metric math."""
    common = {
        "AlarmName": definition.name,
        "AlarmDescription": "Declared by pillion, for a task that runs on a developer's machine",
        "EvaluationPeriods": definition.evaluation_periods,
        "DatapointsToAlarm": definition.datapoints_to_alarm,
        "Threshold": definition.threshold,
        "ComparisonOperator": definition.comparison.value,
        "TreatMissingData": definition.missing.value,
    }
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": definition.metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    if definition.statistic is not Statistic.INCREASE:
        statistic = definition.statistic.value
        return {**common, **metric, "Statistic": statistic, "Period": definition.period_s}
    highest = {"Metric": metric, "Stat": "Maximum", "Period": definition.period_s}
    return {
        **common,
        "Metrics": [
            {"Id": "increase", "Expression": "DIFF(highest)", "ReturnData": True},
            {"Id": "highest", "MetricStat": highest, "ReturnData": False},
        ],
    }


def _datum(measured: Measured, at_s: float) -> dict[str, Any]:
    counts: dict[float, int] = {}
    for value in measured.values:
        counts[value] = counts.get(value, 0) + 1
    return {
        "MetricName": measured.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in measured.dimensions.items()],
        "Timestamp": datetime.fromtimestamp(at_s, UTC),
        "Values": [float(value) for value in counts],
        "Counts": [float(count) for count in counts.values()],
        "Unit": measured.unit.value,
    }
