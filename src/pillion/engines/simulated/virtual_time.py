"""An event loop whose clock jumps: it never waits for a timer, it goes to the time of the next one.

Ten minutes of a task's life take milliseconds, in an order that is the same every time. Real input and
output still works (a socket that is ready is served before the clock moves), but nobody waits for it in
virtual time: code under this loop should have no partner outside.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pillion.ports.clock import TimerHandle

EPOCH_S = 1_750_000_000.0
"""POSIX time at which every virtual run begins: a day in June 2025, so that times look like times."""

Result = TypeVar("Result")


class NothingLeftToHappenError(RuntimeError):
    """Everybody waits and no timer is set: in real time this program would hang for ever."""

    def __init__(self) -> None:
        super().__init__("everything waits for something else and no timer is set: this would hang for ever")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop in virtual time. `time` begins at 0 and moves only when nothing else can."""

    def __init__(self) -> None:
        self._time_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._time_s

    def jump(self, by_s: float) -> None:
        """Move the clock forward."""
        self._time_s += by_s


class _JumpingSelector(selectors.DefaultSelector):
    """Asked to wait for a socket or for the next timer, it looks at the sockets and moves the clock."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise NothingLeftToHappenError
            self._loop.jump(max(0.0, timeout))
        return ready


class VirtualClock:
    """Implements `ports.clock.Clock` on whatever loop runs, which gives virtual time under a virtual loop."""

    def now_s(self) -> float:
        """Return the time in POSIX seconds."""
        return EPOCH_S + asyncio.get_running_loop().time()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        """Call `callback` after `delay_s` seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), callback)


def run_in_virtual_time(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a fresh loop in virtual time, as `asyncio.run` does in real time.

    Raises:
        NothingLeftToHappenError: it waits for something that will never happen.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
