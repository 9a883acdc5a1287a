"""Ctrl-C while a task runs: the first stops it in ECS's order, the second kills it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Control(Protocol):
    """What can be stopped, and then killed."""

    def stop(self) -> None:
        """Stop in order."""
        ...

    def kill(self) -> None:
        """End now."""
        ...


class Loop(Protocol):
    """What has to be woken to take a signal: an event loop."""

    def call_soon_threadsafe(self, callback: Callable[[], None], /) -> object:
        """Call `callback` in the loop."""
        ...


class Interrupts:
    """Takes SIGINT, SIGTERM and SIGHUP for a task; `count` says how often the user asked.

    It may be entered before there is an event loop: from then on nothing is cut off in the middle.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._loop: Loop | None = None
        self.count = 0

    def __enter__(self) -> Interrupts:
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def within(self, loop: Loop) -> Iterator[None]:
        """Take signals in the loop that runs now."""
        self._loop = loop
        try:
            yield
        finally:
            self._loop = None

    def _hear(self, *_: object) -> None:
        if self._loop is None:
            self._take()
        else:
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self.count += 1
        if self.count == 1:
            self._control.stop()
        else:
            self._control.kill()
