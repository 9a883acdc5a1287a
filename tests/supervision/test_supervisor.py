"""The tasks of one server on the simulated engine: begun, left, taken over, and told apart from others'."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engines.docker.fake_engine import until
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.control.claims import Claim
from pillion.core.describe import exit_code_of
from pillion.core.lifecycle.commands import Report, ReportTask
from pillion.core.lifecycle.events import Event, StopRequested
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import StopCode
from pillion.core.plan.model import TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine, SimulatedTask
from pillion.ports.clock import TimerHandle
from pillion.ports.control import ControlError, UnknownTaskError
from pillion.ports.engine import Capabilities, EngineUnreachableError
from pillion.ports.store import StoreError
from pillion.preparing import PreparedTask, prepare_task
from pillion.run_settings import AwsSource, RunSettings
from pillion.runtime.clock import SystemClock
from pillion.runtime.observer import SilentObserver
from pillion.stores.sqlite import SqliteJournal, SqliteStore
from pillion.supervision.requests import encode_request
from pillion.supervision.supervisor import Supervisor
from pillion.tasks.history import remember

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


class ShiftedClock(SystemClock):
    """The real clock, put forward: for a time that passes while nobody is there, and that no test awaits."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.delays_s: list[float] = []

    def now_s(self) -> float:
        return super().now_s() + self.ahead_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        self.delays_s.append(delay_s)
        return super().call_later(delay_s, callback)


