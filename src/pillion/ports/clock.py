"""Time for the runtime: what time it is, and how to be called later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A call that has not happened yet."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Clock(Protocol):
    """POSIX time, and calls at a later time."""

    def now_s(self) -> float:
        """Return the time in POSIX seconds."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        """Call `callback` after `delay_s` seconds, from the running event loop."""
        ...
