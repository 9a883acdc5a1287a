"""A task that another process began: it goes on, and what happened in between can be seen."""

from __future__ import annotations

import uuid

from pillion.core.lifecycle.events import Exited, Started, Vanished
from pillion.core.lifecycle.spec import RestartPolicy
from pillion.core.log_position import ReadingMark
from pillion.testing.bench import Ability, Bench, End, Program, Say, Stage, Wait, expect, make_plan
from pillion.testing.engine_suite.check import SERVICE, STAMPS_DIFFER_S, Check, stage_of


async def a_container_that_runs_is_taken_over_and_stopped(bench: Bench) -> None:
    """It runs since it was started, its end is told, and it can be stopped."""
    async with stage_of(bench, web=SERVICE, other=Program(steps=(Wait(for_s=3.0), End(code=4)))) as stage:
        made = {name: (await stage.make(name)).runtime_id for name in ("web", "other")}
        at_s = await stage.task.start("web", restart=False)
        await stage.task.start("other", restart=False)
        await stage.hand_over(made)
        seen = await stage.task.look("web")
        starts = [event.at_s for event in seen if isinstance(event, Started)]
        same = len(starts) == 1 and abs(starts[0] - at_s) <= STAMPS_DIFFER_S
        expect(same, f"it runs since {at_s}: {seen}")
        exited = await stage.wait_for(Exited, "other")
        expect(exited.exit_code == 4, f"an end after that is told: {exited}")
        await stage.task.stop("web", 5.0)
        await stage.wait_for(Exited, "web")


async def an_end_that_nobody_saw_can_be_looked_at(bench: Bench) -> None:
    """What happened while no process supervised the task is not told, but there to be seen."""
    async with stage_of(bench, web=Program(steps=(Wait(for_s=0.2), End(code=9)))) as stage:
        made = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        await stage.wait_for(Exited, "web")
        await stage.hand_over({"web": made})
        codes = [event.exit_code for event in await stage.task.look("web") if isinstance(event, Exited)]
        expect(codes == [9], f"the inspection says so: {codes}")
        expect(not stage.events, f"and nothing is told again: {stage.events}")


async def a_container_that_is_not_there_any_more_has_vanished(bench: Bench) -> None:
    """Also to somebody who never saw it."""
    async with stage_of(bench, web=SERVICE) as stage:
        made = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        await bench.remove_by_hand(stage.task, "web")
        await stage.hand_over({"web": made})
        seen = await stage.task.look("web")
        expect(seen == (Vanished(container="web"),), f"it is gone: {seen}")


async def a_container_that_was_only_made_is_started_by_who_took_over(bench: Bench) -> None:
    """Making it again, as after an answer that was lost, finds the same one."""
    async with stage_of(bench, web=SERVICE) as stage:
        made = (await stage.make("web")).runtime_id
        await stage.hand_over({})
        again = await stage.make("web")
        expect(again.runtime_id == made, f"the same container: {made}, {again.runtime_id}")
        expect(await stage.task.look("web") == (), "which has not been started")
        await stage.task.start("web", restart=False)
        expect(len(await stage.task.look("web")) == 1, "and now runs")


async def a_container_is_made_by_who_took_over(bench: Bench) -> None:
    """Its image was had here by the process before; also the image of a pause container."""
    plan = make_plan(uuid.uuid4().hex, bench.holder("holder"), bench.container("web", SERVICE))
    async with Stage(bench, plan, {"web": SERVICE}) as stage:
        for name in ("holder", "web"):
            await stage.task.resolve_manifest(name)
            await stage.task.pull(name, lambda: None, lambda progress: None)
        await stage.hand_over({})
        made = [await stage.task.create(name, {}) for name in ("holder", "web")]
        expect(all(item.runtime_id for item in made), f"both are made: {made}")


async def a_container_is_restarted_by_who_took_over(bench: Bench) -> None:
    """A restart policy goes on, and so does the output."""
    program = Program(steps=(Say(text="hello"), Wait(for_s=0.3), End(code=4)))
    plan = make_plan(uuid.uuid4().hex, bench.container("web", program), restart=RestartPolicy())
    async with Stage(bench, plan, {"web": program}) as stage:
        made = (await stage.make("web")).runtime_id
        await stage.task.start("web", restart=False)
        first = await stage.wait_for(Exited, "web", lambda event: event.at_s is not None)
        await stage.hand_over({"web": made})
        before = await stage.output("web")
        await stage.task.start("web", restart=True)
        await stage.wait_for(Exited, "web", lambda event: (event.at_s or 0.0) > (first.at_s or 0.0))
        mark = ReadingMark()
        mark.add_all([line.stamp for line in before])
        after = await stage.output("web", after=mark.position)
        lines = [line.message for line in before], [line.message for line in after]
        expect(lines == (["hello"], ["hello"]), f"its output is that of both: {lines}")


CHECKS: tuple[Check, ...] = (
    Check.of(a_container_that_runs_is_taken_over_and_stopped),
    Check.of(an_end_that_nobody_saw_can_be_looked_at),
    Check.of(a_container_that_is_not_there_any_more_has_vanished),
    Check.of(a_container_that_was_only_made_is_started_by_who_took_over),
    Check.of(a_container_is_made_by_who_took_over, Ability.NETWORK),
    Check.of(a_container_is_restarted_by_who_took_over),
)
