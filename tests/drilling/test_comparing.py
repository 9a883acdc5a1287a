from __future__ import annotations

import pytest
from msgspec.structs import replace

from pillion.drilling.comparing import Difference, compare
from pillion.drilling.faults import Case, Fault
from pillion.drilling.observing import Observed, SlowStop
from pillion.rehearsing.rehearsal import Effect

KILL = Case(container="cache", fault=Fault.KILL)
ON = Observed(effect=Effect.RUNS_ON, exit_code=137)


def test_what_is_as_predicted_gives_no_difference() -> None:
    assert compare(KILL, ON, ON) == ()


def test_an_application_that_ends_without_its_neighbour_is_the_first_difference_and_explains_the_next() -> (
    None
):
    down = replace(
        ON,
        effect=Effect.STOPS,
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        others_ended=(("web", 2),),
    )
    assert compare(KILL, ON, down) == (
        Difference(
            what="other containers that ended",
            predicted="none",
            observed="web with 2",
            why="web ends by itself when cache is killed. The simulation knows the rules of ECS, not what a "
            "program does without its neighbour.",
        ),
        Difference(
            what="the task",
            predicted="the task runs on",
            observed="the task stops",
            why="It stopped because of web with 2, and not because of the fault itself.",
        ),
    )


@pytest.mark.parametrize(
    ("fault", "predicted", "observed", "what", "why"),
    [
        (Fault.FREEZE, replace(ON, unhealthy=True), ON, "health", "does not ask the program"),
        (Fault.UNHEALTHY, replace(ON, unhealthy=True), ON, "health", "did not fail often enough"),
        (Fault.NETWORK, ON, replace(ON, unhealthy=True), "health", "The health check notices"),
        (Fault.VOLUME, replace(ON, exit_code=None), ON, "exit code", "Its own program ended"),
        (Fault.MEMORY, replace(ON, out_of_memory=True), ON, "exit code", "did not say that the kernel"),
        (Fault.KILL, ON, replace(ON, exit_code=None), "exit code", "survived"),
        (Fault.KILL, ON, replace(ON, exit_code=0), "exit code", "sooner"),
        (Fault.KILL, ON, replace(ON, restarts=1), "restarts", "how long the process has run"),
        (Fault.VOLUME, ON, replace(ON, effect=Effect.STOPS), "the task", "watches neither volumes"),
        (Fault.KILL, replace(ON, effect=Effect.HANGS), ON, "the task", "came to an end"),
        (Fault.KILL, ON, replace(ON, effect=Effect.HANGS), "the task", "was to start did not"),
        (Fault.KILL, replace(ON, effect=Effect.STOPS), ON, "the task", "did not come about"),
        (Fault.KILL, ON, replace(ON, effect=Effect.STOPS), "the task", "reached further"),
    ],
)
def test_each_difference_is_explained_as_far_as_can_be(
    fault: Fault, predicted: Observed, observed: Observed, what: str, why: str
) -> None:
    (found,) = compare(Case(container="cache", fault=fault), predicted, observed)
    assert found.what == what
    assert why in found.why


def test_another_stopped_reason_is_a_difference() -> None:
    one = replace(ON, effect=Effect.STOPS, stopped_reason="Essential container in task exited")
    other = replace(one, stopped_reason="Task failed to start")
    (found,) = compare(KILL, one, other)
    assert (found.what, found.predicted, found.observed) == (
        "stoppedReason",
        "Essential container in task exited",
        "Task failed to start",
    )


@pytest.mark.parametrize(
    ("predicted_s", "observed_s", "differs"),
    [(0.2, 3.9, False), (0.2, 4.5, True), (30.0, 36.0, False), (30.0, 46.0, True), (5.0, 0.1, False)],
)
def test_a_stop_that_takes_much_longer_is_a_difference_and_a_slower_engine_is_none(
    predicted_s: float, observed_s: float, differs: bool
) -> None:
    one = replace(ON, effect=Effect.STOPS, stopped_after_s=predicted_s)
    found = compare(KILL, one, replace(one, stopped_after_s=observed_s))
    assert bool(found) == differs


def slow(*stops: SlowStop) -> str:
    one = replace(ON, effect=Effect.STOPS, stopped_after_s=0.3)
    (found,) = compare(KILL, one, replace(one, stopped_after_s=15.0, slow_stops=stops))
    return found.why


def test_a_slow_stop_names_who_was_slow_and_why_it_may_be() -> None:
    young = SlowStop(container="envoy", took_s=5.1, age_s=0.4, is_killed=True)
    old = SlowStop(container="router", took_s=7.0, age_s=60.0, is_killed=False)
    assert slow() == "The engine or the machine was busy: no container took long to end."
    assert slow(old) == "router took 7s to end."
    assert slow(young, old) == (
        "envoy took 5.1s to end, all of its stopTimeout, and was killed; router took 7s to end. Right after "
        "its start a program that is process 1 does not hear the stop signal, because it does not listen yet "
        "(initProcessEnabled changes that)."
    )


def test_a_container_that_does_not_get_well_again_is_a_difference() -> None:
    ill = replace(ON, exit_code=None, unhealthy=True, recovered_after_s=3.0)
    (found,) = compare(KILL, ill, replace(ill, recovered_after_s=None))
    assert (found.what, found.observed) == ("recovery", "not well again")
    assert compare(KILL, ill, replace(ill, recovered_after_s=30.0)) == ()
