"""What the transport for sockets of this machine does on top: it is light, and asks the kernel."""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
from pathlib import Path

import h11
import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering, until
from engines.docker.transport.raw_engine import OK, RawEngine, sized
from engines.docker.transport.test_both import UPGRADE, first, read, request
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.transport.unix import UnixTransport
from pillion.ports.engine import EngineUnreachableError

HEAVY = {"aiohttp", "aiodocker", "yarl", "multidict", "attr"}

CALL = """
import asyncio, sys
import pillion.engines.docker
from pillion.engines.docker.client import DockerClient

async def call():
    client = DockerClient(sys.argv[1], {})
    print(await client.get("info"), file=sys.stderr)
    await client.close()

asyncio.run(call())
print(" ".join(name.partition(".")[0] for name in sys.modules))
"""


async def test_a_call_over_a_socket_imports_neither_aiohttp_nor_aiodocker(fake: FakeEngine) -> None:
    fake.routes["GET info"] = answering({"ok": True})
    call = [sys.executable, "-c", CALL, fake.host]
    process = await asyncio.create_subprocess_exec(*call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    loaded, said = await process.communicate()
    assert said.decode().strip() == "{'ok': True}"
    assert HEAVY & set(loaded.decode().split()) == set()
    assert "h11" in loaded.decode().split()


def test_importing_the_engine_imports_no_http_library() -> None:
    code = "import sys, pillion.engines.docker; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (HEAVY | {"h11"}) & set(done.stdout.split()) == set()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_a_closing_engine_did_not_read_is_sent_again(
    raw: RawEngine, unix: UnixTransport, method: str
) -> None:
    found, peer = await first(unix, raw, sized(b"hi"))
    await read(found)
    call = asyncio.create_task(unix.request(request(method, b"{}" if method == "POST" else None)))
    await asyncio.get_running_loop().sock_recv(peer.socket, 1)  # it is there; the rest stays unread
    peer.hang_up()
    second = await raw.accept()
    assert (await second.hear()).startswith(method.encode())
    await second.say(sized(b"again"))
    assert await read(await call) == b"again"


async def test_a_connection_that_broke_while_the_event_loop_was_busy_is_not_used(
    raw: RawEngine, unix: UnixTransport
) -> None:
    found, peer = await first(unix, raw, sized(b"hi"))
    await read(found)
    peer.hang_up()  # and no turn of the loop before the next call
    found, _ = await first(unix, raw, sized(b"again"), request("POST", b"{}"))
    assert await read(found) == b"again"


@pytest.mark.parametrize("turns", [0, 3])
async def test_a_connection_on_which_something_came_unasked_is_not_used(
    raw: RawEngine, unix: UnixTransport, turns: int
) -> None:
    found, peer = await first(unix, raw, sized(b"hi") + sized(b"nobody asked"))
    assert await read(found) == b"hi"
    assert await peer.has_hung_up()
    found, peer = await first(unix, raw, sized(b"hi"))
    assert await read(found) == b"hi"
    await peer.say(sized(b"nobody asked"))
    for _ in range(turns):  # of the event loop, which reads it then
        await asyncio.sleep(0)
    found, _ = await first(unix, raw, sized(b"again"))
    assert await read(found) == b"again"


async def test_a_get_is_not_sent_again_once_an_answer_began(raw: RawEngine, unix: UnixTransport) -> None:
    found, peer = await first(unix, raw, sized(b"hi"))
    await read(found)
    call = asyncio.create_task(unix.request(request()))
    assert await peer.hear()
    await peer.say(b"HTTP/1.1 2")
    peer.hang_up()
    with pytest.raises(EngineUnreachableError, match="before its answer was complete"):
        await call
    assert raw.nobody_waits()


async def test_a_call_that_fails_on_a_new_connection_is_not_repeated(
    raw: RawEngine, unix: UnixTransport
) -> None:
    call = asyncio.create_task(unix.request(request()))
    (await raw.accept()).hang_up()
    with pytest.raises(EngineUnreachableError, match=r"Connection reset by peer|closed the connection"):
        await call
    assert raw.nobody_waits()


async def test_what_can_be_sent_only_once_is_sent_on_a_new_connection(
    raw: RawEngine, unix: UnixTransport
) -> None:
    found, _ = await first(unix, raw, sized(b"hi"))
    await read(found)
    found, _ = await first(unix, raw, sized(b"built"), request("POST", io.BytesIO(b"context")))
    assert await read(found) == b"built"


async def test_a_connection_at_rest_is_ended_after_a_while(raw: RawEngine) -> None:
    unix = UnixTransport(raw.host, idle_s=0.01)
    found, peer = await first(unix, raw, sized(b"hi"))
    await read(found)
    assert await peer.has_hung_up()
    await unix.close()


