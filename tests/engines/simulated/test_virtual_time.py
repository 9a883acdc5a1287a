from __future__ import annotations

import asyncio
import socket
import time

import pytest

from pillion.engines.simulated.virtual_time import (
    EPOCH_S,
    NothingLeftToHappenError,
    VirtualClock,
    run_in_virtual_time,
)


def test_ten_minutes_take_no_time() -> None:
    async def wait() -> float:
        await asyncio.sleep(600.0)
        return asyncio.get_running_loop().time()

    before_s = time.perf_counter()
    assert run_in_virtual_time(wait()) == pytest.approx(600.0)
    assert time.perf_counter() - before_s < 60.0  # nothing waits; what else the machine does may hold it up


def test_timers_come_in_the_order_of_their_times() -> None:
    async def collect() -> list[str]:
        order: list[str] = []

        async def at(delay_s: float, name: str) -> None:
            await asyncio.sleep(delay_s)
            order.append(name)

        await asyncio.gather(at(30.0, "last"), at(0.001, "first"), at(29.9, "middle"))
        return order

    assert run_in_virtual_time(collect()) == ["first", "middle", "last"]


def test_timeouts_are_virtual_too() -> None:
    async def give_up() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600.0):
                await asyncio.sleep(7200.0)
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(give_up()) == pytest.approx(3600.0)


def test_what_would_hang_for_ever_is_an_error() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingLeftToHappenError, match="would hang for ever"):
        run_in_virtual_time(hang())


def test_a_socket_that_is_ready_is_served_before_the_clock_moves() -> None:
    async def listen() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            there.send(b"hello")
            alarm = loop.call_later(5.0, there.send, b" too late")
            found = await loop.sock_recv(here, 100)
            alarm.cancel()
        return found, loop.time()

    assert run_in_virtual_time(listen()) == (b"hello", 0.0)


def test_the_clock_tells_posix_time_and_calls_later() -> None:
    async def use() -> tuple[float, float, list[str]]:
        clock, called = VirtualClock(), list[str]()
        before_s = clock.now_s()
        clock.call_later(5.0, lambda: called.append("five"))
        clock.call_later(6.0, lambda: called.append("six")).cancel()
        clock.call_later(-1.0, lambda: called.append("at once"))
        await asyncio.sleep(10.0)
        return before_s, clock.now_s(), called

    before_s, after_s, called = run_in_virtual_time(use())
    assert before_s == EPOCH_S
    assert after_s == pytest.approx(EPOCH_S + 10.0)
    assert called == ["at once", "five"]
