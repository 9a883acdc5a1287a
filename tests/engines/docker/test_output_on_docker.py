"""Output on a real engine: complete, in order, after restarts, for terminals, long lines and floods."""

from __future__ import annotations

import time

import pytest

from engines.docker.conftest import Run
from engines.docker.making import plain, task
from pillion.core.lifecycle.events import Exited
from pillion.core.lifecycle.spec import RestartPolicy
from pillion.core.log_position import ReadingMark
from pillion.core.plan.model import LogPlan
from pillion.ports.engine import EngineError

pytestmark = [pytest.mark.docker, pytest.mark.slow]


async def test_both_streams_are_read_to_the_very_end(run: Run) -> None:
    running = await run(task(plain("web", "echo out; echo err >&2; printf 'no end'")))
    await running.start("web")
    lines = await running.lines("web")
    assert sorted((line.stream, line.message) for line in lines) == [
        ("stderr", "err"),
        ("stdout", "no end"),
        ("stdout", "out"),
    ]
    assert all(abs(line.at_s - time.time()) < 10 for line in lines)


async def test_lines_come_while_the_container_runs(run: Run) -> None:
    running = await run(task(plain("web", "echo first; sleep 60")))
    await running.start("web")
    await running.until_said("web", "first")
    assert running.of("web", Exited) == []


async def test_long_lines_are_whole_and_bytes_that_are_no_text_are_replaced(run: Run) -> None:
    script = r"head -c 50000 /dev/zero | tr '\0' x; echo; printf '\377\n'; printf 'a\r\n'"
    running = await run(task(plain("web", script)))
    await running.start("web")
    assert await running.output("web") == ["x" * 50_000, "�", "a"]


async def test_a_terminals_output_is_read_too(run: Run) -> None:
    running = await run(task(plain("web", "echo one; echo two >&2", tty=True)))
    await running.start("web")
    lines = await running.lines("web")
    assert [(line.stream, line.message) for line in lines] == [("stdout", "one"), ("stdout", "two")]


async def test_output_goes_on_after_restarts_and_nothing_comes_twice(run: Run) -> None:
    running = await run(task(plain("web", "echo run; exit 1"), restart=RestartPolicy()))
    await running.start("web")
    mark, found = ReadingMark(), list[str]()
    for count in (1, 2, 3):
        async for line in running.task.logs("web", after=mark.position):
            mark.add(line.stamp)
            found.append(line.message)
        await running.wait("web", Exited, count=count)
        assert found == ["run"] * count
        await running.task.start("web", restart=True)


async def test_output_that_began_before_anyone_read_is_not_lost(run: Run) -> None:
    running = await run(task(plain("web", "seq 1 5")))
    await running.start("web")
    await running.wait("web", Exited)
    assert await running.output("web") == ["1", "2", "3", "4", "5"]


async def test_a_flood_is_complete_and_in_order(run: Run) -> None:
    count = 200_000
    running = await run(task(plain("web", f"seq 1 {count}")))
    await running.start("web")
    output = await running.output("web")
    assert output == [str(number) for number in range(1, count + 1)]


async def test_an_engine_that_keeps_no_output_says_so(run: Run) -> None:
    running = await run(task(plain("web", "echo hi", log=LogPlan(driver="none"))))
    await running.start("web")
    with pytest.raises(EngineError, match="does not support reading"):
        await running.output("web")
