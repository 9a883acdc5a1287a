"""Lines that wait to be sent, up to a number of bytes.

This is Docker's ring buffer of `mode=non-blocking`: a line that does not fit is not taken (the *new* one is
dropped, not the oldest), and an empty buffer takes any line. In blocking mode the caller waits instead.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Line = TypeVar("Line")


class Backlog(Generic[Line]):
    """Lines in order, at most `max_bytes` of them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lines: list[Line] = []
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    def offer(self, line: Line, size_bytes: int) -> bool:
        """Take a line, or return False if there is no room for it."""
        if self._lines and self._size_bytes + size_bytes > self._max_bytes:
            return False
        self._lines.append(line)
        self._size_bytes += size_bytes
        return True

    def take(self) -> list[Line]:
        """Return all lines and be empty."""
        lines, self._lines = self._lines, []
        self._size_bytes = 0
        return lines
