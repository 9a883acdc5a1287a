"""What both transports do, against an engine that is given every byte by the test."""

from __future__ import annotations

import asyncio
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.docker.transport.raw_engine import EMPTY, OK, Peer, RawEngine, sized
from pillion.engines.docker.transport.protocol import Answer, Body, Request, Transport
from pillion.engines.docker.transport.remote import RemoteTransport
from pillion.engines.docker.transport.unix import UnixTransport
from pillion.ports.engine import EngineUnreachableError

UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
SWITCHED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def request(
    method: str = "GET",
    body: Body = None,
    headers: dict[str, str] | None = None,
    target: str = "/v1.41/x?a=b%20c",
) -> Request:
    return Request(method=method, target=target, headers=headers or {}, body=body)


async def read(answer: Answer) -> bytes:
    body = b""
    try:
        while piece := await answer.read_some():
            body += piece
    finally:
        answer.close()
    return body


async def ask(transport: Transport, peer: Peer, answer: bytes, asked: Request | None = None) -> bytes:
    """Make a call that a connection of before is to serve; return the body of the answer."""
    call = asyncio.create_task(transport.request(asked or request()))
    assert await peer.hear()
    await peer.say(answer)
    return await read(await call)


async def first(
    transport: Transport, engine: RawEngine, answer: bytes, asked: Request | None = None
) -> tuple[Answer, Peer]:
    """Make a call on a new connection; return the answer and the engine's end."""
    call = asyncio.create_task(transport.request(asked or request()))
    peer = await engine.accept()
    assert await peer.hear()
    await peer.say(answer)
    return await call, peer


async def test_a_request_is_what_http_has_it_to_be(either: RawEngine, transport: Transport) -> None:
    asked = request("POST", b'{"a": 1}', {"Content-Type": "application/json"})
    call = asyncio.create_task(transport.request(asked))
    peer = await either.accept()
    head, _, body = (await peer.hear()).partition(b"\r\n\r\n")
    line, *fields = head.lower().split(b"\r\n")
    assert line == b"post /v1.41/x?a=b%20c http/1.1"
    assert b"content-type: application/json" in fields
    assert b"content-length: 8" in fields
    assert sum(field.startswith(b"host: ") for field in fields) == 1
    assert body == b'{"a": 1}'
    await peer.say(EMPTY)
    (await call).close()


