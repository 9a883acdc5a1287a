"""How far the output of one container was read, so that a later reading can go on exactly there.

An engine that stamps lines with nanoseconds is asked for what came after a stamp. Several lines may share
one, and the two streams of a container may be a little out of order: so the stamps of the last lines are
remembered, and everything that is not later than the lines before those counts as read. An engine whose
stamps are coarser is read from the start, and so many lines are passed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice

from msgspec import Struct

WINDOW_LINES = 1024
"""How many lines are remembered by stamp; the streams of one container are hardly ever further out of order.

Docker stamps each stream apart, and on a loaded machine one of them may be held up between its stamp and its
place in the log while hundreds of lines of the other pass: more than 256 four times in eighty bursts of 512
lines beside eight busy loops on two cores. Whoever goes on behind those takes such a line for one that was
read. A container that wrote that much has 100 KB of stamps in memory.
"""

_SECOND_END = len("2026-11-24T02:20:30")


class LogPosition(Struct, frozen=True, kw_only=True):
    """The place in a container's output up to which it was read.

    Attributes:
        lines: how many lines were read.
        before: the latest stamp of the lines before `stamps`; empty where there are none.
        stamps: the engine's stamps of the last lines, at most WINDOW_LINES, in the order of reading.
    """

    lines: int = 0
    before: str = ""
    stamps: tuple[str, ...] = ()


class ReadingMark:
    """Moves on with every line that is read of one container."""

    def __init__(self, position: LogPosition | None = None) -> None:
        position = position or LogPosition()
        self.lines = position.lines
        self.before = position.before
        self.recent = deque(position.stamps)

    def add(self, stamp: str) -> None:
        """Note a line that was read."""
        self.lines += 1
        self.recent.append(stamp)
        if len(self.recent) > WINDOW_LINES:
            self.before = max(self.before, self.recent.popleft())

    def add_all(self, stamps: Sequence[str]) -> None:
        """Note lines that were read one after the other; for many quicker than `add` for each."""
        self.lines += len(stamps)
        self.recent.extend(stamps)
        surplus = len(self.recent) - WINDOW_LINES
        if surplus > 0:
            self.before = max(self.before, *islice(self.recent, surplus))
        for _ in range(surplus):
            self.recent.popleft()

    @property
    def position(self) -> LogPosition:
        """The place as it is now."""
        return LogPosition(lines=self.lines, before=self.before, stamps=tuple(self.recent))


def stamp_of(at_s: float) -> str:
    """Write a time (POSIX seconds) as Docker does: RFC 3339 in UTC with nine digits."""
    nanoseconds = round(at_s * 1_000_000) * 1000
    second, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def seconds_of(stamp: str) -> float:
    """Read a time that `stamp_of` or an engine wrote; return POSIX seconds. Raises ValueError."""
    second_s = _second_s(stamp[:_SECOND_END])
    fraction = stamp[_SECOND_END:].removesuffix("Z")
    return second_s + float(fraction) if fraction else second_s


@lru_cache(maxsize=64)
def _second_s(text: str) -> float:
    """Read a whole second; kept, because the lines of a second follow one another."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
