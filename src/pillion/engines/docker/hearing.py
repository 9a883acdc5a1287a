"""What a task hears from the engine: sightings of the feed in, core events out, in an outbox.

A sighting that needs an inspection gets it beside the others, so that one container never waits for
another. An exit with code 0 is told before it is inspected, because a dependant may be waiting for it; any
other is inspected first, because what the engine adds (out of memory) is the reason that people look for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from msgspec.structs import replace

from pillion.core.lifecycle.events import Event, Exited, HealthChanged, Started
from pillion.core.lifecycle.states import HealthStatus
from pillion.engines.docker import watch
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.engines.docker.facts import found_in
from pillion.engines.docker.record import Record, inspect
from pillion.engines.docker.watch import Seen, Sighting
from pillion.ports.engine import EngineError, EngineUnreachableError

PROBE_SETTLES_S = 0.05
"""The engine tells of a probe's end a moment before it notes the result."""

OUTBOX_EVENTS_MAX = 100_000
"""Events waiting to be taken. A task makes a handful per container."""


class Hearing:
    """Listens to the feed for one task. Implements `feed.Listener`."""

    def __init__(self, client: DockerClient, records: Mapping[str, Record]) -> None:
        self._client = client
        self._records = records
        self._outbox: asyncio.Queue[Event | EngineUnreachableError | None] = asyncio.Queue(OUTBOX_EVENTS_MAX)
        self._jobs: set[asyncio.Task[None]] = set()
        self._closed = False

    def saw(self, sighting: Sighting) -> None:
        """Take an event of the engine."""
        record = self._records.get(sighting.container)
        if record is None or (record.runtime_id and sighting.runtime_id != record.runtime_id):
            return
        name = sighting.container
        match sighting.kind:
            case Seen.START:
                record.started_at_s = sighting.at_s
                record.healthy = False
                record.ended.clear()
                record.running.set()
                self.tell(Started(container=name, at_s=sighting.at_s))
            case Seen.DIE if record.running.is_set() or not record.starts:
                self._end(record, sighting)
            case Seen.DESTROY if record.ahead is not None:
                if record.ahead.runtime_id == sighting.runtime_id:
                    record.ahead = None  # somebody tidied up: it will be made when it is asked for
            case Seen.DESTROY if record.runtime_id:  # not while it is made anew with other ports
                self.tell(watch.gone(name))
            case Seen.HEALTH if record.plan.health is not None:
                self._begin(self._tell_health(record, watch.health_changed))
            case Seen.PROBE if record.plan.health is not None and not record.healthy:
                self._begin(self._tell_health(record, watch.health_probed, after_s=PROBE_SETTLES_S))
            case _:
                pass  # an end without a start: the start failed, and its call says so

    def look_again(self) -> None:
        """Events may have been missed: inspect every container that was started."""
        self._begin(self._look_at_all())

    def lost(self, error: EngineUnreachableError) -> None:
        """There will be no more events."""
        self._outbox.put_nowait(error)

    def tell(self, event: Event) -> None:
        """Put an event into the outbox."""
        self._outbox.put_nowait(event)

    async def told(self) -> AsyncIterator[Event]:
        """Empty the outbox, until `close`. Raises EngineUnreachableError."""
        while not (self._closed and self._outbox.empty()):
            item = await self._outbox.get()
            if item is None:
                return
            if isinstance(item, EngineUnreachableError):
                raise item
            yield item

    async def look(self, record: Record) -> tuple[Event, ...]:
        """Inspect a container; say what is true of it. Raises EngineError (CannotInspectContainerError)."""
        name = record.plan.name
        try:
            inspection = await inspect(self._client, record)
        except (ApiError, DeadlinePassedError) as error:
            if isinstance(error, ApiError) and error.is_missing:
                return (watch.gone(name),)
            raise named(error, "CannotInspectContainerError", reaching="inspecting") from error
        if inspection["State"].get("Running"):
            record.found = found_in(inspection)
        return watch.as_events(name, inspection, has_health=record.plan.health is not None)

    async def close(self) -> None:
        """Hear no more; `told` ends."""
        self._closed = True
        jobs = tuple(self._jobs)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        self._outbox.put_nowait(None)

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more events."""
        return self._closed

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _end(self, record: Record, sighting: Sighting) -> None:
        record.running.clear()
        early = Exited(container=record.plan.name, exit_code=sighting.exit_code, at_s=sighting.at_s)
        if sighting.exit_code == 0:
            self.tell(early)
            record.ended.set()
        self._begin(self._tell_end(record, early, record.starts))

    async def _tell_end(self, record: Record, early: Exited, start: int) -> None:
        event = early
        try:
            state = (await inspect(self._client, record))["State"]
            if watch.has_ended(state) and watch.parse_time(state.get("FinishedAt", "")) is not None:
                event = watch.ended(record.plan.name, state)
                if event.at_s is not None and record.started_at_s is not None:
                    event = replace(event, at_s=max(event.at_s, record.started_at_s))  # see `watch.ended`
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            pass  # the agent, too, falls back on the code of the event; Podman's may know no more at first
        if event != early or not record.ended.is_set():
            self.tell(event)
        if record.starts == start and not record.running.is_set():  # else it is started again meanwhile
            record.ended.set()

    async def _tell_health(
        self, record: Record, read: Callable[[str, Mapping[str, Any]], Event], *, after_s: float = 0.0
    ) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        try:
            state = (await inspect(self._client, record))["State"]
        except (ApiError, DeadlinePassedError, EngineUnreachableError):
            return  # the container is gone, or the feed will say that the engine is
        if state.get("Running"):
            event = read(record.plan.name, state)
            if isinstance(event, HealthChanged):
                record.healthy = event.status is HealthStatus.HEALTHY
            self.tell(event)

    async def _look_at_all(self) -> None:
        for record in self._records.values():
            if record.starts:
                try:
                    events = await self.look(record)
                except (EngineError, EngineUnreachableError):
                    continue  # the runner looks again from time to time
                for event in events:
                    self.tell(event)
