from __future__ import annotations

from msgspec.structs import replace

from drilling.definitions import SHOP, WELL, container, prepared, result_of, well
from drilling.reports import report
from pillion.drilling.faults import Case, Fault
from pillion.drilling.predicting import Blow, predict
from pillion.drilling.recording import Answer, Recording
from pillion.drilling.verdict import Result, Verdict, judge
from pillion.rehearsing.rehearsal import Effect


def silent(recording: Recording, seconds: int) -> Recording:
    """The same with a URL that does not answer for some seconds from the fault on."""
    struck_s = recording.struck_at_s or 0.0
    return replace(
        recording,
        asked_at_s=struck_s + 10.0,
        ended_at_s=struck_s + 10.0,
        answers=tuple(
            Answer(
                at_s=struck_s + second, took_s=0.0, status=None if 0 <= second < seconds else 200, error="no"
            )
            for second in range(-2, 10)
        ),
    )


def test_a_case_that_shows_what_was_predicted_is_as_predicted() -> None:
    result = result_of("web", Fault.KILL)
    assert (result.verdict, result.differences, result.dangers) == (Verdict.AS_PREDICTED, (), ())
    assert result.observed == result.predicted
    assert not result.is_finding


def test_a_case_that_shows_something_else_differs_and_is_a_finding() -> None:
    other = predict(SHOP.plan, WELL, Case(container="web", fault=Fault.EXIT_0), Blow(age_s=20.0))
    result = result_of("web", Fault.KILL, seen=other)
    assert result.verdict is Verdict.DIFFERS
    assert [item.what for item in result.differences] == ["exit code"]
    assert result.is_finding


def test_a_wait_without_end_is_a_danger() -> None:
    result = result_of("cache", Fault.NEVER_HEALTHY, blow=Blow())
    assert result.dangers == ("the task waits for ever, and nobody is told",)


def test_a_sidecar_that_takes_the_task_down_is_a_danger_unless_others_wait_for_its_end() -> None:
    task = prepared(container("cache", essential=False), container("web", after={"cache": "HEALTHY"}))
    assert result_of("loader", Fault.EXIT_1, blow=Blow(age_s=0.1)).dangers == ()
    down = replace(result_of("web", Fault.KILL).recording or well(task.plan, {}), not_struck=None)
    taken = judge(SHOP.plan.spec, Case(container="cache", fault=Fault.KILL), down, down, {"loader": 0})
    assert taken.observed is not None
    assert taken.observed.effect is Effect.STOPS
    assert taken.dangers == ("cache is not essential and takes the task down all the same",)


def test_a_sidecar_without_which_the_application_is_silent_is_a_danger() -> None:
    recording = silent(result_of("cache", Fault.KILL).recording or well(SHOP.plan, WELL), 3)
    assert result_of("cache", Fault.KILL, seen=recording).dangers == (
        "cache is not essential, and yet the application did not answer for 3s when cache is killed",
    )


def test_an_essential_container_may_silence_the_application() -> None:
    recording = silent(result_of("web", Fault.FREEZE).recording or well(SHOP.plan, WELL), 3)
    result = result_of("web", Fault.FREEZE, seen=recording)
    assert (len(result.gaps), result.dangers) == (1, ())


def test_a_fault_that_could_not_be_made_is_no_finding_and_says_why() -> None:
    recording = replace(well(SHOP.plan, WELL), not_struck="that takes root on the engine's own machine")
    result = judge(SHOP.plan.spec, Case(container="web", fault=Fault.EXIT_0), recording, None, {})
    assert (result.verdict, result.reason) == (
        Verdict.IMPOSSIBLE,
        "that takes root on the engine's own machine",
    )
    assert not result.is_finding


def test_a_case_whose_time_was_over_is_a_finding() -> None:
    before = replace(well(SHOP.plan, WELL), timed_out=True)
    late = judge(SHOP.plan.spec, Case(container="web", fault=Fault.KILL), before, None, {})
    seen = replace(result_of("web", Fault.FREEZE).recording or before, timed_out=True)
    assert (late.verdict, late.is_finding) == (Verdict.TIMED_OUT, True)
    assert result_of("web", Fault.FREEZE, seen=seen).verdict is Verdict.TIMED_OUT


def test_the_exit_code_is_1_for_a_finding_and_for_what_is_not_known_and_0_otherwise() -> None:
    well_known = result_of("web", Fault.KILL)
    hanging = result_of("cache", Fault.NEVER_HEALTHY, blow=Blow())
    not_run = Result(case=Case(container="web", fault=Fault.KILL), verdict=Verdict.NOT_RUN, reason="time")
    impossible = replace(not_run, verdict=Verdict.IMPOSSIBLE)
    assert [report(item).exit_code for item in (well_known, hanging, not_run, impossible)] == [0, 1, 1, 0]
    accepted = frozenset({"cache:never-healthy"})
    assert replace(report(hanging), accepted=accepted).exit_code == 0
    assert replace(report(hanging, not_run), accepted=accepted).exit_code == 1


def test_the_simulation_names_the_containers_that_lose_output_without_their_log_router() -> None:
    task = prepared(
        container("router", essential=False, firelensConfiguration={"type": "fluentbit"}),
        container("web", logConfiguration={"logDriver": "awsfirelens", "options": {"Name": "stdout"}}),
    )
    case = Case(container="router", fault=Fault.KILL)
    recording = predict(task.plan, {}, case, Blow(age_s=20.0))
    routed = judge(task.plan.spec, case, recording, recording, {}, log_routes={"web": "router"})
    assert routed.predicted_lost == ("web",)
    assert judge(task.plan.spec, case, recording, recording, {}).predicted_lost == ()
