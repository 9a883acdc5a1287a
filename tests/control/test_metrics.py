"""Metrics over TCP."""

from __future__ import annotations

import asyncio
import socket
import time

import aiohttp
import pytest

from pillion.control.metrics import MetricsAddressError, MetricsServer, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_is_a_port_with_or_without_an_ip(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["", "metrics", "127.0.0.1:", "0", "70000", "1:2:x", "٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(MetricsAddressError, match="such as 9464"):
        read_address(text)


async def test_metrics_are_rendered_when_somebody_asks_and_nothing_else_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = iter(("one 1\n", "two 2\n"))
    async with (
        MetricsServer(("127.0.0.1", port), lambda: next(asked)),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for expected in ("one 1\n", "two 2\n"):
            async with session.get("/metrics") as response:
                assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
                assert await response.text() == expected
        async with session.post("/v1/tasks") as response:
            assert response.status == 404


async def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MetricsAddressError, match=f"cannot be served at 127.0.0.1:{port}: Address"):
            async with MetricsServer(("127.0.0.1", port), str):
                pass


@pytest.mark.slow
async def test_whoever_asks_half_a_question_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begun_s = 0.0
    with socket.socket() as asking:
        async with MetricsServer(("127.0.0.1", port), str):
            asking.connect(("127.0.0.1", port))
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
            assert await asyncio.to_thread(asking.recv, 12) == b"HTTP/1.1 200"
            begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 5  # aiohttp's own patience is ten seconds and more
