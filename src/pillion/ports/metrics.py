"""What the monitor needs of the place where metrics go: CloudWatch of the task's AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from pillion.core.monitoring.alarms import Alarm
from pillion.core.monitoring.metrics import Unit


class Measured(Struct, frozen=True, kw_only=True):
    """The values of one metric in one minute.

    Attributes:
        name: the metric.
        unit: of its values.
        dimensions: what it is of.
        values: as they were seen, oldest first.
    """

    name: str
    unit: Unit
    dimensions: Mapping[str, str]
    values: tuple[float, ...]


class Minute(Struct, frozen=True, kw_only=True):
    """What is written of a task for one minute.

    Attributes:
        at_s: when the minute began (POSIX seconds).
        group: log group of the records.
        stream: log stream of the records.
        records: of Container Insights.
        measured: the metrics.
    """

    at_s: float
    group: str
    stream: str
    records: tuple[Mapping[str, Any], ...]
    measured: tuple[Measured, ...]


class MetricSink(Protocol):
    """Takes what is measured of one task. Raises AwsCallError."""

    async def write(self, minute: Minute) -> None:
        """Write the records and metrics of a minute."""
        ...

    async def put_alarms(self, alarms: Sequence[Alarm], dimensions: Sequence[Mapping[str, str]]) -> None:
        """Define alarms, each with the dimensions of its metric."""
        ...

    async def tell_states(self, alarms: Sequence[Alarm]) -> None:
        """Tell the states of alarms, where CloudWatch does not find them out by itself."""
        ...
