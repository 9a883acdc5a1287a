"""What containers write, complete and in order."""

from __future__ import annotations

import asyncio

from pillion.core.lifecycle.events import Exited
from pillion.core.log_position import WINDOW_LINES, ReadingMark
from pillion.ports.engine import LogLine
from pillion.testing.bench import PATIENCE_S, Bench, End, Program, Say, ToDo, Wait, expect
from pillion.testing.engine_suite.check import Check, stage_of


async def output_comes_complete_and_in_order(bench: Bench) -> None:
    """Each stream for itself, while the container runs and to its very last line."""
    texts = [f"line {number}" for number in range(200)]
    steps: tuple[ToDo, ...] = (
        *(Say(text=text) for text in texts),
        Say(text="trouble", stream="stderr"),
        End(code=0),
    )
    async with stage_of(bench, web=Program(steps=steps)) as stage:
        await stage.start("web")
        lines = await stage.output("web")
        out = [line.message for line in lines if line.stream == "stdout"]
        err = [line.message for line in lines if line.stream == "stderr"]
        expect(out == texts, f"200 lines in order, not {len(out)}: {out[:3]} … {out[-3:]}")
        expect(err == ["trouble"], f"stderr is told apart: {err}")
        times = [line.at_s for line in lines if line.stream == "stdout"]
        expect(times == sorted(times), "times of one stream go forward")


async def output_of_a_container_that_has_ended_can_still_be_read(bench: Bench) -> None:
    """Whoever asks late gets all of it."""
    async with stage_of(
        bench, web=Program(steps=(Say(text="first"), Say(text="last"), End(code=1)))
    ) as stage:
        await stage.start("web")
        await stage.wait_for(Exited, "web")
        lines = [line.message for line in await stage.output("web")]
        expect(lines == ["first", "last"], f"both lines are there: {lines}")


async def output_is_followed_while_it_is_written(bench: Bench) -> None:
    """A line is told when it is written, not when the container ends."""
    program = Program(steps=(Say(text="now"), Wait(for_s=60.0)))
    async with stage_of(bench, web=program) as stage:
        await stage.start("web")
        async with asyncio.timeout(10.0):
            first = await anext(aiter(stage.task.logs("web")))
        expect(first.message == "now", f"the first line comes at once: {first}")
        expect(not stage.told(Exited, "web"), "and the container still runs")


async def output_goes_on_behind_the_place_where_a_reader_stopped(bench: Bench) -> None:
    """Whoever takes the task over reads what came meanwhile and what comes, each line once."""
    texts = [f"line {number}" for number in range(2 * WINDOW_LINES)]
    steps: tuple[ToDo, ...] = (
        *(Say(text=text) for text in texts),
        Wait(for_s=0.5),  # two streams that are written at once may be stamped far out of order
        Say(text="aside", stream="stderr"),
        Wait(for_s=1.0),
        Say(text="late"),
        End(code=0),
    )
    async with stage_of(bench, web=Program(steps=steps)) as stage:
        await stage.start("web")
        mark = ReadingMark()
        before: list[LogLine] = []
        async with asyncio.timeout(PATIENCE_S):
            async for line in stage.task.logs("web"):
                before.append(line)
                mark.add(line.stamp)
                if len(before) == len(texts) - 3:
                    break
            after = [line async for line in stage.task.logs("web", after=mark.position)]
        found = [line.message for line in (*before, *after) if line.stream == "stdout"]
        expect(found == [*texts, "late"], f"all lines once, in order, not {len(found)}: … {found[-8:]}")
        aside = [line.message for line in (*before, *after) if line.stream == "stderr"]
        expect(aside == ["aside"], f"the other stream, too: {aside}")


CHECKS: tuple[Check, ...] = (
    Check.of(output_comes_complete_and_in_order),
    Check.of(output_of_a_container_that_has_ended_can_still_be_read),
    Check.of(output_is_followed_while_it_is_written),
    Check.of(output_goes_on_behind_the_place_where_a_reader_stopped),
)
