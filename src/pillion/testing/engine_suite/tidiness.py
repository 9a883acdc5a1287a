"""Events that wait, tasks that do not mix, and clean-up."""

from __future__ import annotations

import asyncio

from pillion.core.lifecycle.events import Exited
from pillion.testing.bench import Bench, End, Program, Wait, expect
from pillion.testing.engine_suite.check import SERVICE, STUBBORN, Check, stage_of


async def events_are_kept_while_nobody_listens(bench: Bench) -> None:
    """A listener that goes away and comes back has missed nothing."""
    async with stage_of(bench, web=Program(steps=(Wait(for_s=0.5), End(code=5)))) as stage:
        await stage.make("web")
        await stage.stop_listening()
        await stage.task.start("web", restart=False)
        await asyncio.sleep(1.5)
        expect(not stage.told(Exited, "web"), "nobody has listened")
        stage.listen_again()
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == 5, f"the exit is told afterwards: {exited}")


async def tasks_hear_only_of_themselves(bench: Bench) -> None:
    """Two tasks with containers of the same names."""
    quick = Program(steps=(End(code=6),))
    async with stage_of(bench, web=quick) as one, stage_of(bench, web=SERVICE) as other:
        await other.start("web")
        await one.start("web")
        await one.wait_for(Exited, "web")
        expect(not other.told(Exited, "web"), f"the other one still runs: {other.events}")


async def clean_up_removes_everything_in_whatever_state(bench: Bench) -> None:
    """Made, running, ended: all of it goes; and a second time there is nothing to do."""
    programs = {"made": SERVICE, "running": STUBBORN, "ended": Program(steps=(End(code=0),))}
    async with stage_of(bench, **programs) as stage:
        await stage.make("made")
        await stage.start("running", "ended")
        await stage.wait_for(Exited, "ended")
        await stage.task.clean_up(keep=False)
        left = await bench.left_behind(stage.task)
        expect(not left, f"nothing is left: {left}")
        await stage.task.clean_up(keep=False)


async def clean_up_before_anything_was_made_is_fine(bench: Bench) -> None:
    """A task that failed before it began."""
    async with stage_of(bench, web=SERVICE) as stage:
        await stage.task.clean_up(keep=False)


async def the_engine_says_what_it_is(bench: Bench) -> None:
    """A name and a version, for people and for bug reports."""
    engine = bench.engine({})
    capabilities = await engine.capabilities()
    await engine.close()
    expect(capabilities.name and capabilities.version, f"both are there: {capabilities}")


CHECKS: tuple[Check, ...] = (
    Check.of(events_are_kept_while_nobody_listens),
    Check.of(tasks_hear_only_of_themselves),
    Check.of(clean_up_removes_everything_in_whatever_state),
    Check.of(clean_up_before_anything_was_made_is_fine),
    Check.of(the_engine_says_what_it_is),
)
