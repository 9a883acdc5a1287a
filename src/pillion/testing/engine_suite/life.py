"""From the image to the exit, and once more."""

from __future__ import annotations

import uuid

from pillion.core.lifecycle.events import Exited, Started
from pillion.core.lifecycle.spec import RestartPolicy
from pillion.testing.bench import Bench, End, Program, Say, Stage, Wait, expect, make_plan
from pillion.testing.engine_suite.check import CLOCKS_DIFFER_S, SERVICE, STAMPS_DIFFER_S, Check, stage_of


async def a_container_is_made_started_and_ends_with_its_exit_code(bench: Bench) -> None:
    """The whole life, and what an inspection says at each point of it."""
    async with stage_of(bench, web=Program(steps=(Wait(for_s=0.2), End(code=3)))) as stage:
        expect(await stage.task.look("web") == (), "there is nothing to see before the container is made")
        made = await stage.make("web")
        expect(made.runtime_id, "a container has an id")
        expect(await stage.task.look("web") == (), "a container that was only made says nothing")
        at_s = await stage.task.start("web", restart=False)
        seen = await stage.task.look("web")
        starts = [event.at_s for event in seen if isinstance(event, Started)]
        same = len(starts) == 1 and abs(starts[0] - at_s) <= STAMPS_DIFFER_S
        expect(same and len(seen) == 1, f"it runs since {at_s}: {seen}")
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == 3, f"it ends with 3, not {exited}")
        expect(
            exited.at_s is not None and exited.at_s >= at_s, f"it ends after its start at {at_s}: {exited}"
        )
        seen = await stage.task.look("web")
        codes = [event.exit_code for event in seen if isinstance(event, Exited)]
        expect(codes == [3], f"an inspection says the same: {seen}")


async def a_start_says_when_the_process_began(bench: Bench) -> None:
    """The time is that of the start, in POSIX seconds, by a clock that is nearly ours."""
    async with stage_of(bench, web=SERVICE) as stage:
        await stage.make("web")
        before_s = bench.clock.now_s()
        at_s = await stage.task.start("web", restart=False)
        after_s = bench.clock.now_s()
        inside = before_s - CLOCKS_DIFFER_S <= at_s <= after_s + CLOCKS_DIFFER_S
        expect(inside, f"{at_s} is not between {before_s} and {after_s}")


async def success_is_told_like_any_other_exit(bench: Bench) -> None:
    """Exit code 0 is an exit code, and not the absence of one."""
    async with stage_of(bench, web=Program(steps=(End(code=0),))) as stage:
        await stage.start("web")
        exited = await stage.wait_for(Exited, "web")
        expect(exited.exit_code == 0, f"it ends with 0: {exited}")


async def one_exit_is_one_exit_however_often_it_is_told(bench: Bench) -> None:
    """An exit may be told again with details, but never with another code, and never as a second exit."""
    async with stage_of(bench, web=Program(steps=(End(code=7),)), other=SERVICE) as stage:
        await stage.start("web", "other")
        await stage.wait_for(Exited, "web")
        await stage.task.stop("other", 5.0)
        await stage.wait_for(Exited, "other")
        told = {(event.exit_code, event.at_s is None) for event in stage.told(Exited, "web")}
        expect(told == {(7, False)}, f"every report of the exit says 7: {stage.events}")


async def starting_what_runs_changes_nothing(bench: Bench) -> None:
    """A start that is asked for twice, as after a lost answer, is one start."""
    async with stage_of(bench, web=SERVICE) as stage:
        first_s = await stage.start("web")
        second_s = await stage.task.start("web", restart=False)
        expect(abs(first_s - second_s) <= STAMPS_DIFFER_S, f"it started at {first_s}, not at {second_s}")
        expect(not stage.told(Exited, "web"), "and it still runs")


async def a_restart_runs_the_same_container_again(bench: Bench) -> None:
    """What a restart policy needs: same container, second exit told like the first."""
    program = Program(steps=(Say(text="hello"), Wait(for_s=0.3), End(code=4)))
    policy = RestartPolicy(attempt_period_s=60.0)
    plan = make_plan(uuid.uuid4().hex, bench.container("web", program), restart=policy)
    async with Stage(bench, plan, {"web": program}) as stage:
        first_s = await stage.start("web")
        first = await stage.wait_for(Exited, "web", lambda event: event.at_s is not None)
        again_s = await stage.task.start("web", restart=True)
        expect(again_s > first_s, f"the second start is later: {first_s}, {again_s}")
        await stage.wait_for(Exited, "web", lambda event: (event.at_s or 0.0) > (first.at_s or 0.0))
        lines = [line.message for line in await stage.output("web")]
        expect(lines == ["hello", "hello"], f"its output goes on where it was: {lines}")


CHECKS: tuple[Check, ...] = (
    Check.of(a_container_is_made_started_and_ends_with_its_exit_code),
    Check.of(a_start_says_when_the_process_began),
    Check.of(success_is_told_like_any_other_exit),
    Check.of(one_exit_is_one_exit_however_often_it_is_told),
    Check.of(starting_what_runs_changes_nothing),
    Check.of(a_restart_runs_the_same_container_again),
)
