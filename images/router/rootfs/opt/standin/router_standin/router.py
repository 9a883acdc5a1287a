"""From inputs through filters to outputs: who gets which record, and when it is sent.

Every output has its own queue and its own thread. Records are sent once a second (`Flush`); a batch that
fails is tried again as often as `Retry_Limit` says, after about six seconds, and then dropped, as Fluent Bit
does. At SIGTERM what waits is sent, for at most `Grace` seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from router_standin.cloudwatch import DeliveryError, Entry
from router_standin.configuration import Section
from router_standin.filters import Filter, Record, make_filter
from router_standin.outputs import Output, make_output

RETRY_WAIT_S = 6.0
WAITING_MAX = 200_000
"""Records that may wait for one output before nothing more is read."""

Log = Callable[[str, str], None]


class Route:
    """One output with its queue."""

    def __init__(self, section: Section, number: int, log: Log) -> None:
        self.label = f"{section.name}.{number}"
        self.matches = matcher(section.get("Match"), section.get("Match_Regex"))
        self.output: Output = make_output(section, log)
        self.waiting: list[Entry] = []
        self.sent = 0
        self.dropped = 0
        limit = (section.get("Retry_Limit") or "1").lower()
        self.retries: float = (
            float("inf")
            if limit in ("no_limits", "false", "off")
            else float(0 if limit == "no_retries" else int(limit))
        )
        self._log = log
        self._thread = ThreadPoolExecutor(1)

    async def flush(self, stopping: asyncio.Event) -> None:
        """Send all that waits; when stopping, retries do not wait."""
        entries, self.waiting = self.waiting, []
        tries = 0
        while entries:
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self.output.deliver, entries)
            except DeliveryError as error:
                tries += 1
                self._log("warn", f"[output:{self.label}] {error}")
                if tries > self.retries:
                    self.dropped += len(entries)
                    self._log("error", f"[engine] chunk of {len(entries)} records cannot be retried: dropped")
                    return
                try:
                    await asyncio.wait_for(stopping.wait(), RETRY_WAIT_S)
                    await asyncio.sleep(0.2)
                except TimeoutError:
                    pass
            else:
                self.sent += len(entries)
                return


class Router:
    """The pipeline of one configuration. Raises ConfigurationError when it is made."""

    def __init__(self, sections: list[Section], log: Log) -> None:
        service = sections[0]
        self.flush_s = float(service.get("Flush") or 1)
        self.grace_s = float(service.get("Grace") or 5)
        self.received = 0
        self._log = log
        self._filters: list[tuple[Callable[[str], bool], Filter]] = [
            (matcher(item.get("Match"), item.get("Match_Regex")), make_filter(item))
            for item in sections
            if item.kind == "FILTER"
        ]
        outputs = [item for item in sections if item.kind == "OUTPUT"]
        self.routes = [Route(item, number, log) for number, item in enumerate(outputs)]
        self._by_tag: dict[str, tuple[list[Filter], list[Route]]] = {}
        self._stopping = asyncio.Event()
        self._flushed = asyncio.Event()

    def ingest(self, tag: str, at_s: float, record: Record) -> None:
        """Take a record from an input."""
        self.received += 1
        if tag not in self._by_tag:
            self._by_tag[tag] = (
                [apply for matches, apply in self._filters if matches(tag)],
                [route for route in self.routes if route.matches(tag)],
            )
        filters, routes = self._by_tag[tag]
        for apply in filters:
            filtered = apply(record)
            if filtered is None:
                return
            record = filtered
        for route in routes:
            route.waiting.append((tag, at_s, record))

    async def room(self) -> None:
        """Wait until no output has too much waiting."""
        while not self._stopping.is_set() and any(len(route.waiting) > WAITING_MAX for route in self.routes):
            self._flushed.clear()
            await self._flushed.wait()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what comes until `stop`, then the rest, for at most the grace time."""
        tasks = [asyncio.create_task(self._pump(route)) for route in self.routes]
        await stop.wait()
        self._stopping.set()
        self._flushed.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self.grace_s)
            for task in late:
                task.cancel()

    async def _pump(self, route: Route) -> None:
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), self.flush_s)
            except TimeoutError:
                await route.flush(self._stopping)
                self._flushed.set()
        await route.flush(self._stopping)


def matcher(pattern: str | None, regex: str | None) -> Callable[[str], bool]:
    """Return what says whether a tag is meant; without any pattern none is. `*` stands for any text."""
    if regex is not None:
        compiled = re.compile(regex)
        return lambda tag: compiled.search(tag) is not None
    if pattern is None:
        return lambda _: False
    text = ".*".join(re.escape(part) for part in pattern.split("*"))
    wildcard = re.compile(text, re.DOTALL)
    return lambda tag: wildcard.fullmatch(tag) is not None
