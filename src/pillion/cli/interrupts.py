"""Ctrl-C while a task runs: the first stops it in ECS's order, the second kills it."""

from __future__ import annotations

import asyncio
import signal
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


class Interrupts:
    """Takes SIGINT, SIGTERM and SIGHUP for a task; `count` says how often the user asked."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.count = 0

    def __enter__(self) -> Interrupts:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def _take(self) -> None:
        self.count += 1
        if self.count == 1:
            self._control.stop()
        else:
            self._control.kill()
