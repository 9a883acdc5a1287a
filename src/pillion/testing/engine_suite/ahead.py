"""What an engine makes of the news that a container will be asked for: nobody hears of it."""

from __future__ import annotations

from pillion.core.lifecycle.events import Exited
from pillion.testing.bench import Ability, Bench, End, Program, SayVariable, expect
from pillion.testing.engine_suite.check import SERVICE, Check, stage_of


async def a_container_that_was_foreseen_is_known_when_it_is_asked_for(bench: Bench) -> None:
    """Before, there is nothing to see and nothing is told; then it lives as any other."""
    async with stage_of(bench, web=Program(steps=(End(code=3),))) as stage:
        await stage.task.make_ahead("web", {})
        expect(await stage.task.look("web") == (), "it is not there before it is asked for")
        made = await stage.make("web")
        expect(made.runtime_id, f"it has an id when it was asked for: {made}")
        await stage.task.start("web", restart=False)
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == 3, f"it ends with 3, not {exited}")


async def a_container_is_made_of_what_it_is_asked_for_with(bench: Bench) -> None:
    """What was true when it was foreseen does not count."""
    program = Program(steps=(SayVariable(name="WHEN"), End(code=0)))
    async with stage_of(bench, web=program) as stage:
        await stage.task.make_ahead("web", {"WHEN": "early"})
        await stage.make("web", {"WHEN": "late"})
        await stage.task.start("web", restart=False)
        lines = [line.message async for line in stage.task.logs("web")]
        expect(lines == ["late"], f"it sees what it was asked for with: {lines}")


async def a_container_that_was_foreseen_and_never_asked_for_leaves_nothing(bench: Bench) -> None:
    """It goes with the rest of the task."""
    async with stage_of(bench, web=SERVICE, other=SERVICE) as stage:
        await stage.task.make_ahead("web", {})
        await stage.start("other")
        await stage.task.clean_up(keep=False)
        left = await bench.left_behind(stage.task)
        expect(not left, f"nothing is left: {left}")


CHECKS: tuple[Check, ...] = (
    Check.of(a_container_that_was_foreseen_is_known_when_it_is_asked_for),
    Check.of(a_container_is_made_of_what_it_is_asked_for_with, Ability.ENVIRONMENT),
    Check.of(a_container_that_was_foreseen_and_never_asked_for_leaves_nothing),
)
