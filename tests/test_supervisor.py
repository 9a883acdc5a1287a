"""The tasks of one server on the simulated engine: begun, left, taken over, and told apart from others'."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pillion.aws.settings import AwsMode, AwsSettings
from pillion.control.claims import Claim
from pillion.core.describe import exit_code_of
from pillion.core.lifecycle.commands import Report, ReportTask
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import StopCode
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.history import remember
from pillion.ports.control import ControlError, UnknownTaskError
from pillion.ports.engine import Capabilities, EngineUnreachableError
from pillion.ports.store import StoreError
from pillion.preparing import PreparedTask, prepare_task
from pillion.requests import encode_request
from pillion.run_settings import AwsSource, RunSettings
from pillion.runtime.clock import SystemClock
from pillion.runtime.observer import SilentObserver
from pillion.stores.sqlite import SqliteJournal, SqliteStore
from pillion.supervisor import Supervisor

pytestmark = pytest.mark.slow  # in real time: threads and sockets do not wait for a virtual clock

SERVES = Behaviour(pull_s=0.0, lives=(Life(stops_after_s=0.0),))
ENDS = Behaviour(pull_s=0.0, lives=(Life(exits_after_s=0.5, exit_code=3),))


class Running(SilentObserver):
    """Says when a task runs."""

    def __init__(self) -> None:
        self.runs = asyncio.Event()

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        if isinstance(report, ReportTask) and report.last_status == "RUNNING":
            self.runs.set()


class Machine:
    """A state folder and a simulated engine that outlive every server on them."""

    def __init__(self, folder: Path, web: Behaviour = SERVES) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.engine = SimulatedEngine({"web": web, "side": SERVES}, clock=self.clock)
        self.said: list[str] = []
        self._observers: defaultdict[str, Running] = defaultdict(Running)

    async def begin(self, server: Supervisor, **changes: Any) -> str:
        """Begin a task; return its id when it runs."""
        task_id = (await server.submit(self.request(**changes))).task_id
        await self._observers[task_id].runs.wait()
        return task_id

    @asynccontextmanager
    async def server(self, **changes: Any) -> AsyncIterator[Supervisor]:
        """Return a server; leaving the context ends it as SIGTERM does."""
        with Claim(self.folder, "serve") as claim:
            store = SqliteStore(self.folder)
            made = Supervisor(
                state_folder=self.folder,
                store=store,
                owner=claim.name,
                clock=self.clock,
                observer=lambda task_id, family: self._observers[task_id],
                say=self.said.append,
                make_engine=changes.get("make_engine", lambda host: self.engine),
            )
            try:
                yield made
            finally:
                await made.leave()
                store.close()

    def settings(self, **changes: Any) -> RunSettings:
        source = AwsSource(folder=str(self.folder), endpoint="none")
        return RunSettings(
            state_folder=self.folder,
            aws=AwsSettings(mode=AwsMode.NONE),
            aws_source=source,
            keep_history_s=3600.0,
            **changes,
        )

    def request(self, **changes: Any) -> dict[str, Any]:
        return encode_request(prepared(), self.settings(**changes), source=None)


def prepared() -> PreparedTask:
    parsed = parse_task_definition(
        {
            "family": "shop",
            "networkMode": "bridge",
            "containerDefinitions": [
                {"name": "web", "image": "web:1", "memory": 64},
                {"name": "side", "image": "side:1", "memory": 64, "essential": False},
            ],
        }
    )
    assert parsed.definition is not None
    return prepare_task(parsed.definition, None, RunOptions(), cluster="default")


async def test_a_task_is_begun_waited_for_and_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        accepted = await server.submit(machine.request())
        assert server.desk.tasks() == (accepted.task_id,)
        assert accepted.engine == "simulated 1"
        end = await server.desk.ended(accepted.task_id)
        assert (end.exit_code, end.task["stopCode"]) == (3, "EssentialContainerExited")
        assert server.desk.tasks() == ()
        with pytest.raises(UnknownTaskError):
            server.desk.stop(accepted.task_id, None)


async def test_a_task_that_a_server_left_is_taken_over_by_the_next_and_comes_to_its_end(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
        waiting = asyncio.create_task(server.desk.ended(task_id))
    with pytest.raises(ControlError, match="has left it"):
        await waiting
    store = SqliteStore(tmp_path)
    (stored,) = store.tasks()
    assert remember(store, stored).is_abandoned
    async with machine.server() as server:
        assert server.adopt_left() == (task_id,)
        assert server.adopt_left() == ()
        end = await server.desk.ended(task_id)
    assert (end.exit_code, end.task["stopCode"]) == (3, StopCode.ESSENTIAL_CONTAINER_EXITED.value)
    (stored,) = store.tasks()
    assert stored.ended_at_s is not None
    assert [text.rpartition(" in ")[0] for text in machine.said] == ["1 task was taken over"]
    store.close()


async def test_a_stop_with_a_reason_goes_to_its_task_only(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        first, second = [await machine.begin(server) for _ in range(2)]
        server.desk.stop(first, "a new one comes")
        end = await server.desk.ended(first)
        assert (end.exit_code, end.task["stoppedReason"]) == (0, "a new one comes")
        assert server.desk.tasks() == (second,)


async def test_tasks_of_a_process_that_lives_are_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        await machine.begin(server)
    store = SqliteStore(tmp_path)
    (stored,) = store.tasks()
    with Claim(tmp_path, stored.task_id):
        store.take_over(stored.task_id, owner=stored.task_id)
        async with machine.server() as server:
            assert server.adopt_left() == ()
    async with machine.server() as server:
        assert server.adopt_left() == (stored.task_id,)
    store.close()


async def test_a_promise_to_stop_counts_the_time_that_nobody_watched(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        task_id = await machine.begin(server, stop_after_s=0.4)
    async with machine.server() as server:
        server.adopt_left()
        end = await server.desk.ended(task_id)
    assert end.task["stopCode"] == "UserInitiated"
    assert 0.3 < end.task["stoppingAt"] - end.task["startedAt"] < 10


class Absent(SimulatedEngine):
    """An engine that answers from its third question on."""

    def __init__(self, inner: SimulatedEngine) -> None:
        super().__init__(clock=SystemClock())
        self.asked = 0
        self.open = inner.open  # type: ignore[method-assign] # the tasks are those of the other one

    async def capabilities(self) -> Capabilities:
        self.asked += 1
        if self.asked < 3:
            raise EngineUnreachableError("nobody there")
        return await super().capabilities()


async def test_an_engine_that_is_away_refuses_a_new_task_and_is_waited_for_by_one_that_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.supervisor.RETRY_S", 0.01)
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
    away = Absent(machine.engine)
    async with machine.server(make_engine=lambda host: away) as server:
        server.adopt_left()
        with pytest.raises(ControlError, match="nobody there"):
            await server.submit(machine.request())
        assert (await server.desk.ended(task_id)).exit_code == 3
    assert [text for text in machine.said if "waits for its engine" in text] == [
        f"task {task_id} waits for its engine: nobody there"
    ]


def no_room(*_: object, **__: object) -> None:
    raise StoreError("disk is full")


async def test_a_task_that_the_journal_cannot_take_is_refused_before_anything_of_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        monkeypatch.setattr(SqliteStore, "begin", no_room)
        with pytest.raises(ControlError, match="disk is full"):
            await server.submit(machine.request())
        assert server.desk.tasks() == ()


async def test_the_end_that_a_full_disk_did_not_take_is_kept_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
        with monkeypatch.context() as full:
            full.setattr(SqliteStore, "append", no_room)
            full.setattr(SqliteStore, "end", no_room)
            end = await server.desk.ended(task_id)
            assert (end.exit_code, server.adopt_left()) == (3, ())
        assert server.adopt_left() == ()
    store = SqliteStore(tmp_path)
    (stored,) = store.tasks()
    assert stored.result == end.task
    assert exit_code_of(remember(store, stored).state) == 3
    store.close()


async def test_a_task_that_was_left_waits_until_its_journal_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.supervisor.RETRY_S", 0.01)
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
    room = asyncio.Event()
    take_over = SqliteStore.take_over

    def full_once(store: SqliteStore, task_id: str, *, owner: str) -> SqliteJournal:
        if room.is_set():
            return take_over(store, task_id, owner=owner)
        room.set()
        raise StoreError("disk is full")

    monkeypatch.setattr(SqliteStore, "take_over", full_once)
    async with machine.server() as server:
        server.adopt_left()
        assert (await server.desk.ended(task_id)).exit_code == 3
    assert f"task {task_id} waits for its journal: disk is full" in machine.said


async def test_a_task_of_an_early_pillion_is_said_and_passed_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    store = SqliteStore(tmp_path)
    definition = encode_request(prepared(), machine.settings(), source=None)["definition"]
    store.begin("old", {"definition": definition}, 1.0)
    async with machine.server() as server:
        assert server.adopt_left() == ()
        assert server.adopt_left() == ()
    assert machine.said == [
        "task old cannot be taken over: it was begun by an early pillion, which noted too little of it"
    ]
    store.close()


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"plan": None}, "plan has to be a JSON object"), ({"definition": {}}, "there is no definition in it")],
)
async def test_a_request_that_cannot_be_read_is_refused(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        with pytest.raises(ControlError, match=text):
            await server.submit({**machine.request(), **changes})


async def test_a_server_without_tasks_is_idle_after_its_time_and_not_before(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
        idle = asyncio.create_task(server.wait_idle_for(0.1))
        await server.desk.ended(task_id)
        assert not idle.done()
        await idle
