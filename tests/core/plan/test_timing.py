from __future__ import annotations

from typing import Any

import pytest

from core.plan.plans import FIVE, container, health_check, plan_of
from pillion.core.lifecycle.spec import Dependency
from pillion.core.lifecycle.states import Condition
from pillion.core.plan.model import HealthProbe
from pillion.core.plan.timing import EdgeTime, timing_of, unhealthy_after_s


def test_who_waits_for_healthy_starts_after_the_first_probe_at_the_soonest() -> None:
    starts = timing_of(FIVE).starts_s
    assert {name: starts[name] for name in ("loader", "envoy", "web", "worker")} == {
        "loader": 0.0,
        "envoy": 0.0,
        "web": 5.0,
        "worker": 5.0,
    }


def test_the_critical_path_leads_to_the_last_that_starts() -> None:
    timing = timing_of(FIVE)
    assert (timing.critical_path, timing.running_after_s) == (("envoy", "web", "worker"), 5.0)


def test_a_wait_for_an_end_without_start_timeout_has_no_end() -> None:
    timing = timing_of(FIVE)
    wait = Dependency(container="loader", condition=Condition.SUCCESS)
    assert timing.unbounded == (("web", EdgeTime(dependency=wait, earliest_s=0.0, latest_s=None)),)
    assert timing.running_by_s is None


def test_start_timeouts_along_a_chain_add_up() -> None:
    plan = plan_of(
        container("a", startTimeout=40, healthCheck=health_check(interval=5)),
        container("b", after={"a": "HEALTHY"}, startTimeout=30, healthCheck=health_check(interval=10)),
        container("c", after={"b": "HEALTHY"}),
    )
    timing = timing_of(plan)
    assert (timing.running_after_s, timing.running_by_s) == (15.0, 70.0)


def test_the_longest_stop_adds_the_timeouts_of_who_stop_one_after_the_other() -> None:
    timing = timing_of(FIVE)
    assert (timing.stop_path, timing.stop_at_most_s) == (("worker", "web", "envoy"), 55.0)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [({}, 30.0), ({"restartPolicy": {"enabled": True, "restartAttemptPeriod": 60}}, 60.0)],
    ids=["ended", "restarted"],
)
def test_who_waited_for_an_end_does_not_stop_together_with_it(policy: dict[str, Any], seconds: float) -> None:
    plan = plan_of(
        container("loader", essential=False, **policy), container("web", after={"loader": "COMPLETE"})
    )
    assert timing_of(plan).stop_at_most_s == seconds


def test_a_container_that_passes_no_probe_is_unhealthy_after_start_period_and_retries() -> None:
    probe = HealthProbe(command=("CMD", "x"), interval_s=5, timeout_s=2, retries=3, start_period_s=10)
    assert unhealthy_after_s(probe) == 31.0
