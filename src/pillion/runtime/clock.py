"""The real clock, on asyncio's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pillion.ports.clock import TimerHandle


class SystemClock:
    """Wall-clock time for people and the journal; delays by the loop's own steady time.

    A jump of the wall clock therefore moves no timer.
    """

    def now_s(self) -> float:
        """Return the time in POSIX seconds."""
        return time.time()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        """Call `callback` after `delay_s` seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), callback)
