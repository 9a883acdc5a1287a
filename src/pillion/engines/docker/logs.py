"""A container's output, line by line, from its start to its very end.

Docker sends frames (8 bytes: stream, three zeros, length) or, for a terminal, the bare bytes; every message
begins with its time. A message longer than 16 KiB comes in pieces, of which only the last ends with a
newline: they are put together again. When a container stops, Docker ends the stream, sometimes before the
last lines; so the rest is read once more from the last known time, and what was seen already is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from struct import Struct
from typing import Protocol

from pillion.core.log_position import LogPosition, ReadingMark
from pillion.ports.engine import LogLine

LINE_BYTES_MAX = 1 << 20
"""A longer line is delivered in parts: whoever writes one without end shall not fill our memory."""

_HEADER = Struct(">BxxxL")
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}
_SECOND_END = len("2026-11-24T02:20:30")


class LogReader:
    """Turns the bytes of a log stream into lines. One per connection; holds what is not yet complete."""

    def __init__(self, container: str, *, tty: bool) -> None:
        self._container = container
        self._tty = tty
        self._rest = b""
        self._parts: dict[str, tuple[bytes, list[bytes], int]] = {}
        self._second = b""
        self._second_s = 0.0

    def feed(self, chunk: bytes) -> Iterator[LogLine]:
        """Take some bytes; yield each line that they complete."""
        return self._feed_raw(chunk) if self._tty else self._feed_frames(chunk)

    def finish(self) -> Iterator[LogLine]:
        """Yield what was left without an end."""
        if self._tty and self._rest:
            rest, self._rest = self._rest, b""
            yield from self._message("stdout", rest)
        for stream in tuple(self._parts):
            yield self._complete(stream)

    def _feed_frames(self, chunk: bytes) -> Iterator[LogLine]:
        data = self._rest + chunk if self._rest else chunk
        position, end = 0, len(data)
        header = _HEADER.size
        while end - position >= header:
            stream, length = _HEADER.unpack_from(data, position)
            after = position + header + length
            if after > end:
                break
            yield from self._message(_STREAMS.get(stream, "stdout"), data[position + header : after])
            position = after
        self._rest = data[position:]

    def _feed_raw(self, chunk: bytes) -> Iterator[LogLine]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield from self._message("stdout", line + b"\n")

    def _message(self, stream: str, message: bytes) -> Iterator[LogLine]:
        stamp, _, text = message.partition(b" ")
        ends = text.endswith(b"\n")
        if ends and stream not in self._parts:
            yield self._line(stream, stamp, text)
            return
        first, parts, size = self._parts.get(stream, (stamp, [], 0))
        parts.append(text)
        self._parts[stream] = (first, parts, size + len(text))
        if ends or size + len(text) >= LINE_BYTES_MAX:
            yield self._complete(stream)

    def _complete(self, stream: str) -> LogLine:
        stamp, parts, _ = self._parts.pop(stream)
        return self._line(stream, stamp, b"".join(parts))

    def _line(self, stream: str, stamp: bytes, text: bytes) -> LogLine:
        if text.endswith(b"\r\n"):
            text = text[:-2]
        elif text.endswith(b"\n"):
            text = text[:-1]
        return LogLine(
            container=self._container,
            stream=stream,
            message=text.decode(errors="replace"),
            at_s=self._seconds(stamp),
            stamp=stamp.decode("ascii"),
        )

    def _seconds(self, stamp: bytes) -> float:
        """Parse a time like 2026-11-24T02:20:30.123456789Z; the whole second is kept, as most repeat."""
        second = stamp[:_SECOND_END]
        if second != self._second:
            moment = datetime.fromisoformat(second.decode("ascii")).replace(tzinfo=UTC)
            self._second, self._second_s = second, moment.timestamp()
        fraction = stamp[_SECOND_END:].rstrip(b"Z")
        return self._second_s + float(fraction) if fraction else self._second_s


class Bookmark(Protocol):
    """Which lines were delivered, so that a second reading brings each of the others once."""

    def add(self, stamp: str) -> None:
        """Note a delivered line."""
        ...

    def begin_again(self) -> str:
        """Begin a second reading; return its `since` parameter."""
        ...

    def is_new(self, stamp: str) -> bool:
        """Say, in a second reading, whether a line was not delivered yet."""
        ...


class LineCount:
    """A bookmark that counts: for Podman, whose times have whole seconds only. It reads from the start."""

    def __init__(self, after: LogPosition | None = None) -> None:
        self._delivered = after.lines if after else 0
        self._skip = 0

    def add(self, stamp: str) -> None:
        """Note a delivered line."""
        self._delivered += 1

    def begin_again(self) -> str:
        """Begin a second reading; return its `since` parameter."""
        self._skip = self._delivered
        return "0"

    def is_new(self, stamp: str) -> bool:
        """Say, in a second reading, whether a line was not delivered yet."""
        self._skip -= 1
        return self._skip < 0


class Window:
    """A bookmark that remembers times: for Docker, which can be asked for what came after one.

    `core.log_position` says how many are remembered, and what counts as delivered.
    """

    def __init__(self, after: LogPosition | None = None) -> None:
        self._mark = ReadingMark(after)
        self._known: Counter[str] = Counter()

    def add(self, stamp: str) -> None:
        """Note a delivered line."""
        self._mark.add(stamp)

    def begin_again(self) -> str:
        """Begin a second reading; return its `since` parameter."""
        self._known = Counter(self._mark.recent)
        return _since(self._mark.before) if self._mark.before else "0"

    def is_new(self, stamp: str) -> bool:
        """Say, in a second reading, whether a line was not delivered yet."""
        if stamp <= self._mark.before:
            return False
        if self._known[stamp]:
            self._known[stamp] -= 1
            return False
        return True


def _since(stamp: str) -> str:
    """Write a time as the `since` parameter: seconds and nanoseconds, exactly."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return f"{seconds}.{fraction or '0'}"
