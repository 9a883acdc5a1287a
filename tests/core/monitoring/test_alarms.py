"""Alarms: the tables of CloudWatch's own page, and the values that the data points are made of.

The page is "Configuring how CloudWatch alarms treat missing data". In its rows 0 is a good data point, X a
breaching one, - a missing one, and the newest is the last.
"""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.monitoring.alarms import (
    Alarm,
    AlarmDefinition,
    AlarmState,
    Comparison,
    Missing,
    Statistic,
    breaches,
    data_points,
    evaluate,
    judge,
)
from pillion.core.monitoring.history import History, Look
from pillion.core.monitoring.metrics import Metric

MEMORY = Metric(name="ContainerMemoryUtilization", container="router")
OK, ALARM, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
KEPT = "the state before"


def alarm(**changes: Any) -> AlarmDefinition:
    return AlarmDefinition(**{"name": "router", "metric": MEMORY, "threshold": 80.0, **changes})


def flags(row: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[sign] for sign in row.split()]


THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", NO_DATA, KEPT, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEPT, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEPT, ALARM, OK),
]
ROWS = [(points, *row) for points, rows in ((3, THREE_OF_THREE), (2, TWO_OF_THREE)) for row in rows]


@pytest.mark.parametrize("before", list(AlarmState))
@pytest.mark.parametrize(("points", "row", "missing", "ignore", "breaching", "not_breaching"), ROWS)
def test_missing_data_counts_as_in_the_tables_of_cloudwatch(
    points: int,
    row: str,
    missing: object,
    ignore: object,
    breaching: object,
    not_breaching: object,
    before: AlarmState,
) -> None:
    expected = dict(zip(Missing, (missing, ignore, breaching, not_breaching), strict=True))
    found = {
        treatment: judge(
            alarm(evaluation_periods=3, datapoints_to_alarm=points, missing=treatment), flags(row), before
        )
        for treatment in Missing
    }
    assert found == {key: before if value is KEPT else value for key, value in expected.items()}


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -"])
def test_a_fresh_breach_that_may_yet_be_contradicted_changes_nothing(row: str) -> None:
    definition = alarm(evaluation_periods=3, datapoints_to_alarm=3)
    assert [judge(definition, flags(row), before) for before in AlarmState] == list(AlarmState)


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (Comparison.ABOVE, [False, False, True]),
        (Comparison.AT_LEAST, [False, True, True]),
        (Comparison.BELOW, [True, False, False]),
        (Comparison.AT_MOST, [True, True, False]),
    ],
)
def test_thresholds_are_compared_as_the_operator_says(comparison: Comparison, expected: list[bool]) -> None:
    definition = alarm(comparison=comparison)
    assert [breaches(definition, value) for value in (79.0, 80.0, 81.0)] == expected


def history(*values: tuple[float, float]) -> History:
    found = History(keep_s=100_000)
    for at_s, value in values:
        found = found.with_look(Look(at_s=at_s, values={MEMORY: value}))
    return found


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        (Statistic.AVERAGE, [None, 20.0, 50.0]),
        (Statistic.MAXIMUM, [None, 30.0, 50.0]),
        (Statistic.MINIMUM, [None, 10.0, 50.0]),
        (Statistic.SUM, [None, 40.0, 50.0]),
        (Statistic.SAMPLE_COUNT, [None, 2.0, 1.0]),
        (Statistic.INCREASE, [None, None, 20.0]),
    ],
)
def test_a_period_has_one_data_point_and_only_complete_periods_count(
    statistic: Statistic, expected: list[float | None]
) -> None:
    seen = history((60.0, 10.0), (119.9, 30.0), (120.0, 50.0), (180.0, 99.0))
    assert data_points(alarm(statistic=statistic), seen, now_s=185.0) == expected


def test_an_alarm_says_since_when_and_why() -> None:
    definition = alarm(evaluation_periods=2, datapoints_to_alarm=2)
    first = evaluate(Alarm(definition=definition), history((60.0, 70.0)), now_s=120.0)
    assert first == Alarm(
        definition=definition,
        state=OK,
        since_s=120.0,
        reason="1 data point [70], not 2 of 2 greater than the threshold (80)",
        value=70.0,
    )
    seen = history((60.0, 70.0), (120.0, 90.0), (180.0, 91.5))
    assert evaluate(first, seen, now_s=180.0).since_s == 120.0
    assert evaluate(first, seen, now_s=240.0) == Alarm(
        definition=definition,
        state=ALARM,
        since_s=240.0,
        reason="2 data points [90, 91.5], 2 of 2 greater than the threshold (80)",
        value=91.5,
    )
    silent = evaluate(first, history((60.0, 70.0)), now_s=900.0)
    assert (silent.state, silent.reason) == (NO_DATA, "no data in the last 4 periods")


def test_history_forgets_what_is_too_old_and_a_clock_that_jumped_back() -> None:
    seen = History(keep_s=100.0)
    for at_s in (10.0, 60.0, 120.0, 50.0):
        seen = seen.with_look(Look(at_s=at_s, values={MEMORY: at_s}))
    assert [look.at_s for look in seen.looks] == [50.0]
    assert seen.with_look(Look(at_s=150.0, values={})).between(MEMORY, 0.0, 200.0) == []
