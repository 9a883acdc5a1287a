"""The engine's event stream: one subscription per engine, handed out to the tasks it concerns.

A stream that breaks off is opened again from the moment of the last event, and every task is told to look
for itself, because an engine that was restarted has forgotten its events. After `RECONNECT_S` without
success every task is told that the engine is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from pillion.core.errors import unforeseen
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.watch import Sighting, event_time, sighting
from pillion.ports.engine import EngineUnreachableError

RECONNECT_S = 10.0
"""How long a lost event stream is tried for. A restart of the daemon takes 1-5 s."""

PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""The waits between the tries; the last one repeats."""

REMEMBERED_MAX = 256
"""How many events are remembered, to drop those told again after a reconnection. The engine keeps as many."""

_ROUNDING_S = 1e-6
"""Nanoseconds do not fit a float: ask from a little earlier, and drop what is known."""


class Listener(Protocol):
    """A task that wants to know."""

    def saw(self, sighting: Sighting) -> None:
        """Take an event. Must not block."""
        ...

    def look_again(self) -> None:
        """Events may have been missed."""
        ...

    def lost(self, error: EngineUnreachableError) -> None:
        """There will be no more events."""
        ...


class EventFeed:
    """Reads the event stream of one engine while anybody listens."""

    def __init__(self, client: DockerClient, *, reconnect_s: float = RECONNECT_S) -> None:
        self._client = client
        self._reconnect_s = reconnect_s
        self._listeners: dict[str, Listener] = {}
        self._reader: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._failure: EngineUnreachableError | None = None
        self._since_s = 0.0
        self._had_been_open = False
        self._remembered: dict[tuple[object, ...], None] = {}

    def subscribe(self, task_id: str, listener: Listener) -> None:
        """Send the events of a task to `listener`."""
        self._listeners[task_id] = listener

    async def unsubscribe(self, task_id: str) -> None:
        """Send no more; the stream is closed when nobody is left."""
        self._listeners.pop(task_id, None)
        if not self._listeners:
            await self.close()

    @property
    def has_failed(self) -> bool:
        """Whether the engine went away, and nobody has asked for its events since."""
        return self._failure is not None

    async def ready(self) -> None:
        """Return when events are being received. Raises EngineUnreachableError."""
        if self._reader is None:
            self._failure = None
            self._had_been_open = False
            self._since_s = time.time()
            self._reader = asyncio.create_task(self._read_for_ever(), name="docker-events")
        await self._open.wait()
        if self._failure is not None:
            self._reader = None  # the next caller tries anew
            self._open = asyncio.Event()
            raise self._failure

    async def close(self) -> None:
        """Close the stream."""
        reader, self._reader = self._reader, None
        self._failure = EngineUnreachableError(f"The connection to {self._client.host} was closed.")
        self._open.set()  # whoever waits for the stream to open waits in vain
        self._open = asyncio.Event()
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read_for_ever(self) -> None:
        pause = 0
        deadline_s = time.monotonic() + self._reconnect_s
        try:
            while True:
                try:
                    await self._read_once()
                    failure = EngineUnreachableError(
                        f"The engine at {self._client.host} closed its event stream."
                    )
                except EngineUnreachableError as error:
                    failure = error
                if self._open.is_set():
                    self._open.clear()
                    pause, deadline_s = 0, time.monotonic() + self._reconnect_s
                if time.monotonic() > deadline_s:
                    raise failure
                await asyncio.sleep(PAUSES_S[min(pause, len(PAUSES_S) - 1)])
                pause += 1
        except EngineUnreachableError as error:
            self._fail(error)
        except ApiError as error:
            self._fail(EngineUnreachableError(f"The engine at {self._client.host} tells no events: {error}"))
        except Exception as error:
            # Whoever waits for the stream, or for events, would do so for ever.
            text = f"The events of the engine at {self._client.host} cannot be read: {unforeseen(error)}"
            self._fail(EngineUnreachableError(text))

    def _fail(self, error: EngineUnreachableError) -> None:
        self._failure = error
        self._open.set()
        for listener in tuple(self._listeners.values()):
            listener.lost(error)

    async def _read_once(self) -> None:
        parameters = {
            "filters": labels.filters(label=f"{labels.MANAGED}=true"),
            "since": f"{self._since_s:.9f}",
        }
        async with self._client.stream("GET", "events", params=parameters) as stream:
            self._open.set()
            again, self._had_been_open = self._had_been_open, True
            if again:
                for listener in tuple(self._listeners.values()):
                    listener.look_again()
            async for message in stream.json_lines():
                self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        seen = sighting(message)
        if seen is None:
            return
        self._since_s = event_time(message) - _ROUNDING_S
        mark = (seen.kind, seen.runtime_id, seen.at_s)
        if mark in self._remembered:
            return
        self._remembered[mark] = None
        if len(self._remembered) > REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        listener = self._listeners.get(seen.task_id)
        if listener is not None:
            listener.saw(seen)
