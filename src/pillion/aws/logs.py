"""Delivers the lines of a container to CloudWatch Logs, as Docker's awslogs driver does.

A sink takes lines at once and sends them in the background: in batches, at the latest five seconds after a
batch was begun, one batch at a time, so that a stream keeps its order. What fails is tried again with
growing pauses, and counted as failed when it goes on failing.

Surprising: in blocking mode the *reader* of the container's output waits, never the container itself, because
pillion reads what the engine has already stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from pillion.core.awslogs.backlog import Backlog
from pillion.core.awslogs.batches import Batch, Batcher
from pillion.core.awslogs.events import EventGrouper, LogEvent
from pillion.core.awslogs.options import AwslogsOptions
from pillion.ports.aws import AwsCallError, LogReport
from pillion.ports.engine import LogLine

BLOCKING_BACKLOG_BYTES: Final = 4 * 1024 * 1024
"""Four batches: enough to keep sending while the next lines are read."""

TRIES_MAX: Final = 8
RETRY_PAUSE_FIRST_S: Final = 0.1
RETRY_PAUSE_MAX_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 30.0
"""How long the rest may take when the container has ended."""

_FINAL_CODES: Final = frozenset(
    {
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidParameterException",
        "UnrecognizedClientException",
        "NoCredentialsError",
        "SerializationException",
        "Unavailable",
    }
)
"""Failures that another try does not cure."""

Put = Callable[[Sequence[LogEvent]], Awaitable[Mapping[str, int]]]
"""Sends one batch; returns how many lines were not taken, by cause. Raises AwsCallError."""


class LogTarget(Struct, frozen=True, kw_only=True):
    """Where a container's lines go."""

    container: str
    group: str
    stream: str


def _nobody_asks(lines: int) -> None:
    """Nobody will go on with these lines."""


class AwslogsSink:
    """Takes lines and delivers them; use it from one event loop, and close it.

    Args:
        target: where the lines go.
        options: of the driver.
        put: sends one batch.
        now_ms: the time in POSIX milliseconds, by the same clock as the lines' own.
        pause: waits so many seconds, between two tries.
        settled: told, after each batch, of how many of the lines that were written here the fate is decided,
            counted from the first: they were delivered, dropped, blank or given up. Whoever takes the task
            over begins behind them.
    """

    def __init__(
        self,
        target: LogTarget,
        options: AwslogsOptions,
        put: Put,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settled: Callable[[int], None] = _nobody_asks,
    ) -> None:
        self._target = target
        self._options = options
        self._put = put
        self._now_ms = now_ms
        self._pause = pause
        self._settled = settled
        limit = BLOCKING_BACKLOG_BYTES if options.blocking else options.max_buffer_bytes
        self._backlog: Backlog[tuple[int, LogLine]] = Backlog(limit)
        self._grouper = EventGrouper(options.starts_event)
        self._batcher = Batcher()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None
        self._written = 0
        self._fed = 0
        self._delivered = 0
        self._dropped = 0
        self._causes: Counter[str] = Counter()

    async def write(self, line: LogLine) -> None:
        """Take a line. Waits while the buffer is full in blocking mode; drops the line in the other."""
        self._written += 1
        message = line.message
        size_bytes = len(message) if message.isascii() else len(message.encode(errors="replace"))
        numbered = (self._written, line)
        while not self._backlog.offer(numbered, size_bytes):
            if not self._options.blocking:
                self._dropped += 1
                return
            self._room.clear()
            await self._room.wait()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name=f"awslogs {self._target.container}")
        self._wake.set()

    async def close(self) -> LogReport:
        """Deliver what is left, for at most 30 seconds, and say what became of all lines."""
        self._closing = True
        self._wake.set()
        if self._worker is not None:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._worker
            except TimeoutError:
                self._worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._worker
        return self.report()

    def report(self) -> LogReport:
        """Say what became of the lines so far; those still on their way count as failed."""
        blank = self._grouper.blank_lines
        failed = self._written - self._delivered - self._dropped - blank
        causes = dict(self._causes)
        if unexplained := failed - sum(causes.values()):
            causes["not sent in time"] = unexplained
        return LogReport(
            container=self._target.container,
            group=self._target.group,
            stream=self._target.stream,
            written=self._written,
            delivered=self._delivered,
            blank=blank,
            dropped=self._dropped,
            failed=failed,
            causes=causes,
        )

    async def _work(self) -> None:
        deadline_s: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline_s):
                    await self._wake.wait()
            self._wake.clear()
            await self._send_lines()
            if self._closing and not self._backlog:
                await self._flush(expire_before_ms=None)
                return
            if deadline_s is not None and loop.time() >= deadline_s:
                interval_ms = int(self._options.flush_interval_s * 1000)
                await self._flush(expire_before_ms=self._now_ms() - interval_ms)
                deadline_s = None
            if deadline_s is None:
                deadline_s = loop.time() + self._options.flush_interval_s

    async def _send_lines(self) -> None:
        """Take all waiting lines; send the batches that are full."""
        while lines := self._backlog.take():
            self._room.set()
            add_line, add_event = self._grouper.add, self._batcher.add
            for number, line in lines:
                events = add_line(int(line.at_s * 1000), line.message)
                for event in events:
                    if (full := add_event(event)) is not None:
                        await self._deliver(full)
                        # Decided is what goes before these events and before what waits for more lines.
                        self._settled(number - sum(item.lines for item in events) - self._grouper.open_lines)
                self._fed = number

    async def _flush(self, *, expire_before_ms: int | None) -> None:
        """Send everything that is collected; a multi-line event only if it is old, or None for any."""
        grouper = self._grouper
        ended = grouper.finish() if expire_before_ms is None else grouper.expire(expire_before_ms)
        batches = [*(self._batcher.add(event) for event in ended), self._batcher.close()]
        for batch in batches:
            if batch is not None:
                await self._deliver(batch)
        if any(batches):
            self._settled(self._fed - self._grouper.open_lines)

    async def _deliver(self, batch: Batch) -> None:
        pause_s = RETRY_PAUSE_FIRST_S
        for number in range(1, TRIES_MAX + 1):
            try:
                rejected = await self._put(batch.events)
            except AwsCallError as error:
                if error.code in _FINAL_CODES or number == TRIES_MAX:
                    self._causes[f"{error.code}: {error.message}".rstrip(": ")] += batch.lines
                    return
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, RETRY_PAUSE_MAX_S)
            else:
                self._causes.update(rejected)
                self._delivered += batch.lines - sum(rejected.values())
                return
