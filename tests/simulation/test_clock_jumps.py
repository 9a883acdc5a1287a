"""The wall clock jumps under a task: what waits in a process is not moved, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pillion.core.lifecycle.events import StopRequested
from pillion.core.lifecycle.states import StopCode
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.ports.clock import TimerHandle
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.memory import MemoryJournal
from simulation.test_taking_over import WORLDS, state_of

WORLD = WORLDS["a proxy that is never healthy within its startTimeout"]
START_TIMEOUT_S = 30.0
JUMP_AT_S = 10.0
HOUR_S = 3600.0
PATIENCE_S = 2 * HOUR_S


class JumpingClock:
    """The clock of a machine whose wall clock was set by hand."""

    def __init__(self) -> None:
        self._steady = VirtualClock()
        self.set_by_s = 0.0

    def now_s(self) -> float:
        return self._steady.now_s() + self.set_by_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        return self._steady.call_later(delay_s, callback)


async def ends_after_s(jump_s: float, *, taken_over: bool) -> float:
    """Return how long the task lasts whose clock jumps; it is taken over at that moment, or not."""
    loop = asyncio.get_running_loop()
    clock, journal = JumpingClock(), MemoryJournal()
    engine = SimulatedEngine(WORLD.behaviours, clock=VirtualClock())
    begins_s = loop.time()

    def jump() -> None:
        clock.set_by_s = jump_s
        if taken_over:
            runner.leave()

    runner = TaskRunner(engine.open(WORLD.plan), clock=clock, journal=journal, observer=SilentObserver())
    loop.call_later(JUMP_AT_S, jump)
    await runner.run()
    if taken_over:
        runner = TaskRunner(
            engine.open(WORLD.plan),
            clock=clock,
            journal=journal,
            observer=SilentObserver(),
            taken_over=state_of(WORLD.plan, journal),
        )
        loop.call_later(PATIENCE_S, runner.submit, StopRequested(reason="nobody waits for ever"))
        await runner.run()
    assert runner.state.stop_code is StopCode.TASK_FAILED_TO_START
    return loop.time() - begins_s


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S])
def test_a_jump_moves_no_start_timeout_of_a_process_that_runs(jump_s: float) -> None:
    undisturbed_s = run_in_virtual_time(ends_after_s(0.0, taken_over=False))
    assert run_in_virtual_time(ends_after_s(jump_s, taken_over=False)) == undisturbed_s


def test_a_start_timeout_lasts_its_whole_time_once_more_where_the_clock_went_back_before_a_takeover() -> None:
    lasted_s = run_in_virtual_time(ends_after_s(-HOUR_S, taken_over=True))
    assert lasted_s == pytest.approx(JUMP_AT_S + START_TIMEOUT_S, abs=1.0)


def test_a_start_timeout_is_over_where_the_clock_went_forward_before_a_takeover() -> None:
    lasted_s = run_in_virtual_time(ends_after_s(HOUR_S, taken_over=True))
    assert lasted_s == pytest.approx(JUMP_AT_S, abs=1.0)
