"""What the simulation says to each fault, in the words in which runs are compared."""

from __future__ import annotations

import pytest

from drilling.definitions import SHOP, WELL, container, prepared, well
from pillion.drilling.faults import Case, Fault
from pillion.drilling.learning import usual_ends
from pillion.drilling.observing import Observed, observe
from pillion.drilling.predicting import Blow, last_change_after_s, predict
from pillion.rehearsing.rehearsal import Effect

USUAL = usual_ends(well(SHOP.plan, WELL))


def seen(name: str | None, fault: Fault, blow: Blow) -> Observed:
    case = Case(container=name, fault=fault)
    return observe(predict(SHOP.plan, WELL, case, blow), case, USUAL)


STOPPED = ("EssentialContainerExited", "Essential container in task exited")


@pytest.mark.parametrize(
    ("fault", "exit_code"),
    [(Fault.KILL, 137), (Fault.EXIT_0, 0), (Fault.EXIT_1, 1)],
    ids=lambda item: str(item),
)
def test_an_essential_container_that_ends_takes_the_task_down(fault: Fault, exit_code: int) -> None:
    found = seen("web", fault, Blow(age_s=20.0))
    assert (found.effect, found.exit_code) == (Effect.STOPS, exit_code)
    assert (found.stop_code, found.stopped_reason) == STOPPED
    assert found.stopping_after_s == pytest.approx(0.0, abs=0.01)
    assert found.stopped_after_s == pytest.approx(0.12, abs=0.1)


def test_one_that_is_not_essential_does_not() -> None:
    assert seen("cache", Fault.KILL, Blow(age_s=20.0)) == Observed(effect=Effect.RUNS_ON, exit_code=137)


def test_a_loader_that_fails_keeps_the_task_from_running() -> None:
    found = seen("loader", Fault.EXIT_1, Blow(age_s=0.1))
    assert (found.effect, found.exit_code, found.stop_code) == (Effect.NEVER_RUNS, 1, "TaskFailedToStart")


def test_a_loader_that_ends_early_with_0_changes_nothing() -> None:
    assert seen("loader", Fault.EXIT_0, Blow(age_s=0.1)) == Observed(effect=Effect.RUNS_ON, exit_code=0)


def test_out_of_memory_is_told_as_such() -> None:
    found = seen("cache", Fault.MEMORY, Blow(age_s=20.0))
    assert found == Observed(effect=Effect.RUNS_ON, exit_code=137, out_of_memory=True)


def test_a_health_check_that_never_passes_lets_its_dependants_wait_for_ever() -> None:
    found = seen("cache", Fault.NEVER_HEALTHY, Blow())
    assert (found.effect, found.unhealthy) == (Effect.HANGS, True)
    assert found.waits == ("web waits for cache to be HEALTHY, which is UNHEALTHY after 2 failed probes",)


@pytest.mark.parametrize("fault", [Fault.UNHEALTHY, Fault.FREEZE])
def test_a_running_container_turns_unhealthy_and_recovers_when_the_fault_is_taken_back(fault: Fault) -> None:
    found = seen("cache", fault, Blow(age_s=20.0, held_s=30.0))
    assert (found.effect, found.unhealthy, found.exit_code) == (Effect.RUNS_ON, True, None)
    assert found.unhealthy_after_s == pytest.approx(10.0, abs=5.0)
    assert found.recovered_after_s == pytest.approx(2.5, abs=2.6)


def test_a_fault_that_is_too_short_to_be_noticed_is_not() -> None:
    assert seen("cache", Fault.FREEZE, Blow(age_s=20.0, held_s=2.0)) == Observed(effect=Effect.RUNS_ON)


def test_a_frozen_loader_ends_later_and_the_task_runs() -> None:
    case = Case(container="loader", fault=Fault.FREEZE)
    recording = predict(SHOP.plan, WELL, case, Blow(age_s=0.1, held_s=5.0))
    started = recording.last.containers["loader"].started_at_s or 0.0
    assert recording.last.containers["loader"].finished_at_s == pytest.approx(started + 6.0)
    assert observe(recording, case, USUAL) == Observed(effect=Effect.RUNS_ON, exit_code=0)


def test_a_late_start_begins_at_the_start_call_and_delays_the_rest() -> None:
    case = Case(container="cache", fault=Fault.DELAY)
    recording = predict(SHOP.plan, WELL, case, Blow(delay_s=5.0))
    started = recording.last.containers["cache"].started_at_s or 0.0
    assert recording.struck_at_s == pytest.approx(started - 5.0)
    assert observe(recording, case, USUAL) == Observed(effect=Effect.RUNS_ON)
    assert last_change_after_s(recording) > 10.0


@pytest.mark.parametrize(("name", "fault"), [("loader", Fault.VOLUME), (None, Fault.NETWORK)])
def test_ecs_watches_neither_volumes_nor_the_network(name: str | None, fault: Fault) -> None:
    found = seen(name, fault, Blow(age_s=20.0))
    assert (found.effect, found.others_ended) == (Effect.RUNS_ON, ())


POLICY = {"enabled": True, "restartAttemptPeriod": 60}


@pytest.mark.parametrize(("age_s", "restarts", "exit_code"), [(61.0, 1, None), (20.0, 0, 137)])
def test_a_restart_policy_counts_how_long_the_process_has_run(
    age_s: float, restarts: int, exit_code: int | None
) -> None:
    task = prepared(container("web"), container("log", essential=False, restartPolicy=POLICY))
    case = Case(container="log", fault=Fault.KILL)
    found = observe(predict(task.plan, {}, case, Blow(age_s=age_s)), case, {})
    assert (found.effect, found.restarts, found.exit_code) == (Effect.RUNS_ON, restarts, exit_code)
    assert (found.recovered_after_s is not None) == bool(restarts)


def test_a_prediction_is_the_same_each_time() -> None:
    case, blow = Case(container="web", fault=Fault.KILL), Blow(age_s=3.0)
    assert predict(SHOP.plan, WELL, case, blow) == predict(SHOP.plan, WELL, case, blow)
