"""Log events: lines put together to events, and events cut to the size that CloudWatch takes.

Source: PutLogEvents in the CloudWatch Logs API reference; the habits are those of Docker's awslogs driver.

Surprising: an empty line makes no event, because CloudWatch takes no empty message; it is counted as blank,
not as lost. And each line of a multi-line event keeps its line end, also the last.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

EVENT_OVERHEAD_BYTES: Final = 26
"""What CloudWatch counts for each event on top of its message."""

MESSAGE_BYTES_MAX: Final = 262_144 - EVENT_OVERHEAD_BYTES
"""The longest message of one event, in bytes of UTF-8: 256 KiB less the overhead."""

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class LogEvent(NamedTuple):
    """One event. `size_bytes` is the message's in UTF-8; `lines` are the lines that are complete with it."""

    timestamp_ms: int
    message: str
    size_bytes: int
    lines: int


def make_events(timestamp_ms: int, message: str, lines: int = 1) -> tuple[LogEvent, ...]:
    """Return the events of a message: one, or several where it is too long, or none where it is empty.

    A message is cut between characters, never inside one. Only the last piece completes its lines.
    """
    if not message:
        return ()
    if message.isascii():
        if len(message) <= MESSAGE_BYTES_MAX:
            return (LogEvent(timestamp_ms, message, len(message), lines),)
        data = message.encode()
    else:
        try:
            data = message.encode()
        except UnicodeEncodeError:
            message = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", message)
            data = message.encode()
        if len(data) <= MESSAGE_BYTES_MAX:
            return (LogEvent(timestamp_ms, message, len(data), lines),)
    pieces = _pieces(data)
    last = pieces.pop()
    return (
        *(LogEvent(timestamp_ms, piece.decode(), len(piece), 0) for piece in pieces),
        LogEvent(timestamp_ms, last.decode(), len(last), lines),
    )


def _pieces(data: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    start = 0
    while len(data) - start > MESSAGE_BYTES_MAX:
        end = start + MESSAGE_BYTES_MAX
        while data[end] & 0xC0 == 0x80:  # the middle of a character
            end -= 1
        pieces.append(data[start:end])
        start = end
    return [*pieces, data[start:]]


class EventGrouper:
    """Puts the lines of one container together to events. Give it lines in order; not for several threads.

    Without a pattern every line is an event. With one, an event goes from a line that matches to the next
    one; `expire` ends an event that has waited too long for it, and `finish` the last one.
    """

    def __init__(self, starts_event: re.Pattern[str] | None) -> None:
        self._matches = starts_event.search if starts_event is not None else None
        self._parts: list[str] = []
        self._size_bytes = 0
        self._timestamp_ms = 0
        self.blank_lines = 0
        """Lines that made no event because there is nothing in them."""

    def add(self, timestamp_ms: int, line: str) -> tuple[LogEvent, ...]:
        """Take a line (without its end) and return the events that are complete."""
        if self._matches is None:
            if not line:
                self.blank_lines += 1
            return make_events(timestamp_ms, line)
        size_bytes = len(line.encode(errors="replace")) + 1
        is_full = self._size_bytes + size_bytes > MESSAGE_BYTES_MAX
        done: tuple[LogEvent, ...] = ()
        if self._parts and (is_full or self._matches(line)):
            done = self.finish()
        if not self._parts:
            self._timestamp_ms = timestamp_ms
        self._parts.append(line)
        self._size_bytes += size_bytes
        return done

    @property
    def open_lines(self) -> int:
        """How many lines, the last ones, wait for more to become an event."""
        return len(self._parts)

    def expire(self, before_ms: int) -> tuple[LogEvent, ...]:
        """Return the event that is being collected if its first line is older than `before_ms`."""
        return self.finish() if self._parts and self._timestamp_ms < before_ms else ()

    def finish(self) -> tuple[LogEvent, ...]:
        """Return the event that is being collected, if there is one."""
        if not self._parts:
            return ()
        lines, self._parts, self._size_bytes = self._parts, [], 0
        return make_events(self._timestamp_ms, "\n".join(lines) + "\n", len(lines))
