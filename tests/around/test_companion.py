"""The companion: what it does between the engine and AWS, with fakes of both."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pillion.around import companion as companion_module
from pillion.around.companion import Companion
from pillion.around.serving import Place, TaskServers, Way
from pillion.core.plan.model import Notice
from pillion.ports.aws import LogReport, PipelineReport, Reading, TaskAws
from pillion.ports.engine import EngineError, EngineTask, LogLine, RelayRoute
from pillion.sidecars.firelens.plan import FirelensPlan


@dataclass
class FakeAws:
    """AWS of a task that needs nothing but its log streams."""

    reports: tuple[LogReport, ...] = ()
    started: list[str] = field(default_factory=list)

    async def before_start(self, container: str, runtime_id: str) -> None:
        self.started.append(container)

    def notices(self) -> tuple[Notice, ...]:
        return ()

    def log_sink(self, container: str) -> None:
        return None

    async def close(self) -> tuple[LogReport, ...]:
        return self.reports


@dataclass
class FakeTask:
    """An engine whose namespaces cannot be entered; its relays are remembered, or fail, too."""

    relay_error: str | None = None
    relays: list[tuple[str, tuple[RelayRoute, ...]]] = field(default_factory=list)

    async def open_listeners(self, container: str, addresses: object) -> tuple[socket.socket, ...]:
        raise EngineError("NamespaceUnavailable", "no veth")

    async def open_relay(self, container: str, routes: Sequence[RelayRoute]) -> None:
        if self.relay_error is not None:
            raise EngineError("NamespaceUnavailable", self.relay_error)
        self.relays.append((container, tuple(routes)))


class FakeServers:
    """Takes sockets and closes them in the end."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def addresses(self) -> list[tuple[str, int]]:
        return [("169.254.170.2", 80)]

    def serve(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets += sockets

    async def close(self) -> None:
        for item in self.sockets:
            item.close()


def made(
    state_folder: Path,
    *,
    task: FakeTask | None = None,
    aws: FakeAws | None = None,
    firelens: object = None,
    tell: Callable[[Notice], None] | None = None,
    **members: Any,
) -> tuple[Companion, list[Notice]]:
    told: list[Notice] = []
    companion = Companion(
        task=cast("EngineTask", task or FakeTask()),
        aws=cast("TaskAws", aws or FakeAws()),
        servers=cast("TaskServers", FakeServers()),
        place=Place(way=Way.NAMESPACE, metadata="169.254.170.2", aws="169.254.170.2:4566"),
        firelens=cast("FirelensPlan | None", firelens),
        state_folder=state_folder,
        tell=tell or told.append,
        **members,
    )
    return companion, told


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_a_namespace_that_cannot_be_entered_gets_a_relay_and_all_share_the_doors(
    tmp_path: Path,
) -> None:
    task = FakeTask()
    companion, told = made(tmp_path, task=task)
    await companion.namespace_ready("one")
    await companion.namespace_ready("two")
    (first, routes), (second, same) = task.relays
    assert (first, second, routes, told) == ("one", "two", same, [])
    assert [route.address for route in routes] == [("169.254.170.2", 80)]
    await companion.close()
    assert is_empty(tmp_path)


async def test_without_any_way_the_task_runs_and_both_causes_are_told(tmp_path: Path) -> None:
    companion, told = made(tmp_path, task=FakeTask(relay_error="no image"))
    await companion.namespace_ready("one")
    await companion.close()
    text = "metadata, credentials and AWS cannot be served inside the task: no veth; no image"
    assert told == [Notice(code="no-endpoints", text=text)]


async def test_lines_that_awslogs_lost_are_told_without_being_asked_for(tmp_path: Path) -> None:
    report = LogReport(container="app", group="g", stream="s", written=3, delivered=1, dropped=2)
    companion, told = made(tmp_path, aws=FakeAws(reports=(report,)))
    await companion.close()
    text = "2 of 3 lines did not reach g (dropped 2, failed 0)"
    assert told == [Notice(code="log-loss", text=text, container="app")]


async def test_lines_are_counted_as_they_come_and_reported_when_asked_for(tmp_path: Path) -> None:
    given: list[Mapping[str, Reading]] = []

    async def count(_: object, read: Mapping[str, Reading]) -> tuple[PipelineReport, ...]:
        given.append(read)
        return (PipelineReport(container="app", pipeline="p", written=2, arrived=2),)

    companion, told = made(tmp_path, count_logs=count)
    for _ in range(2):
        await companion.log(LogLine(container="app", stream="stdout", message="four", at_s=0.0))
    companion.read_before("app", 3)
    companion.log_cut("db")
    await companion.close()
    assert given == [{"app": Reading(lines=2, characters=8, before=3), "db": Reading(lines=0, cut=True)}]
    text = "2 lines written, p: 2 arrived, none lost"
    assert told == [Notice(code="log-count", text=text, container="app")]


def routed(path: Path) -> object:
    return SimpleNamespace(router="router", routed={"app": None}, socket_path=str(path))


async def test_without_a_queue_clients_start_when_the_router_listens(tmp_path: Path) -> None:
    path = tmp_path / "fluent.sock"
    companion, _ = made(tmp_path, firelens=routed(path), waits_for_router=True)
    await companion.before_start("router", "id")  # waits for nobody
    client = asyncio.create_task(companion.before_start("app", "id"))
    await asyncio.sleep(0)
    assert not client.done()
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
    await client
    server.close()


async def test_as_on_ecs_clients_start_when_the_router_runs(tmp_path: Path) -> None:
    companion, _ = made(tmp_path, firelens=routed(tmp_path / "fluent.sock"))
    async with asyncio.timeout(1):
        await companion.before_start("app", "id")


async def test_a_router_that_never_listens_holds_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companion_module, "ROUTER_LISTENS_LOOKS", 2)
    companion, _ = made(tmp_path, firelens=routed(tmp_path / "fluent.sock"), waits_for_router=True)
    await companion.before_start("app", "id")


async def test_without_a_queue_somebody_takes_the_place_of_a_router_that_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "fluent.sock"
    heard = asyncio.Event()
    told: list[Notice] = []

    def tell(notice: Notice) -> None:
        told.append(notice)
        heard.set()

    companion, _ = made(tmp_path, firelens=routed(path), waits_for_router=True, tell=tell)
    companion.stopped("app")
    companion.stopped("router")
    await companion.before_start("app", "id")  # returns as somebody listens
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(b"a line")
    await writer.drain()
    async with asyncio.timeout(5):
        await heard.wait()
    await companion.close()
    writer.close()
    text = "the log router has ended: what is logged through it from now on is shown here only"
    assert told == [Notice(code="router-gone", text=text)]


async def test_as_on_ecs_nobody_takes_the_place_of_a_router_that_has_ended(tmp_path: Path) -> None:
    companion, _ = made(tmp_path, firelens=routed(tmp_path / "fluent.sock"))
    companion.stopped("router")
    await companion.close()
    assert is_empty(tmp_path)
