"""Alarms on metrics, evaluated as CloudWatch does it. Pure.

Periods begin at whole multiples of their length. What is missing is treated as `AlarmDefinition.missing`
says, and only as often as needed: CloudWatch looks back a little further than the evaluation periods (5 data
points for 3), uses the newest real ones among them, and fills in only what is lacking to the number it
needs. Its page "Configuring how CloudWatch alarms treat missing data" has tables of what follows; the tests
hold them.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from pillion.core.monitoring.history import History
from pillion.core.monitoring.metrics import Metric

LOOK_BACK_PERIODS = 2
"""How many periods more than needed are looked at; CloudWatch does not say, its examples have this many."""


class AlarmState(StrEnum):
    """The states of an alarm, as CloudWatch names them."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Comparison(StrEnum):
    """How a value is compared with the threshold: PutMetricAlarm's ComparisonOperator."""

    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"
    AT_MOST = "LessThanOrEqualToThreshold"


class Statistic(StrEnum):
    """What is made of the values in one period.

    The names are CloudWatch's but for the last: by how much the largest value has grown since the period
    before, which metric math writes as `DIFF`.
    """

    AVERAGE = "Average"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"
    SUM = "Sum"
    SAMPLE_COUNT = "SampleCount"
    INCREASE = "Increase"


class Missing(StrEnum):
    """What a missing data point counts as: PutMetricAlarm's TreatMissingData."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class AlarmDefinition(Struct, frozen=True, kw_only=True):
    """An alarm, in the words of PutMetricAlarm.

    Attributes:
        name: its name.
        metric: what it watches.
        threshold: what the metric is compared with.
        comparison: how.
        statistic: what is made of the values of one period.
        period_s: the length of a period, in seconds.
        evaluation_periods: how many of the newest periods are looked at (N).
        datapoints_to_alarm: in how many of them the threshold has to be breached (M).
        missing: what a period without values counts as.
    """

    name: str
    metric: Metric
    threshold: float
    comparison: Comparison = Comparison.ABOVE
    statistic: Statistic = Statistic.AVERAGE
    period_s: int = 60
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    missing: Missing = Missing.MISSING

    @property
    def needs_s(self) -> float:
        """How far back it looks, in seconds."""
        return (self.evaluation_periods + LOOK_BACK_PERIODS + 1) * self.period_s


class Alarm(Struct, frozen=True, kw_only=True):
    """An alarm as it is now.

    Attributes:
        definition: what it watches for.
        state: where it is.
        since_s: since when (POSIX seconds); None before it was first evaluated.
        reason: why, in one sentence.
        value: the newest data point; None without one.
    """

    definition: AlarmDefinition
    state: AlarmState = AlarmState.INSUFFICIENT_DATA
    since_s: float | None = None
    reason: str = "it was not evaluated yet"
    value: float | None = None


def evaluate(alarm: Alarm, history: History, now_s: float) -> Alarm:
    """Return the alarm as it is now, after the periods that are complete.

    Args:
        alarm: as it was.
        history: the values of its metric, reaching back `needs_s`.
        now_s: the time (POSIX seconds).
    """
    definition = alarm.definition
    points = data_points(definition, history, now_s)
    flags = [None if point is None else breaches(definition, point) for point in points]
    state = judge(definition, flags, alarm.state)
    newest = next((point for point in reversed(points) if point is not None), None)
    return Alarm(
        definition=definition,
        state=state,
        since_s=now_s if state is not alarm.state or alarm.since_s is None else alarm.since_s,
        reason=_reason(definition, points, state),
        value=newest,
    )


def data_points(definition: AlarmDefinition, history: History, now_s: float) -> list[float | None]:
    """Return one value for each complete period of the evaluation range, oldest first; None where missing."""
    period_s = definition.period_s
    end_s = now_s // period_s * period_s
    count = definition.evaluation_periods + LOOK_BACK_PERIODS
    begins = [end_s - number * period_s for number in range(count, 0, -1)]
    return [_data_point(definition, history, begin_s) for begin_s in begins]


def judge(definition: AlarmDefinition, flags: list[bool | None], state: AlarmState) -> AlarmState:
    """Return the state that breaching, good and missing data points lead to.

    Args:
        definition: the alarm.
        flags: whether each data point of the evaluation range breaches, oldest first; None where missing.
        state: the state before, which is kept where missing data is ignored.
    """
    real = [flag for flag in flags if flag is not None]
    lacking = definition.evaluation_periods - len(real)
    if not real and definition.missing is Missing.MISSING:
        return AlarmState.INSUFFICIENT_DATA
    breaching = sum(real[-definition.evaluation_periods :])
    if lacking > 0 and definition.missing is Missing.BREACHING:
        breaching += lacking
    if breaching >= definition.datapoints_to_alarm:
        return AlarmState.ALARM
    undecided = lacking > 0 and all(real)
    if undecided and definition.missing is Missing.IGNORE:
        return state
    if undecided and definition.missing is Missing.MISSING:
        # An old breach that nothing contradicted since is an alarm; a fresh one may yet be contradicted.
        age = len(flags) - flags.index(True)
        return AlarmState.ALARM if age >= definition.datapoints_to_alarm else state
    return AlarmState.OK


def breaches(definition: AlarmDefinition, value: float) -> bool:
    """Say whether a value breaches the threshold."""
    match definition.comparison:
        case Comparison.ABOVE:
            return value > definition.threshold
        case Comparison.AT_LEAST:
            return value >= definition.threshold
        case Comparison.BELOW:
            return value < definition.threshold
        case Comparison.AT_MOST:
            return value <= definition.threshold


def _data_point(definition: AlarmDefinition, history: History, begin_s: float) -> float | None:
    period_s = definition.period_s
    values = history.between(definition.metric, begin_s, begin_s + period_s)
    if not values:
        return None
    match definition.statistic:
        case Statistic.AVERAGE:
            return sum(values) / len(values)
        case Statistic.MAXIMUM:
            return max(values)
        case Statistic.MINIMUM:
            return min(values)
        case Statistic.SUM:
            return sum(values)
        case Statistic.SAMPLE_COUNT:
            return float(len(values))
        case Statistic.INCREASE:
            before = history.between(definition.metric, begin_s - period_s, begin_s)
            return max(values) - max(before) if before else None


def _reason(definition: AlarmDefinition, points: list[float | None], state: AlarmState) -> str:
    """Say in one sentence what the newest data points were compared with, as CloudWatch does."""
    real = [point for point in points if point is not None][-definition.evaluation_periods :]
    if not real:
        return f"no data in the last {len(points)} periods"
    shown = ", ".join(f"{point:.4g}" for point in real)
    were = f"{len(real)} data point{'s' if len(real) > 1 else ''} [{shown}]"
    of = f"{definition.datapoints_to_alarm} of {definition.evaluation_periods}"
    relation = {
        Comparison.ABOVE: "greater than",
        Comparison.AT_LEAST: "greater than or equal to",
        Comparison.BELOW: "less than",
        Comparison.AT_MOST: "less than or equal to",
    }[definition.comparison]
    if state is AlarmState.ALARM:
        return f"{were}, {of} {relation} the threshold ({definition.threshold:g})"
    return f"{were}, not {of} {relation} the threshold ({definition.threshold:g})"
