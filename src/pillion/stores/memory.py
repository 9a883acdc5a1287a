"""A journal in memory: for tests, simulations and one-shot runs."""

from __future__ import annotations

from collections.abc import Sequence

from pillion.core.lifecycle.events import Event


class MemoryJournal:
    """Keeps the events of one task in a list."""

    def __init__(self) -> None:
        self._events: list[tuple[float, Event]] = []

    def append(self, event: Event, at_s: float) -> None:
        """Keep an event."""
        self._events.append((at_s, event))

    def read(self) -> Sequence[tuple[float, Event]]:
        """Return every event with its time, oldest first."""
        return tuple(self._events)

    def close(self) -> None:
        """Nothing to let go of."""
