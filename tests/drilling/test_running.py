from __future__ import annotations

import pytest
from msgspec.structs import replace

from drilling.definitions import SHOP, WELL, well
from pillion.drilling.asking import Question
from pillion.drilling.recording import Answer, Recording
from pillion.drilling.running import why_not_well
from pillion.engines.simulated.behaviour import Behaviour, Life

FINE = well(SHOP.plan, WELL)
UNDECIDED = "it is not RUNNING with every health check decided in time"
QUESTION = Question(url="http://localhost:8080/", port=8080)


def behaving(**behaviours: Life) -> Recording:
    lives = {name: Behaviour(image_present=True, lives=(life,)) for name, life in behaviours.items()}
    return well(SHOP.plan, {**WELL, **lives})


def test_a_task_that_runs_is_well() -> None:
    assert why_not_well(FINE, None) is None


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (behaving(web=Life(exits_after_s=2.0)), "it stopped by itself: Essential container in task exited"),
        (behaving(loader=Life(exits_after_s=1.0, exit_code=3)), "it stopped by itself: Task failed to start"),
        (
            behaving(cache=Life(healthy_after_s=None)),
            f"{UNDECIDED}: web waits for cache to be HEALTHY, which is UNHEALTHY after 2 failed probes",
        ),
    ],
)
def test_any_other_is_not_and_the_reason_is_said(recording: Recording, reason: str) -> None:
    assert why_not_well(recording, None) == reason


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((), "http://localhost:8080/ does not answer: nobody listens there"),
        (
            (Answer(at_s=1.0, took_s=0.0, status=None, error="refused"),),
            "http://localhost:8080/ does not answer: refused",
        ),
        (
            (Answer(at_s=1.0, took_s=0.0, status=500),),
            "http://localhost:8080/ does not answer: status 500",
        ),
        ((Answer(at_s=1.0, took_s=0.0, status=200),), None),
    ],
)
def test_neither_is_one_whose_url_never_answers(answers: tuple[Answer, ...], reason: str | None) -> None:
    assert why_not_well(replace(FINE, answers=answers), QUESTION) == reason
