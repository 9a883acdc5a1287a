"""A call that was sent before there was an event loop, and who gets its answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engines.docker.transport.raw_engine import RawEngine, sized
from engines.docker.transport.test_both import ask, read, request
from engines.docker.transport.test_unix import fill
from pillion.engines.docker.transport.early import EarlyCall
from pillion.engines.docker.transport.protocol import Request
from pillion.engines.docker.transport.unix import UnixTransport
from pillion.ports.engine import EngineUnreachableError

BODY = b'{"Name": "pillion-shop"}'


def sent(raw: RawEngine) -> EarlyCall:
    call = EarlyCall.send(raw.host, "/networks/create", BODY)
    assert call is not None
    return call


def create(body: bytes = BODY) -> Request:
    return request("POST", body, target="/v1.41/networks/create")


async def test_who_makes_the_same_call_gets_the_answer_and_the_connection(raw: RawEngine) -> None:
    unix = UnixTransport(raw.host, early=sent(raw))
    peer = await raw.accept()
    head, _, body = (await peer.hear()).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /networks/create HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(BODY),
    ]
    assert body == BODY
    call = asyncio.create_task(unix.request(create()))
    await peer.say(sized(b"made"))
    assert await read(await call) == b"made"
    assert await ask(unix, peer, sized(b"made again"), create()) == b"made again"
    assert raw.nobody_waits()
    await unix.close()


async def test_an_answer_may_have_come_before_anybody_asks(raw: RawEngine) -> None:
    unix = UnixTransport(raw.host, early=sent(raw))
    await (await raw.accept()).say(sized(b"made"))
    assert await read(await unix.request(create())) == b"made"
    await unix.close()


@pytest.mark.parametrize(
    "other",
    [
        create(b'{"Name": "pillion-other"}'),
        request("POST", BODY, target="/v1.41/containers/create"),
        request("PUT", BODY, target="/v1.41/networks/create"),
    ],
)
async def test_every_other_call_goes_its_own_way(raw: RawEngine, other: Request) -> None:
    unix = UnixTransport(raw.host, early=sent(raw))
    early = await raw.accept()
    call = asyncio.create_task(unix.request(other))
    peer = await raw.accept()
    assert await peer.hear()
    await peer.say(sized(b"other"))
    assert await read(await call) == b"other"
    await unix.close()
    assert await early.hear()
    assert await early.has_hung_up()


async def test_an_engine_that_hangs_up_is_unreachable_and_asked_anew_the_next_time(raw: RawEngine) -> None:
    unix = UnixTransport(raw.host, early=sent(raw))
    (await raw.accept()).hang_up()
    with pytest.raises(EngineUnreachableError):
        await unix.request(create())
    call = asyncio.create_task(unix.request(create()))
    peer = await raw.accept()
    assert await peer.hear()
    await peer.say(sized(b"made"))
    assert await read(await call) == b"made"
    await unix.close()


def test_nothing_is_sent_to_a_socket_where_nobody_listens(tmp_path: Path) -> None:
    assert EarlyCall.send(f"unix://{tmp_path}/engine.sock", "/networks/create", BODY) is None


def test_nobody_waits_for_an_engine_whose_queue_is_full(tmp_path: Path) -> None:
    raw = RawEngine(tmp_path, backlog=0)
    waiting = fill(raw.host.removeprefix("unix://"))
    assert EarlyCall.send(raw.host, "/networks/create", BODY) is None
    for sock in waiting:
        sock.close()
    raw.close()
