from __future__ import annotations

import pytest

from pillion.core.lifecycle.states import HealthStatus
from pillion.core.plan.model import HealthProbe
from pillion.engines.simulated.behaviour import Life
from pillion.engines.simulated.probing import Health, Probed, fold, is_settled, run_probe

PROBE = HealthProbe(command=("CMD", "x"), interval_s=10.0, timeout_s=2.0, retries=2, start_period_s=15.0)
GOOD = Probed(passed=True, ended_after_s=0.05)
BAD = Probed(passed=False, ended_after_s=0.05, exit_code=1)


def statuses(*probes: tuple[float, Probed]) -> list[tuple[HealthStatus, int]]:
    health, found = Health(), []
    for age_s, probed in probes:
        health = fold(health, PROBE, probed, age_s)
        found.append((health.status, health.failing_streak))
    return found


UNKNOWN, HEALTHY, UNHEALTHY = HealthStatus.UNKNOWN, HealthStatus.HEALTHY, HealthStatus.UNHEALTHY


def test_failures_within_the_start_period_do_not_count() -> None:
    assert statuses((10, BAD), (20, BAD), (30, BAD)) == [(UNKNOWN, 0), (UNKNOWN, 1), (UNHEALTHY, 2)]


def test_a_success_ends_the_start_period() -> None:
    assert statuses((5, GOOD), (10, BAD), (14, BAD)) == [(HEALTHY, 0), (HEALTHY, 1), (UNHEALTHY, 2)]


def test_one_success_makes_it_healthy_again() -> None:
    assert statuses((20, BAD), (30, BAD), (40, GOOD), (50, BAD)) == [
        (UNKNOWN, 1),
        (UNHEALTHY, 2),
        (HEALTHY, 0),
        (HEALTHY, 1),
    ]


def test_a_probe_asks_the_script_at_its_beginning() -> None:
    life = Life(healthy_after_s=10.0, unhealthy_after_s=30.0, probe_s=1.0)
    assert [run_probe(PROBE, life, age_s) for age_s in (9.9, 10.0, 29.9, 30.0)] == [
        Probed(passed=False, ended_after_s=1.0, exit_code=1),
        Probed(passed=True, ended_after_s=1.0),
        Probed(passed=True, ended_after_s=1.0),
        Probed(passed=False, ended_after_s=1.0, exit_code=1),
    ]


def test_a_probe_that_takes_too_long_fails_at_its_timeout_with_dockers_words() -> None:
    probed = run_probe(PROBE, Life(probe_s=10.0), 20.0)
    output = "Health check exceeded timeout (2s)"
    assert probed == Probed(passed=False, ended_after_s=2.0, output=output, exit_code=-1)


@pytest.mark.parametrize(
    ("life", "health", "age_s", "settled"),
    [
        (Life(), Health(), 0.0, False),
        (Life(), Health(status=HEALTHY, last=GOOD), 10.0, True),
        (Life(unhealthy_after_s=20.0), Health(status=HEALTHY, last=GOOD), 10.0, False),
        (Life(unhealthy_after_s=20.0), Health(status=HEALTHY, failing_streak=1, last=BAD), 20.0, False),
        (Life(unhealthy_after_s=20.0), Health(status=UNHEALTHY, failing_streak=2, last=BAD), 30.0, True),
        (Life(healthy_after_s=None), Health(status=UNKNOWN, failing_streak=1, last=BAD), 20.0, False),
        (Life(healthy_after_s=None), Health(status=UNHEALTHY, failing_streak=2, last=BAD), 30.0, True),
        (Life(healthy_after_s=99.0), Health(status=UNHEALTHY, failing_streak=2, last=BAD), 30.0, False),
    ],
)
def test_probing_ends_when_nothing_can_change_any_more(
    life: Life, health: Health, age_s: float, settled: bool
) -> None:
    assert is_settled(health, life, age_s) is settled
