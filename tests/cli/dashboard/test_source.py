"""What the dashboard knows, out of a state folder that another process writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from pillion.cli.dashboard import source as sources
from pillion.cli.dashboard.source import Board, StateFolderSource
from pillion.control.claims import Claim
from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.sample import Sample
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.ports.engine import EngineUnreachableError, LogLine
from pillion.stores.output.files import output_path
from pillion.stores.output.reader import OutputReader
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore
from tasks.test_looking import BUSY, prepared, runner_of


def names(board: Board) -> list[tuple[str, str]]:
    return [(task.watched.identity.family, task.status) for task in board.tasks]


class Away:
    """An engine that does not answer."""

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        raise EngineUnreachableError(f"No engine answers for {len(runtime_ids)} containers.\n  Start it.")


def test_running_tasks_stand_above_those_that_have_ended_and_show_what_they_use(tmp_path: Path) -> None:
    async def live() -> None:
        clock = VirtualClock()
        engine = SimulatedEngine({"app": BUSY}, clock=clock)
        store = SqliteStore(tmp_path)
        runners = [runner_of(engine, store, clock, prepared(name)) for name in ("old", "shop", "crm")]
        jobs = [asyncio.create_task(item.run()) for item in runners]
        await asyncio.sleep(5)
        runners[0].submit(ev.StopRequested())
        old = await jobs[0]
        store.end(old.spec.task_arn.rpartition("/")[2], {"lastStatus": "STOPPED"}, clock.now_s(), keep_s=60)
        with StateFolderSource(tmp_path, engine) as source:
            await source.look()
            await asyncio.sleep(5)
            board = await source.look()
            assert names(board) == [("crm", "RUNNING"), ("shop", "RUNNING"), ("old", "STOPPED")]
            assert board.tasks[0].container("app").cpu_percent is not None
            assert board.trouble == ""
            task_id = board.tasks[0].watched.identity.task_id
            assert board.unsupervised == {item.watched.identity.task_id for item in board.tasks[:2]}
            assert await source.stop(task_id) == "nobody supervises this task: pillion serve takes it over"
            assert f"task {task_id[:8]} (crm:1) is RUNNING" in source.why(task_id)
            assert source.why("nothing").startswith("pillion knows no task nothing")
        for runner in runners[1:]:
            runner.submit(ev.KillRequested())
        await asyncio.gather(*jobs)
        store.close()

    run_in_virtual_time(live())


def test_journals_are_shown_where_the_engine_does_not_answer(tmp_path: Path) -> None:
    async def live() -> None:
        clock = VirtualClock()
        store = SqliteStore(tmp_path)
        runner = runner_of(SimulatedEngine({"app": BUSY}, clock=clock), store, clock, prepared("shop"))
        job = asyncio.create_task(runner.run())
        await asyncio.sleep(5)
        with StateFolderSource(tmp_path, Away()) as source:
            board = await source.look()
        assert names(board) == [("shop", "RUNNING")]
        assert board.trouble == "no figures: No engine answers for 1 containers."
        runner.submit(ev.KillRequested())
        await job
        store.close()

    run_in_virtual_time(live())


async def test_who_supervises_a_task_and_does_not_answer_is_named(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.begin("abc", {"definition": {"family": "web"}}, 1.0, owner="abc")
    with Claim(tmp_path, "abc") as claim, StateFolderSource(tmp_path, Away()) as source:
        claim.listener.close()
        said = await source.stop("abc")
    store.close()
    assert "is gone; the tasks that it supervised go on without it" in said


def line(number: int) -> LogLine:
    return LogLine(container="app", stream="stdout", message=f"line {number}", at_s=float(number))


async def test_of_long_output_the_end_is_read_and_then_what_comes(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path, "abc", trouble=print)
    for number in range(100):
        writer.add(line(number))
    writer.flush()
    size = output_path(tmp_path, "abc").stat().st_size
    reader = OutputReader(tmp_path, "abc", last_bytes=size // 10)
    found = [item.message for item in reader.read_new() if isinstance(item, LogLine)]
    assert found == [f"line {number}" for number in range(100 - len(found), 100)]
    assert 8 <= len(found) <= 10
    writer.add(line(100))
    writer.close()
    assert [item.message for item in reader.read_new() if isinstance(item, LogLine)] == ["line 100"]
    reader.close()


async def test_the_end_of_output_may_begin_in_the_older_file(tmp_path: Path) -> None:
    path = output_path(tmp_path, "abc")
    for name, numbers in ((f"{path.name}.1", range(10)), (path.name, range(10, 12))):
        writer = OutputWriter(tmp_path, "abc", trouble=print)
        for number in numbers:
            writer.add(line(number))
        writer.close()
        path.rename(path.with_name(name))
    newest = path.stat().st_size
    for last_bytes, first in ((newest // 2 + 5, 11), (newest * 2, 8), (newest * 100, 0)):
        reader = OutputReader(tmp_path, "abc", last_bytes=last_bytes)
        found = [item.message for item in reader.read_new() if isinstance(item, LogLine)]
        assert found == [f"line {number}" for number in range(first, 12)]
        reader.close()


async def test_output_of_a_task_is_kept_in_bounds(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path, "abc", trouble=print)
    for number in range(sources.LINES_MAX + 5):
        writer.add(line(number))
    writer.close()
    with StateFolderSource(tmp_path, Away()) as source:
        output = source.output("abc")
        assert len(output.read_new()) == sources.LINES_MAX + 5
        assert output.lines[0].message == "line 5"
        assert output.read_new() == []
        output.close()
