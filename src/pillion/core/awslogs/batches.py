"""Batches of events as PutLogEvents takes them.

Source: PutLogEvents in the CloudWatch Logs API reference: at most 10,000 events and 1,048,576 bytes (each
event counts its message in UTF-8 and 26 bytes), in order of time, no more than 24 hours from first to last.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Final

from msgspec import Struct

from pillion.core.awslogs.events import EVENT_OVERHEAD_BYTES, LogEvent

BATCH_EVENTS_MAX: Final = 10_000
BATCH_BYTES_MAX: Final = 1_048_576
BATCH_SPAN_MAX_MS: Final = 24 * 60 * 60 * 1000

_by_time = itemgetter(0)


class Batch(Struct, frozen=True, kw_only=True):
    """Events for one call, in order of time; `size_bytes` as CloudWatch counts it."""

    events: tuple[LogEvent, ...]
    size_bytes: int

    @property
    def lines(self) -> int:
        """How many lines are complete with these events."""
        return sum(event.lines for event in self.events)


class Batcher:
    """Collects events; gives a batch away when the next event does not fit."""

    def __init__(self) -> None:
        self._events: list[LogEvent] = []
        self._size_bytes = 0
        self._earliest_ms = 0
        self._latest_ms = 0

    def __bool__(self) -> bool:
        return bool(self._events)

    def add(self, event: LogEvent) -> Batch | None:
        """Take an event; return the batch that was full before it, if there is one."""
        timestamp_ms = event.timestamp_ms
        size_bytes = self._size_bytes + event.size_bytes + EVENT_OVERHEAD_BYTES
        full: Batch | None = None
        if self._events:
            earliest_ms = min(self._earliest_ms, timestamp_ms)
            latest_ms = max(self._latest_ms, timestamp_ms)
            fits = (
                len(self._events) < BATCH_EVENTS_MAX
                and size_bytes <= BATCH_BYTES_MAX
                and latest_ms - earliest_ms <= BATCH_SPAN_MAX_MS
            )
            if not fits:
                full = self.close()
                size_bytes = event.size_bytes + EVENT_OVERHEAD_BYTES
        if not self._events:
            earliest_ms = latest_ms = timestamp_ms
        self._earliest_ms, self._latest_ms = earliest_ms, latest_ms
        self._events.append(event)
        self._size_bytes = size_bytes
        return full

    def close(self) -> Batch | None:
        """Return what has been collected, or None for nothing, and begin anew."""
        if not self._events:
            return None
        events, self._events = self._events, []
        size_bytes, self._size_bytes = self._size_bytes, 0
        return Batch(events=tuple(sorted(events, key=_by_time)), size_bytes=size_bytes)