class Machine:
    """A state folder and a simulated engine that outlive every server on them."""

    def __init__(self, folder: Path, web: Behaviour = SERVES) -> None:
        self.folder = folder
        self.clock = ShiftedClock()
        self.engine = SimulatedEngine({"web": web, "side": SERVES}, clock=self.clock)
        self.said: list[str] = []
        self._observers: defaultdict[str, Running] = defaultdict(Running)

    async def begin(
        self, server: Supervisor, *, request: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Begin a task; return its id when it runs."""
        task_id = (await server.submit(request or self.request(**changes))).task_id
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


def prepared(**side: Any) -> PreparedTask:
    parsed = parse_task_definition(
        {
            "family": "shop",
            "networkMode": "bridge",
            "containerDefinitions": [
                {"name": "web", "image": "web:1", "memory": 64},
                {"name": "side", "image": "side:1", "memory": 64, "essential": False, **side},
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
        task_id = await machine.begin(server, stop_after_s=3600)
    machine.clock.ahead_s = 1800
    async with machine.server() as server:
        server.adopt_left()
        await until(lambda: any(1200 < delay_s < 1800 for delay_s in machine.clock.delays_s))
    machine.clock.ahead_s = 3600
    async with machine.server() as server:
        server.adopt_left()
        end = await server.desk.ended(task_id)
    assert end.task["stopCode"] == "UserInitiated"
    assert end.task["stoppingAt"] - end.task["createdAt"] >= 3600


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
    monkeypatch.setattr("pillion.supervision.supervisor.RETRY_S", 0.01)
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


async def test_an_engine_that_is_on_its_way_back_when_a_task_is_over_is_waited_for_to_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.runtime.patience.PAUSE_S", 0.0)
    real, tries = SimulatedTask.clean_up, list[SimulatedTask]()

    async def clean_up(self: SimulatedTask, *, keep: bool) -> None:
        if not keep:
            tries.append(self)
            if len(tries) < 3:
                raise EngineUnreachableError("it restarts")
        await real(self, keep=keep)

    monkeypatch.setattr(SimulatedTask, "clean_up", clean_up)
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
        assert (await server.desk.ended(task_id)).exit_code == 3
    assert len(tries) == 3
    assert tries[-1].containers_left() == ()


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
    monkeypatch.setattr("pillion.supervision.supervisor.RETRY_S", 0.01)
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


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Return a folder with a path that is short enough for a router's socket."""
    with tempfile.TemporaryDirectory(prefix="pillion-") as made:
        yield Path(made)


async def test_files_of_a_router_that_runs_stay_while_its_task_cannot_be_taken_over(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(short_folder)
    router = encode_request(
        prepared(firelensConfiguration={"type": "fluentbit"}), machine.settings(), source=None
    )
    async with machine.server() as server:
        task_id = await machine.begin(server, request=router)
    folder = short_folder / "firelens"
    files = sorted(folder.rglob("*"))
    assert files
    with monkeypatch.context() as full:
        full.setattr(SqliteStore, "take_over", no_room)
        async with machine.server() as server:
            server.adopt_left()
            await until(lambda: machine.said)
    assert sorted(folder.rglob("*")) == files
    async with machine.server() as server:
        server.adopt_left()
        server.desk.stop(task_id, None)
        await server.desk.ended(task_id)
    assert list(folder.iterdir()) == []


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


async def test_a_server_that_is_about_to_end_takes_no_task_that_it_would_leave_at_once(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        await server.wait_idle_for(0.01)
        with pytest.raises(ControlError, match="about to end"):
            await server.submit(machine.request())
        assert server.desk.tasks() == ()


GONE = ModuleNotFoundError("No module named 'pillion.engines'")


def removed(*_: object) -> SimulatedEngine:
    """Connect to an engine as a pillion whose files were removed."""
    raise GONE


async def test_a_new_task_that_fails_for_what_nobody_foresaw_is_refused_and_keeps_nobody_busy(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    async with machine.server(make_engine=removed) as server:
        async with asyncio.timeout(5):
            with pytest.raises(ControlError, match="cannot be begun: ModuleNotFoundError: No module named"):
                await server.submit(machine.request())
        assert server.desk.tasks() == ()
        await server.wait_idle_for(0.01)
        assert await server.leave() == 0
    assert len(machine.said) == 1


async def test_a_task_that_fails_for_what_nobody_foresaw_is_told_of_and_left_as_it_is(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        task_id = await machine.begin(server)
    async with machine.server(make_engine=removed) as server:
        assert server.adopt_left() == (task_id,)
        with pytest.raises(ControlError, match="is not supervised any more: ModuleNotFoundError"):
            await server.desk.ended(task_id)
        assert server.adopt_left() == ()  # it would only fail again
        await server.wait_idle_for(0.01)
    async with machine.server() as server:
        assert server.adopt_left() == (task_id,)
        server.desk.stop(task_id, None)
        assert (await server.desk.ended(task_id)).exit_code == 0


class Deaf(SimulatedEngine):
    """An engine whose events cannot be read, for one reason or another."""

    def __init__(self, inner: SimulatedEngine, error: Exception) -> None:
        super().__init__(clock=SystemClock())
        self._inner = inner
        self._error = error
        self.opened: list[SimulatedTask] = []
        self.removed = False

    def open(self, plan: TaskPlan) -> SimulatedTask:
        task = self._inner.open(plan)
        real = task.clean_up

        async def events() -> AsyncIterator[Event]:
            for error in (self._error,):
                raise error
            yield StopRequested()

        async def clean_up(*, keep: bool) -> None:
            self.removed |= not keep
            await real(keep=keep)

        task.events = events  # type: ignore[method-assign] # the rest is the other one's
        task.clean_up = clean_up  # type: ignore[method-assign] # as above
        self.opened.append(task)
        return task


async def test_containers_of_a_task_that_a_bug_took_from_its_server_go_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        task_id = await machine.begin(server)
    deaf = Deaf(machine.engine, KeyError("State"))
    async with machine.server(make_engine=lambda host: deaf) as server:
        server.adopt_left()
        with pytest.raises(ControlError, match=r"is not supervised any more: KeyError \("):
            await server.desk.ended(task_id)
    assert not deaf.removed
    async with machine.server() as server:
        assert server.adopt_left() == (task_id,)
        server.desk.stop(task_id, None)
        assert (await server.desk.ended(task_id)).exit_code == 0


async def test_an_engine_that_is_lost_at_once_is_not_asked_without_a_pause(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        await machine.begin(server)
    deaf = Deaf(machine.engine, EngineUnreachableError("tells no events"))
    async with machine.server(make_engine=lambda host: deaf) as server:
        server.adopt_left()
        await until(lambda: deaf.opened)
        for _ in range(1000):  # turns of the event loop, in which it would be opened again and again
            await asyncio.sleep(0)
        assert len(deaf.opened) == 1
        assert await server.leave() == 1


async def test_a_task_that_is_over_is_cleaned_up_and_not_counted_among_those_that_go_on(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, ENDS)
    cleaning, cleaned = asyncio.Event(), asyncio.Event()
    opened = machine.engine.open

    def open_slow(plan: TaskPlan) -> SimulatedTask:
        task = opened(plan)
        real = task.clean_up

        async def clean_up(*, keep: bool) -> None:
            assert not keep
            cleaning.set()
            await cleaned.wait()
            await real(keep=keep)

        task.clean_up = clean_up  # type: ignore[method-assign] # only slower
        return task

    machine.engine.open = open_slow  # type: ignore[method-assign] # as above
    async with machine.server() as server:
        task_id = await machine.begin(server)
        await cleaning.wait()
        leaving = asyncio.create_task(server.leave())
        await asyncio.sleep(0)
        cleaned.set()
        assert await leaving == 0
    store = SqliteStore(tmp_path)
    (stored,) = store.tasks()
    assert (stored.task_id, stored.ended_at_s is not None) == (task_id, True)
    store.close()


async def test_tasks_that_run_are_counted_when_they_are_left(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        for _ in range(2):
            await machine.begin(server)
        assert await server.leave() == 2


async def test_a_look_that_fails_for_what_nobody_foresaw_is_said_and_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.supervision.supervisor.LOOK_S", 0.01)
    machine = Machine(tmp_path, ENDS)
    async with machine.server() as server:
        task_id = await machine.begin(server)
    with monkeypatch.context() as broken:
        async with machine.server() as server:
            broken.setattr(SqliteStore, "unfinished", removed)
            looking = asyncio.create_task(server.look_after_others())
            await until(lambda: machine.said)
            broken.undo()
            await until(lambda: server.desk.tasks() == (task_id,))
            looking.cancel()
    assert machine.said[0].startswith("tasks that others left cannot be looked for: ModuleNotFoundError")


async def test_nothing_is_taken_over_from_a_folder_that_was_removed(tmp_path: Path) -> None:
    """Claims are not found there any more: tasks of processes that live would seem to be left."""
    folder = tmp_path / "state"
    machine = Machine(folder)
    async with machine.server() as server:
        await machine.begin(server)
    async with machine.server() as server:
        shutil.rmtree(folder)
        assert server.adopt_left() == ()


async def test_all_tasks_are_stopped_and_none_is_taken_any_more(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    async with machine.server() as server:
        waiting = [asyncio.create_task(server.desk.ended(await machine.begin(server))) for _ in range(2)]
        await asyncio.sleep(0)
        await server.stop_all("The journal was removed")
        ends = await asyncio.gather(*waiting)
        assert [end.task["stoppedReason"] for end in ends] == ["The journal was removed"] * 2
        with pytest.raises(ControlError, match="about to end"):
            await server.submit(machine.request())
        assert await server.leave() == 0