async def test_a_reader_is_told_when_the_transport_is_closed(raw: RawEngine, unix: UnixTransport) -> None:
    found, _ = await first(unix, raw, OK + b"Content-Length: 5\r\n\r\n")
    reading = asyncio.create_task(found.read_some())
    await asyncio.sleep(0)
    await unix.close()
    with pytest.raises(EngineUnreachableError, match="broke off 5 bytes before its end"):
        await reading


async def test_a_connection_made_while_the_transport_is_closed_is_ended(
    raw: RawEngine, unix: UnixTransport
) -> None:
    call = asyncio.create_task(unix.request(request()))
    await asyncio.sleep(0)
    await unix.close()
    with pytest.raises(EngineUnreachableError):
        await call
    assert await (await raw.accept()).receive_all() == b""


async def test_a_file_that_cannot_be_read_is_not_the_engines_fault(
    raw: RawEngine, unix: UnixTransport
) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    call = asyncio.create_task(unix.request(request("POST", Broken())))
    peer = await raw.accept()
    assert b"\r\n\r\n" in await peer.receive_all()
    with pytest.raises(OSError, match="Input/output error"):
        await call


async def test_an_upgraded_connection_that_is_lost_is_unreachable(
    raw: RawEngine, unix: UnixTransport
) -> None:
    head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    found, peer = await first(unix, raw, head, request("POST", b"{}", UPGRADE))
    pipe = found.take_over()
    await pipe.write(b"never read")
    peer.hang_up()
    with pytest.raises(EngineUnreachableError, match="Connection reset by peer"):
        await pipe.read(1)
    await pipe.write(b"dropped")
    found.close()


def fill(path: str) -> list[socket.socket]:
    """Make connections until the queue of those that wait to be accepted is full."""
    waiting = []
    while True:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].setblocking(False)
        try:
            waiting[-1].connect(path)
        except BlockingIOError:
            return waiting


async def test_who_finds_the_engines_queue_full_waits(tmp_path: Path) -> None:
    raw = RawEngine(tmp_path, backlog=0)
    waiting = fill(raw.host.removeprefix("unix://"))
    unix = UnixTransport(raw.host)
    call = asyncio.create_task(unix.request(request()))
    await asyncio.sleep(0)
    for _ in waiting[1:]:
        await raw.accept()
    peer = await raw.accept()
    assert await peer.hear()
    await peer.say(sized(b"at last"))
    assert await read(await call) == b"at last"
    await unix.close()
    for sock in waiting:
        sock.close()
    raw.close()


async def test_an_engine_whose_queue_stays_full_is_unreachable(tmp_path: Path) -> None:
    raw = RawEngine(tmp_path, backlog=0)
    waiting = fill(raw.host.removeprefix("unix://"))
    unix = UnixTransport(raw.host, connect_deadline_s=0.05)
    with pytest.raises(EngineUnreachableError, match=r"it accepted no connection within 0.05s\. Check"):
        await unix.request(request())
    for sock in waiting:
        sock.close()
    raw.close()


async def test_a_socket_that_may_not_be_used_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forbidden(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")  # root, who may run this, may use all

    monkeypatch.setattr(socket, "socket", Forbidden)
    with pytest.raises(EngineUnreachableError, match=r"Permission denied\. Your user may not use"):
        await UnixTransport(f"unix://{tmp_path}/x").request(request())


async def test_a_socket_that_nobody_listens_on_says_what_to_do(tmp_path: Path) -> None:
    raw = RawEngine(tmp_path)
    raw.close()
    with pytest.raises(EngineUnreachableError, match=r"Connection refused\. Check that the engine runs"):
        await UnixTransport(raw.host).request(request())


async def test_a_call_that_is_sent_elsewhere_was_asked_wrongly(fake: FakeEngine) -> None:
    async def move(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently("/v1.41/containers/json")

    fake.routes["GET containers//json"] = move
    client = DockerClient(fake.host)
    with pytest.raises(ApiError) as failure:
        await client.get("containers//json")
    assert failure.value.status == 301
    await client.close()


def test_h11_says_everything_that_is_wrong_with_an_answer_in_one_way() -> None:
    errors = [value for value in vars(h11).values() if isinstance(value, type)]
    found = {error.__name__ for error in errors if issubclass(error, Exception)}
    # LocalProtocolError: that a request is none, which is ours to prevent.
    assert found == {"ProtocolError", "LocalProtocolError", "RemoteProtocolError"}


async def test_many_connections_leave_nothing_behind(fake: FakeEngine) -> None:
    fake.routes["GET v1"] = answering({})
    unix = UnixTransport(fake.host, idle_s=0.0)
    wanted = request()
    answers = await asyncio.gather(*(unix.request(wanted) for _ in range(150)))
    await asyncio.gather(*(read(answer) for answer in answers))
    await until(lambda: not unix._open)
    await unix.close()
