from __future__ import annotations

import pytest

from drilling.definitions import SHOP, WELL, container, prepared, well
from pillion.drilling.faults import Case, Fault
from pillion.drilling.pacing import Pace, held_s, is_ready, jobs_allowed, strikes_early

PACE = Pace()


def test_a_task_is_ready_when_it_runs_and_every_health_check_is_decided() -> None:
    history = well(SHOP.plan, WELL).history
    first = next(number for number, (_, state) in enumerate(history) if is_ready(state))
    (_, before), (_, after) = history[first - 1], history[first]
    assert before.containers["web"].known.value != "RUNNING"
    assert after.containers["cache"].health.status.value == "HEALTHY"
    assert not is_ready(history[-1][1])


@pytest.mark.parametrize(
    ("name", "fault", "seconds"),
    [
        ("web", Fault.KILL, 0.0),
        ("web", Fault.FREEZE, 5.0),
        (None, Fault.NETWORK, 5.0),
        ("cache", Fault.FREEZE, 23.0),
        ("cache", Fault.UNHEALTHY, 18.5),
    ],
)
def test_a_fault_lasts_until_a_health_check_must_have_noticed_it(
    name: str | None, fault: Fault, seconds: float
) -> None:
    assert held_s(SHOP.plan, Case(container=name, fault=fault), PACE) == seconds


def test_and_never_longer_than_its_share_of_the_time_of_a_case() -> None:
    case = Case(container="cache", fault=Fault.FREEZE)
    assert held_s(SHOP.plan, case, Pace(case_timeout_s=20.0)) == 14.0


def test_who_ends_by_itself_is_struck_at_its_start() -> None:
    ends = frozenset({"loader"})
    assert strikes_early(Case(container="loader", fault=Fault.KILL), ends)
    assert not strikes_early(Case(container="loader", fault=Fault.DELAY), ends)
    assert not strikes_early(Case(container="web", fault=Fault.KILL), ends)
    assert not strikes_early(Case(container=None, fault=Fault.NETWORK), ends)


def test_cases_that_would_share_the_machine_run_one_by_one() -> None:
    shared = {"name": "data", "dockerVolumeConfiguration": {"scope": "shared"}}
    assert jobs_allowed(SHOP.plan, 4) == 4
    assert jobs_allowed(prepared(container("web"), networkMode="host").plan, 4) == 1
    assert jobs_allowed(prepared(container("web"), volumes=[shared]).plan, 4) == 1
