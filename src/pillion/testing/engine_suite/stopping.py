"""Stop, kill, and removal by somebody else."""

from __future__ import annotations

import asyncio

from pillion.core.lifecycle.events import Exited, Vanished
from pillion.testing.bench import Bench, Program, expect
from pillion.testing.engine_suite.check import (
    CLOCKS_DIFFER_S,
    KILLED,
    SERVICE,
    STUBBORN,
    UP,
    Check,
    stage_of,
    until_up,
)


async def a_stop_returns_when_the_process_has_ended(bench: Bench) -> None:
    """The stop signal reaches the process, and its own exit code is told."""
    async with stage_of(bench, web=Program(steps=(UP,), stop_exit_code=9)) as stage:
        await stage.start("web")
        await until_up(stage, "web")
        await stage.task.stop("web", 10.0)
        seen = await stage.task.look("web")
        expect([type(event) for event in seen] == [Exited], f"it has ended when stop returns: {seen}")
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == 9, f"it ended by itself with 9: {exited}")


async def a_stop_kills_when_its_time_is_over(bench: Bench) -> None:
    """Not earlier, and with the exit code of a killed process."""
    async with stage_of(bench, web=STUBBORN) as stage:
        await stage.start("web")
        before_s = bench.clock.now_s()
        await stage.task.stop("web", 2.0)
        took_s = bench.clock.now_s() - before_s
        expect(took_s >= 2.0 - CLOCKS_DIFFER_S, f"it had 2 s, and got {took_s:.3f} s")
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == KILLED, f"it was killed: {exited}")


async def a_kill_does_not_ask(bench: Bench) -> None:
    """A process that ignores the stop signal is gone at once."""
    async with stage_of(bench, web=STUBBORN) as stage:
        await stage.start("web")
        await stage.task.kill("web")
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == KILLED, f"it was killed: {exited}")


async def a_kill_cuts_a_stop_short(bench: Bench) -> None:
    """The second Ctrl-C: both calls return."""
    async with stage_of(bench, web=STUBBORN) as stage:
        await stage.start("web")
        before_s = bench.clock.now_s()
        stopping = asyncio.create_task(stage.task.stop("web", 60.0))
        await asyncio.sleep(0.5)
        await stage.task.kill("web")
        await stopping
        expect(bench.clock.now_s() - before_s < 30.0, "the stop does not wait for its whole time")


async def stopping_what_never_ran_tells_no_exit_code(bench: Bench) -> None:
    """A container that was only made has not exited."""
    async with stage_of(bench, web=SERVICE) as stage:
        await stage.make("web")
        await stage.task.stop("web", 5.0)
        codes = [event.exit_code for event in stage.told(Exited, "web")]
        expect(all(code is None for code in codes), f"it has no exit code: {stage.events}")


async def stopping_twice_is_stopping_once(bench: Bench) -> None:
    """The exit code stays that of the first exit."""
    async with stage_of(bench, web=Program(steps=(UP,), stop_exit_code=9)) as stage:
        await stage.start("web")
        await until_up(stage, "web")
        await stage.task.stop("web", 5.0)
        await stage.task.stop("web", 5.0)
        await stage.task.kill("web")
        await stage.wait_for(Exited, "web")
        codes = {event.exit_code for event in stage.told(Exited, "web")}
        expect(codes == {9}, f"every report of the exit says 9: {stage.events}")


async def containers_stop_at_the_same_time(bench: Bench) -> None:
    """One that takes long does not hold up another."""
    async with stage_of(bench, slow=STUBBORN, quick=Program(steps=(UP,))) as stage:
        await stage.start("slow", "quick")
        await until_up(stage, "quick")
        slow = asyncio.create_task(stage.task.stop("slow", 3.0))
        await stage.task.stop("quick", 3.0)
        expect(not slow.done(), "the quick one has ended first")
        await slow


async def a_container_that_somebody_removes_is_told(bench: Bench) -> None:
    """Gone, not only ended; and to stop it then is no error."""
    async with stage_of(bench, web=SERVICE) as stage:
        await stage.start("web")
        await bench.remove_by_hand(stage.task, "web")
        await stage.wait_for(Vanished, "web")
        expect(await stage.task.look("web") == (Vanished(container="web"),), "an inspection says the same")
        await stage.task.stop("web", 5.0)


CHECKS: tuple[Check, ...] = (
    Check.of(a_stop_returns_when_the_process_has_ended),
    Check.of(a_stop_kills_when_its_time_is_over),
    Check.of(a_kill_does_not_ask),
    Check.of(a_kill_cuts_a_stop_short),
    Check.of(stopping_what_never_ran_tells_no_exit_code),
    Check.of(stopping_twice_is_stopping_once),
    Check.of(containers_stop_at_the_same_time),
    Check.of(a_container_that_somebody_removes_is_told),
)
