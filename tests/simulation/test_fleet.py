"""Many random tasks, each from one seed, in a world where things go wrong, watched by the checkers.

A failure names its seed: `story(SEED).run()` is the whole of it. PILLION_SEEDS=1000:2000 tries others.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pillion.engines.simulated.drive import Outcome, Run, is_blocked
from pillion.testing.checkers import check_run, replay
from simulation.fleet import Story, story

CHUNK = 40
FIXED = range(400)
REGRESSIONS = Path(__file__).parent / "regressions" / "seeds.txt"


def _seeds() -> range:
    first, _, last = os.environ.get("PILLION_SEEDS", "").partition(":")
    return range(int(first), int(last)) if last else FIXED


def _chunks() -> list[range]:
    seeds = _seeds()
    return [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]


def _problems(tale: Story, run: Run) -> list[str]:
    found = [str(violation) for violation in check_run(tale.spec, run.moments)]
    if tale.asks and run.outcome is not Outcome.STOPPED:
        found.append(f"the task was asked to stop and is {run.outcome.name}")
    if run.outcome is Outcome.STUCK and not is_blocked(run.state):
        found.append("the task is stuck and waits for nothing")
    return [f"seed {tale.seed}: {text}" for text in found]


@pytest.mark.parametrize("seeds", _chunks(), ids=str)
def test_random_tasks_keep_the_promises_of_ecs(seeds: range) -> None:
    tales = [story(seed, with_faults=False) for seed in seeds]
    assert [problem for tale in tales for problem in _problems(tale, tale.run())] == []


@pytest.mark.parametrize("seeds", _chunks(), ids=str)
def test_random_tasks_keep_the_promises_of_ecs_when_things_go_wrong(seeds: range) -> None:
    tales = [story(seed) for seed in seeds]
    assert [problem for tale in tales for problem in _problems(tale, tale.run())] == []


@pytest.mark.parametrize(
    "seed",
    [int(line.split()[0]) for line in REGRESSIONS.read_text().splitlines() if line and line[0] != "#"],
)
def test_what_once_went_wrong_stays_right(seed: int) -> None:
    tale = story(seed)
    assert _problems(tale, tale.run()) == []


def test_a_seed_is_a_whole_story() -> None:
    assert [story(seed).run() for seed in range(20)] == [story(seed).run() for seed in range(20)]


def test_the_journal_of_a_run_replays_to_the_same_run() -> None:
    for seed in range(20):
        run = story(seed).run()
        journal = [(moment.at_s, moment.event) for moment in run.moments]
        assert replay(run.spec, journal) == run.moments
