"""Ctrl-C during a run: what it does before there is an event loop, in it, and afterwards."""

from __future__ import annotations

import asyncio
import signal

from pillion.cli.interrupts import Interrupts


class Control:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heard = asyncio.Event()

    def stop(self) -> None:
        self.asked.append("stop")
        self.heard.set()

    def kill(self) -> None:
        self.asked.append("kill")


def test_before_the_loop_it_is_counted_and_cuts_nothing_off() -> None:
    control = Control()
    with Interrupts(control) as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert (control.asked, interrupts.count) == (["stop"], 1)
        signal.raise_signal(signal.SIGTERM)
        assert (control.asked, interrupts.count) == (["stop", "kill"], 2)


async def test_in_the_loop_it_wakes_who_waits() -> None:
    control = Control()
    with Interrupts(control) as interrupts, interrupts.within(asyncio.get_running_loop()):
        signal.raise_signal(signal.SIGHUP)
        assert control.asked == []  # it is told in the loop, between two of its steps
        async with asyncio.timeout(5):
            await control.heard.wait()
    assert interrupts.count == 1


def test_afterwards_the_signals_mean_what_they_did() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with Interrupts(Control()):
        assert all(signal.getsignal(number) not in before for number in numbers)
    assert [signal.getsignal(number) for number in numbers] == before
