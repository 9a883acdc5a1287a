"""Following a container's output over the engine's log stream, until its process has ended.

`logs` knows what the bytes mean; here is when to read, when to read again, and when it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from pillion.core.log_position import LogPosition
from pillion.core.plan.model import ContainerPlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.logs import Bookmark, LineCount, LogReader, Window
from pillion.engines.docker.record import Record, inspect
from pillion.engines.docker.watch import has_ended
from pillion.ports.engine import EngineError, EngineUnreachableError, LogLine

END_GRACE_S = 0.25
"""How long the news of an exit is waited for when the stream has ended, before the engine is asked."""

RECONNECT_TRIES_MAX = 20
RECONNECT_PAUSE_S = 0.5
"""How long a broken connection is tried for: as long as the runner is patient with its calls."""

DRIVER_TRIES_MAX = 240
DRIVER_PAUSE_S = 0.25
"""Docker opens the log driver of an ended container again to read its output, which fails while a log router
ends: it listens no more, and nobody has its place yet. A minute is longer than it is given to end; the runner
is less patient once the whole task has stopped."""


async def follow(
    client: DockerClient, record: Record, *, after: LogPosition | None = None
) -> AsyncIterator[LogLine]:
    """Yield a container's lines until its process has ended; with `after` those behind that place.

    Raises EngineError when the engine keeps no output, EngineUnreachableError when it stays away.
    """
    bookmark = LineCount(after) if client.is_podman else Window(after)
    again = after is not None
    while True:
        async for line in _read_patiently(client, record.plan, bookmark, again=again, live=True):
            yield line
        # The stream has ended: so has the process, usually, and what it wrote last may be missing.
        async for line in _read_patiently(client, record.plan, bookmark, again=True, live=False):
            yield line
        again = True
        if await _has_ended(client, record):
            return  # otherwise: Docker 20.10 now and then ends the stream of a container that runs on


async def _has_ended(client: DockerClient, record: Record) -> bool:
    try:
        async with asyncio.timeout(END_GRACE_S):
            await record.ended.wait()
    except TimeoutError:
        pass  # not yet, or its end was not told
    else:
        return True
    try:
        return has_ended((await inspect(client, record))["State"])
    except (ApiError, DeadlinePassedError) as error:
        return isinstance(error, ApiError) and error.is_missing
    except EngineUnreachableError:
        return False  # reading again is patient, and says when the engine stays away


async def _read_patiently(
    client: DockerClient, plan: ContainerPlan, bookmark: Bookmark, *, again: bool, live: bool
) -> AsyncIterator[LogLine]:
    """Read until the engine says that this was all; after a broken connection go on where it broke."""
    reconnects, driver_tries = RECONNECT_TRIES_MAX, DRIVER_TRIES_MAX
    while True:
        try:
            async for line in _read(client, plan, bookmark, again=again, live=live):
                yield line
        except EngineUnreachableError:
            if not reconnects:
                raise
            reconnects -= 1
            await asyncio.sleep(RECONNECT_PAUSE_S)
        except ApiError as error:
            if error.is_missing:
                return
            if not (error.is_driver_unready and driver_tries):
                raise EngineError("CannotReadLogsError", error.as_docker_says) from error
            driver_tries -= 1
            await asyncio.sleep(DRIVER_PAUSE_S)
        else:
            return
        again = True


async def _read(
    client: DockerClient, plan: ContainerPlan, bookmark: Bookmark, *, again: bool, live: bool
) -> AsyncIterator[LogLine]:
    parameters = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if live else "0"}
    if again:
        parameters["since"] = bookmark.begin_again()
    reader = LogReader(plan.name, tty=plan.tty)
    async with client.stream("GET", f"containers/{plan.engine_name}/logs", params=parameters) as stream:
        async for chunk in stream.chunks():
            for line in reader.feed(chunk):
                if again and not bookmark.is_new(line.stamp):
                    continue
                bookmark.add(line.stamp)
                yield line
            await asyncio.sleep(0)  # a flood of output must not delay events
    if live:
        return  # what is still in pieces is read again
    for line in reader.finish():
        if not again or bookmark.is_new(line.stamp):
            bookmark.add(line.stamp)
            yield line
