from __future__ import annotations

import pytest
from msgspec.structs import replace

from drilling.definitions import SHOP, WELL, well
from pillion.drilling.faults import Case, Fault
from pillion.drilling.observing import Gap, Observed, gaps_of, observe
from pillion.drilling.predicting import Blow, predict
from pillion.drilling.recording import Answer, Lines, Recording
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.rehearsing.rehearsal import Effect

BASE = replace(well(SHOP.plan, WELL), struck_at_s=20.0)


def looks(*good: bool, period_s: float = 1.0, from_s: float = 18.0) -> tuple[Answer, ...]:
    """Looks at the URL, one a period."""
    return tuple(
        Answer(
            at_s=from_s + number * period_s,
            took_s=0.01,
            status=200 if is_good else None,
            error="" if is_good else "refused",
        )
        for number, is_good in enumerate(good)
    )


def gaps(*good: bool, period_s: float = 1.0, recording: Recording = BASE) -> tuple[Gap, ...]:
    return gaps_of(replace(recording, answers=looks(*good, period_s=period_s)))


def test_a_gap_reaches_from_the_first_look_that_failed_to_the_next_answer() -> None:
    (gap,) = gaps(True, True, True, False, False, True, True)
    assert (gap.begins_s, gap.error) == (1.0, "refused")
    assert gap.length_s == pytest.approx(2.01)
    assert gap.ends_s == pytest.approx(3.01)


def test_before_the_first_answer_there_is_no_gap() -> None:
    assert gaps(False, False, False, True, True) == ()


def test_an_url_that_never_answered_has_no_gap() -> None:
    assert gaps(False, False) == ()


def test_one_look_that_failed_for_a_moment_is_no_gap() -> None:
    assert gaps(True, False, True, period_s=0.1) == ()


def test_a_gap_without_end_reaches_to_our_stop_and_looks_after_it_do_not_count() -> None:
    recording = replace(BASE, asked_at_s=23.5)
    (gap,) = gaps(True, True, True, False, False, False, False, False, True, recording=recording)
    assert (gap.begins_s, gap.ends_s, gap.length_s) == (1.0, None, 2.5)


def test_a_server_error_is_no_answer_and_a_missing_page_is_one() -> None:
    assert not Answer(at_s=0.0, took_s=0.0, status=503).is_good
    assert Answer(at_s=0.0, took_s=0.0, status=404).is_good


def test_what_did_not_answer_before_the_fault_is_no_gap_of_it() -> None:
    assert gaps(True, False, True, True, True, period_s=1.0, recording=replace(BASE, struck_at_s=21.5)) == ()


def test_who_takes_long_to_end_when_the_task_stops_by_itself_is_told() -> None:
    deaf = {**WELL, "cache": Behaviour(image_present=True, lives=(Life(stops_after_s=None),))}
    case = Case(container="web", fault=Fault.KILL)
    recording = predict(SHOP.plan, deaf, case, Blow(age_s=20.0))
    (found,) = observe(recording, case, {"loader": 0}).slow_stops
    assert (found.container, found.is_killed) == ("cache", True)
    assert found.took_s == pytest.approx(30.0, abs=0.1)
    assert found.age_s > 20.0


def test_a_task_that_we_stopped_runs_on() -> None:
    assert observe(BASE, Case(container=None, fault=Fault.NETWORK), {"loader": 0}) == Observed(
        effect=Effect.RUNS_ON
    )


def test_others_that_end_by_themselves_are_told_with_their_exit_codes() -> None:
    behaviours = {
        **WELL,
        "cache": Behaviour(image_present=True, lives=(Life(exits_after_s=30.0, exit_code=4),)),
    }
    recording = replace(well(SHOP.plan, behaviours), struck_at_s=20.0)
    case = Case(container=None, fault=Fault.NETWORK)
    assert observe(recording, case, {"loader": 0}).others_ended == (("cache", 4),)
    assert observe(recording, case, {"loader": 9}).others_ended == (("loader", 0), ("cache", 4))
    assert observe(recording, Case(container="cache", fault=Fault.VOLUME), {"loader": 0}).exit_code == 4


def test_lines_are_lost_that_were_written_and_did_not_arrive() -> None:
    assert Lines(container="web", written=5, arrived=3).lost == 2
    assert Lines(container="web", written=5, arrived=6).lost == 0
    assert Lines(container="web", written=5, arrived=None).lost is None
