"""How `pillion serve` ends: when it is told to, and then whatever it is busy with.

What a server lets go of at its end may not let go of the server: an engine that does not answer, a thread,
a delivery. Its tasks lose nothing when it is killed, so in the end it kills itself. Part of the composition
root.
"""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

END_S = 15.0
"""How long the end may take: a little longer than the output of a task that is over is waited for."""

FORCED = 1
"""The exit code of a server that did not come to its end by itself."""


class Ending:
    """Takes SIGINT, SIGTERM and SIGHUP from now on, for good. Made in the main thread, in its event loop.

    Args:
        say: told why the process ends by force.
        busy_with: says in words what it could not let go of.
        limit_s: how long the end may take.
    """

    def __init__(
        self, *, say: Callable[[str], None], busy_with: Callable[[], str], limit_s: float = END_S
    ) -> None:
        self._say = say
        self._busy_with = busy_with
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        self._has_begun = False
        # A lock would not do: a signal may come while the main thread holds it.
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()
        threading.Thread(target=self._force, name="ending", daemon=True).start()
        for number in SIGNALS:
            # Not asyncio's own way, which is not heard while the event loop stands still.
            signal.signal(number, self._take)

    async def told(self) -> None:
        """Return when a signal has come, or somebody has called `begin`."""
        await self._told.wait()

    def begin(self) -> None:
        """Begin to end, without a signal; from now on the time counts."""
        if not self._has_begun:
            self._has_begun = True
            self._calls.put(None)
        self._told.set()

    def _take(self, number: int, frame: object) -> None:
        del frame
        if self._has_begun and number == signal.SIGHUP:
            return  # a terminal that is closed tells it, and so does the shell in it
        self._has_begun = True
        self._calls.put(None)
        with suppress(RuntimeError):  # the loop is closed: the process is at its end
            self._loop.call_soon_threadsafe(self._told.set)

    def _force(self) -> None:
        """Wait for the end to begin, and then for a second signal or until the time is over."""
        self._calls.get()
        try:
            self._calls.get(timeout=self._limit_s)
        except queue.Empty:
            why = f"does not come to its end within {self._limit_s:g} s"
        else:
            why = "was told twice"
        try:
            self._say(f"{why}, and ends at once; {self._busy_with()}")
        finally:
            os._exit(FORCED)
