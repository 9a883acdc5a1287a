"""Where the body of an answer ends, without I/O: by its length, in chunks, or with the connection.

h11 could tell, too, but its reader of chunks takes 7 microseconds for each, and Docker sends every line of a
log as a chunk of its own: 16 MB/s. Here the chunks that came together become one piece of the body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

LINE_BYTES_MAX = 4096
"""Longer than any line that stands before a chunk; Go sends the size and nothing else."""

TRAILER_BYTES_MAX = 1 << 14

_NO_BODY = (204, 304)
_SIZE = rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n"
_FIRST_SIZE = re.compile(_SIZE)
_NEXT_SIZE = re.compile(rb"\r\n" + _SIZE)  # with the end of the chunk before it


class FramingError(ConnectionError):
    """The body does not come as HTTP has it, or breaks off."""


class Framing(Protocol):
    """Follows one body. `is_done` when all of it was fed; what came behind its end is `rest`."""

    is_done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Take what was received; return what of it is the body. Raises FramingError."""
        ...

    def end(self) -> None:
        """Take the end of the connection. Raises FramingError where it is not that of the body, too."""
        ...


def framing_of(status: int, headers: Sequence[tuple[bytes, bytes]]) -> Framing:
    """Return how the body of an answer to GET, POST, PUT or DELETE is framed (RFC 9112, 6.3).

    The headers are those of h11: names in small letters, lengths that are numbers, no coding but `chunked`.
    """
    if status in _NO_BODY:
        return SizedBody(0)
    found = dict(headers)
    if b"transfer-encoding" in found:
        return ChunkedBody()
    if b"content-length" in found:
        return SizedBody(int(found[b"content-length"]))
    return UnboundedBody()


class SizedBody:
    """A body whose length was told."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.is_done = not size
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take what was received; return what of it is the body."""
        body, self.rest = data[: self._left], data[self._left :]
        self._left -= len(body)
        self.is_done = not self._left
        return body

    def end(self) -> None:
        """Take the end of the connection."""
        if not self.is_done:
            raise FramingError(f"the answer broke off {self._left} bytes before its end")


class UnboundedBody:
    """A body that ends with its connection."""

    def __init__(self) -> None:
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take what was received: all of it is the body."""
        return data

    def end(self) -> None:
        """Take the end of the connection, which is that of the body."""
        self.is_done = True


class ChunkedBody:
    """A body in chunks of told sizes; the last one is empty, and trailers may follow it."""

    def __init__(self) -> None:
        self.is_done = False
        self.rest = b""
        self._left = 0
        self._size = _FIRST_SIZE
        self._in_trailer = False

    def feed(self, data: bytes) -> bytes:
        """Take what was received; return the contents of its chunks. Raises FramingError."""
        if self.rest:
            data, self.rest = self.rest + data, b""
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while not self._in_trailer:
            if self._left:
                stop = min(position + self._left, end)
                pieces.append(data[position:stop])
                self._left -= stop - position
                position = stop
                if self._left or position == end:
                    break
            head = self._size.match(data, position)
            if head is None:
                self._keep(data, position)
                break
            position = head.end()
            self._left = int(head[1], 16)
            self._size = _NEXT_SIZE
            if not self._left:
                self._in_trailer = True
                position -= 2  # the end of this line: an empty one ends the trailer, also as the first
        if self._in_trailer:
            self._pass_trailer(data[position:])
        return b"".join(pieces)

    def end(self) -> None:
        """Take the end of the connection."""
        if not self.is_done:
            raise FramingError("the answer broke off before its last chunk")

    def _keep(self, data: bytes, position: int) -> None:
        """Keep the beginning of a line that is not here in full, if that is what it is."""
        after_end = 2 if self._size is _NEXT_SIZE else 0
        line = data[position : position + LINE_BYTES_MAX]
        is_broken = after_end and not b"\r\n".startswith(line[:after_end])
        if is_broken or b"\r\n" in line[after_end:] or len(line) == LINE_BYTES_MAX:
            raise FramingError(f"the answer has a broken chunk: {line[:32]!r}")
        self.rest = line

    def _pass_trailer(self, data: bytes) -> None:
        """Pass over the lines behind the last chunk, up to the empty one."""
        _, empty_line, behind = data.partition(b"\r\n\r\n")
        if empty_line:
            self.is_done, self.rest = True, behind
        elif len(data) > TRAILER_BYTES_MAX:
            raise FramingError("the answer's trailer has no end")
        else:
            self.rest = data
