"""Where the events of a task are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pillion.core.errors import PillionError
from pillion.core.lifecycle.events import Event


class StoreError(PillionError):
    """The store cannot be written or read. The message says what, where, and what to do."""


class Journal(Protocol):
    """The events of one task, in order. An event is stored before its commands are performed."""

    def append(self, event: Event, at_s: float) -> None:
        """Keep an event that was taken at `at_s` (POSIX seconds). Raises StoreError."""
        ...

    def read(self) -> Sequence[tuple[float, Event]]:
        """Return every event with its time, oldest first. Raises StoreError."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