@pytest.mark.parametrize(
    "answer",
    [
        sized(b"hello"),
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"hello"),
        b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + sized(b"hello"),
    ],
)
async def test_an_answer_is_read_and_its_connection_serves_the_next_call(
    either: RawEngine, transport: Transport, answer: bytes
) -> None:
    found, peer = await first(transport, either, answer)
    assert (found.status, await read(found)) == (200, b"hello")
    assert await ask(transport, peer, sized(b"again")) == b"again"
    assert either.nobody_waits()


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_some_answers_have_no_body_whatever_they_say(
    either: RawEngine, transport: Transport, status: bytes
) -> None:
    found, peer = await first(transport, either, b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert await read(found) == b""
    assert await ask(transport, peer, sized(b"again")) == b"again"


@pytest.mark.parametrize("head", [OK, b"HTTP/1.0 200 OK\r\n"])
async def test_a_body_may_end_with_its_connection(
    either: RawEngine, transport: Transport, head: bytes
) -> None:
    found, peer = await first(transport, either, head + b"\r\nhel")
    await peer.say(b"lo")
    peer.hang_up()
    assert await read(found) == b"hello"
    found, _ = await first(transport, either, sized(b"again"))
    assert await read(found) == b"again"


@pytest.mark.parametrize("head", [OK + b"Connection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
async def test_an_engine_that_says_so_gets_no_second_call_on_a_connection(
    either: RawEngine, transport: Transport, head: bytes
) -> None:
    found, peer = await first(transport, either, head + b"Content-Length: 2\r\n\r\nhi")
    assert await read(found) == b"hi"
    assert await peer.has_hung_up()
    found, _ = await first(transport, either, sized(b"again"))
    assert await read(found) == b"again"


async def test_headers_are_found_by_their_small_letters(either: RawEngine, transport: Transport) -> None:
    found, _ = await first(transport, either, OK + b"API-Version: 1.41\r\nContent-Length: 0\r\n\r\n")
    assert (found.header("api-version"), found.header("libpod-api-version")) == ("1.41", "")
    found.close()


@pytest.mark.parametrize("kind", ["unix", "remote"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=200), max_size=6),
    places=st.lists(st.integers(min_value=1), max_size=8),
)
def test_an_answer_is_the_same_wherever_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, kind: str, chunks: list[bytes], places: list[int]
) -> None:
    sent = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    sent += b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    edges = sorted({0, len(sent), *(place % len(sent) for place in places)})

    async def exchange(engine: RawEngine) -> bytes:
        is_unix = kind == "unix"
        transport: Transport = (
            UnixTransport(engine.host) if is_unix else RemoteTransport(engine.host, url=engine.host)
        )
        call = asyncio.create_task(transport.request(request()))
        peer = await engine.accept()
        await peer.hear()

        async def send() -> None:
            for start, stop in itertools.pairwise(edges):
                await peer.say(sent[start:stop])
                await asyncio.sleep(0)  # lets the other side see this piece by itself

        sending = asyncio.create_task(send())
        body = await read(await call)
        await sending
        await transport.close()
        return body

    engine = RawEngine(tmp_path_factory.mktemp("raw"), is_tcp=kind == "remote")
    try:
        assert asyncio.run(exchange(engine)) == b"".join(chunks)
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("sent", "rest"),
    [
        (b"", b""),
        (b"HTTP/1.1 20", b""),
        (OK + b"Content-Length: 5\r\n\r\n", b"hel"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhel"),
    ],
)
async def test_an_answer_that_breaks_off_is_unreachable(
    either: RawEngine, transport: Transport, sent: bytes, rest: bytes
) -> None:
    call = asyncio.create_task(transport.request(request("POST")))
    peer = await either.accept()
    await peer.hear()
    await peer.say(sent)
    await peer.say(rest)
    peer.hang_up()
    with pytest.raises(EngineUnreachableError, match=f"The container engine at {either.host} does not ans"):
        await read(await call)
    assert either.nobody_waits()


@pytest.mark.parametrize("sent", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", OK + b"Content-Length: x\r\n\r\n"])
async def test_what_answers_and_speaks_no_http_is_unreachable(
    either: RawEngine, transport: Transport, sent: bytes
) -> None:
    call = asyncio.create_task(transport.request(request()))
    peer = await either.accept()
    await peer.hear()
    await peer.say(sent)
    with pytest.raises(EngineUnreachableError, match="does not answer"):
        await call


async def test_a_connection_that_the_engine_closed_at_rest_fails_no_call(
    either: RawEngine, transport: Transport
) -> None:
    found, peer = await first(transport, either, sized(b"hi"))
    assert await read(found) == b"hi"
    peer.hang_up()
    found, _ = await first(transport, either, sized(b"again"))
    assert await read(found) == b"again"


async def test_a_get_that_met_an_engine_hanging_up_is_sent_again(
    either: RawEngine, transport: Transport
) -> None:
    found, peer = await first(transport, either, sized(b"hi"))
    await read(found)
    call = asyncio.create_task(transport.request(request()))
    assert await peer.hear()
    peer.hang_up()
    second = await either.accept()
    assert await second.hear()
    await second.say(sized(b"again"))
    assert await read(await call) == b"again"


async def test_a_post_that_was_read_is_not_sent_again(either: RawEngine, transport: Transport) -> None:
    found, peer = await first(transport, either, sized(b"hi"))
    await read(found)
    call = asyncio.create_task(transport.request(request("POST", b"{}")))
    assert await peer.hear()
    peer.hang_up()
    with pytest.raises(EngineUnreachableError):
        await call
    assert either.nobody_waits()


async def test_nothing_is_sent_again_once_an_answer_began(either: RawEngine, transport: Transport) -> None:
    found, peer = await first(transport, either, sized(b"hi"))
    await read(found)
    call = asyncio.create_task(transport.request(request("POST", b"{}")))
    assert await peer.hear()
    await peer.say(b"HTTP/1.1 2")
    peer.hang_up()
    with pytest.raises(EngineUnreachableError):
        await call
    assert either.nobody_waits()


async def test_a_call_that_is_given_up_ends_its_connection(either: RawEngine, transport: Transport) -> None:
    call = asyncio.create_task(transport.request(request()))
    peer = await either.accept()
    await peer.hear()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await peer.has_hung_up()
    found, _ = await first(transport, either, sized(b"again"))
    assert await read(found) == b"again"


async def test_an_answer_that_is_not_read_to_its_end_ends_its_connection(
    either: RawEngine, transport: Transport
) -> None:
    found, peer = await first(transport, either, OK + b"Content-Length: 5\r\n\r\nhel")
    assert await found.read_some() == b"hel"
    found.close()
    assert await peer.has_hung_up()


async def test_closing_ends_connections_in_use_and_at_rest(either: RawEngine, transport: Transport) -> None:
    busy, busy_peer = await first(transport, either, OK + b"Content-Length: 5\r\n\r\nhel")
    resting, resting_peer = await first(transport, either, sized(b"hi"))
    assert await busy.read_some() == b"hel"
    await read(resting)
    await transport.close()
    assert await busy_peer.has_hung_up()
    assert await resting_peer.has_hung_up()
    busy.close()


async def test_an_upgraded_connection_carries_bare_bytes_both_ways(
    either: RawEngine, transport: Transport
) -> None:
    asked = request("POST", b"{}", UPGRADE)
    found, peer = await first(transport, either, SWITCHED + b"abcdef", asked)
    pipe = found.take_over()
    assert await pipe.read_exactly(4) == b"abcd"
    assert await pipe.read(1) == b"e"
    await peer.say(b"gh")
    assert await pipe.read_exactly(3) == b"fgh"
    await pipe.write(b"input")
    pipe.end_input()
    assert await peer.receive_all() == b"input"
    await peer.say(b"output")  # the other half is still open
    peer.hang_up()
    assert await pipe.read_exactly(6) == b"output"
    assert (await pipe.read(1), await pipe.read_exactly(1)) == (b"", b"")
    found.close()


async def test_an_engine_may_give_its_connection_away_without_saying_upgrade(
    either: RawEngine, transport: Transport
) -> None:
    head = OK + b"Content-Type: application/vnd.docker.raw-stream\r\n\r\n"
    found, peer = await first(transport, either, head, request("POST", b"{}", UPGRADE))
    pipe = found.take_over()
    await peer.say(b"output")
    assert await pipe.read_exactly(6) == b"output"
    await pipe.write(b"input")
    found.close()
    assert await peer.receive_all() == b"input"


async def test_leaving_an_upgraded_connection_sends_what_was_written(
    either: RawEngine, transport: Transport
) -> None:
    found, peer = await first(transport, either, SWITCHED, request("POST", b"{}", UPGRADE))
    pipe = found.take_over()
    data = bytes(range(256)) * (1 << 12)  # more than the kernel takes at once
    writing = asyncio.create_task(pipe.write(data))
    await asyncio.sleep(0)
    found.close()
    assert await peer.receive_all() == data
    await writing


async def test_an_answer_that_does_not_upgrade_says_so(either: RawEngine, transport: Transport) -> None:
    found, _ = await first(transport, either, sized(b"{}"), request("POST", b"{}", UPGRADE))
    with pytest.raises(EngineUnreachableError, match=r"answered with status 200 .* does not know upgrades"):
        found.take_over()
    found.close()


LARGE = bytes(range(256)) * (1 << 13)  # 2 MiB


@pytest.mark.parametrize("kind", ["bytes", "file", "memory"])
async def test_a_large_body_arrives_whole(
    either: RawEngine, transport: Transport, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "body").write_bytes(LARGE)
    with (tmp_path / "body").open("rb") as file:
        body: Body = {"bytes": LARGE, "file": file, "memory": io.BytesIO(LARGE)}[kind]  # type: ignore[assignment] # all of them are
        call = asyncio.create_task(transport.request(request("POST", body)))
        peer = await either.accept()
        head, _, sent = (await peer.hear()).partition(b"\r\n\r\n")
        await peer.say(sized(b"hi"))
        assert await read(await call) == b"hi"
    assert (_unchunked(sent) if b"chunked" in head.lower() else sent) == LARGE
    assert await ask(transport, peer, sized(b"again")) == b"again"


def _unchunked(data: bytes) -> bytes:
    body = b""
    while size := int(data.partition(b"\r\n")[0], 16):
        start = data.index(b"\r\n") + 2
        body += data[start : start + size]
        data = data[start + size + 2 :]
    return body


async def test_an_engine_may_answer_before_it_has_the_whole_body(
    either: RawEngine, transport: Transport
) -> None:
    call = asyncio.create_task(transport.request(request("PUT", LARGE)))
    peer = await either.accept()
    await peer.say(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nfull")
    found = await call
    assert (found.status, await read(found)) == (500, b"full")
    found.close()
    assert len(await peer.receive_all()) < len(LARGE)  # nobody goes on sending, and the connection has ended


async def test_who_does_not_read_is_not_sent_more_than_a_little(
    either: RawEngine, transport: Transport
) -> None:
    found, peer = await first(transport, either, OK + b"\r\n")
    block, sent, tries = bytes(1 << 16), 0, 0
    while tries < 200:  # rounds of the event loop in which nothing went through
        try:
            sent += peer.socket.send(block)
            tries = 0
        except BlockingIOError:
            tries += 1
            await asyncio.sleep(0)
        assert sent < 32 << 20
    peer.hang_up()
    assert len(await read(found)) == sent
