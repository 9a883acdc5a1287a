"""When a restart policy refuses, and in which order it asks."""

import pytest

from core.lifecycle.making import at, container
from pillion.core.lifecycle.restart import refusal
from pillion.core.lifecycle.spec import RestartPolicy
from pillion.core.lifecycle.states import ContainerStatus

POLICY = RestartPolicy(ignored_exit_codes=frozenset({3}), attempt_period_s=60.0)
WEB = container("web", restart=POLICY)
RUNNING = at("RUNNING", started_at_s=100.0)


@pytest.mark.parametrize("exit_code", [0, 1, 137, 143, 255])
def test_any_exit_code_is_restarted_after_the_period(exit_code: int) -> None:
    assert refusal(WEB, RUNNING, exit_code, 160.0) is None


def test_without_a_policy_nothing_is_restarted() -> None:
    assert refusal(container("web"), RUNNING, 1, 1000.0) == "no restart policy"


def test_an_ignored_code_is_not_restarted() -> None:
    assert refusal(WEB, RUNNING, 3, 1000.0) == "exit code 3 is in ignoredExitCodes"


def test_an_exit_before_the_period_has_passed_is_not_restarted() -> None:
    assert refusal(WEB, RUNNING, 1, 159.9) == "it ran for less than restartAttemptPeriod (60 s)"


def test_the_period_counts_from_the_last_restart() -> None:
    restarted = at("RUNNING", started_at_s=100.0, last_restart_at_s=500.0)
    assert refusal(WEB, restarted, 1, 559.0) == "it ran for less than restartAttemptPeriod (60 s)"
    assert refusal(WEB, restarted, 1, 560.0) is None


def test_an_unknown_exit_code_is_not_restarted() -> None:
    assert refusal(WEB, RUNNING, None, 1000.0) == "the exit code is unknown"


def test_the_tests_are_asked_in_the_agents_order() -> None:
    stopping = at("RUNNING", started_at_s=100.0, desired=ContainerStatus.STOPPED)
    assert refusal(WEB, stopping, None, 101.0) == "the task is stopping"
    assert refusal(WEB, RUNNING, None, 101.0) == "the exit code is unknown"
    assert refusal(WEB, RUNNING, 3, 101.0) == "exit code 3 is in ignoredExitCodes"


def test_the_period_is_five_minutes_where_nobody_says() -> None:
    assert RestartPolicy().attempt_period_s == 300.0
