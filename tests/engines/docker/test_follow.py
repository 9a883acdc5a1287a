"""Following output where the engine's stream is less than reliable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering
from engines.docker.making import plain
from pillion.engines.docker import follow as following
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.follow import follow
from pillion.engines.docker.record import Record
from pillion.ports.engine import EngineError


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncIterator[DockerClient]:
    made = DockerClient(fake.host)
    yield made
    await made.close()


def frame(second: int, text: str) -> bytes:
    body = f"2026-11-24T04:53:{second:02}.000000000Z {text}\n".encode()
    return b"\x01\0\0\0" + len(body).to_bytes(4) + body


class Output:
    """What a container writes, one more line for each live stream; a stream ends after its line."""

    def __init__(self, record: Record, lines: int) -> None:
        self.record = record
        self.lines = lines
        self.written: list[bytes] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query["follow"] == "1":
            self.written.append(frame(len(self.written), f"line {len(self.written)}"))
            if len(self.written) == self.lines:
                self.record.running.clear()
                self.record.ended.set()
        return web.Response(body=b"".join(self.written))


async def test_a_stream_that_ends_while_the_container_runs_is_read_again(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "END_GRACE_S", 0.01)
    record = Record(plain("web", ""))
    record.running.set()
    path = f"containers/{record.plan.engine_name}"
    fake.routes[f"GET {path}/logs"] = Output(record, 3).answer
    fake.routes[f"GET {path}/json"] = answering({"State": {"Running": True}})
    async with asyncio.timeout(5):
        found = [line.message async for line in follow(client, record)]
    assert found == ["line 0", "line 1", "line 2"]


async def test_a_stream_that_ends_before_the_start_is_told_is_read_again(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "END_GRACE_S", 0.01)
    record = Record(plain("web", ""))
    record.begin_start()
    path = f"containers/{record.plan.engine_name}"
    fake.routes[f"GET {path}/logs"] = Output(record, 2).answer
    fake.routes[f"GET {path}/json"] = answering({"State": {"Running": True}})
    async with asyncio.timeout(5):
        found = [line.message async for line in follow(client, record)]
    assert found == ["line 0", "line 1"]


async def test_a_container_whose_end_was_never_told_is_not_followed_for_ever(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "END_GRACE_S", 0.01)
    record = Record(plain("web", ""))
    record.running.set()
    path = f"containers/{record.plan.engine_name}"
    fake.routes[f"GET {path}/logs"] = Output(record, -1).answer
    fake.routes[f"GET {path}/json"] = answering({"State": {"Running": False}})
    async with asyncio.timeout(5):
        found = [line.message async for line in follow(client, record)]
    assert found == ["line 0"]


UNREADY = (
    "dial unix /state/fluent.sock: connect: connection refused",
    "Error grabbing logs: something else",
)


@pytest.mark.parametrize(("message", "answers"), [(UNREADY[0], 3), (UNREADY[0], None), (UNREADY[1], 3)])
async def test_a_log_driver_whose_other_end_does_not_listen_is_tried_again_for_a_while(
    fake: FakeEngine,
    client: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
    message: str,
    answers: int | None,
) -> None:
    monkeypatch.setattr(following, "DRIVER_PAUSE_S", 0.001)
    monkeypatch.setattr(following, "DRIVER_TRIES_MAX", 5)
    record = Record(plain("web", ""))
    record.ended.set()
    tries: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        tries.append(request.query["follow"])
        if len(tries) == answers:
            return web.Response(body=frame(0, "line 0"))
        if answers is not None and len(tries) > answers:
            return web.Response(body=frame(0, "line 0") + frame(1, "line 1"))
        return web.json_response({"message": message}, status=500)

    fake.routes[f"GET containers/{record.plan.engine_name}/logs"] = answer
    found: list[str] = []
    try:
        found += [line.message async for line in follow(client, record)]
    except EngineError as error:
        found.append(str(error))
    refused = [f"CannotReadLogsError: Error response from daemon: {message}"]
    expected = {
        (UNREADY[0], 3): (["line 0", "line 1"], 4),
        (UNREADY[0], None): (refused, following.DRIVER_TRIES_MAX + 1),
        (UNREADY[1], 3): (refused, 1),
    }
    assert (found, len(tries)) == expected[message, answers]
