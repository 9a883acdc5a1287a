"""The event stream: to whom events go, and what happens when it breaks off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering, until
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.feed import EventFeed
from pillion.engines.docker.watch import Sighting
from pillion.ports.engine import EngineUnreachableError


class Listener:
    """A task that writes down what it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.looks = 0
        self.error: EngineUnreachableError | None = None

    def saw(self, sighting: Sighting) -> None:
        self.seen.append(f"{sighting.container} {sighting.kind.value}")

    def look_again(self) -> None:
        self.looks += 1

    def lost(self, error: EngineUnreachableError) -> None:
        self.error = error


@pytest.fixture
async def feed(fake: FakeEngine) -> AsyncIterator[EventFeed]:
    client = DockerClient(fake.host)
    made = EventFeed(client, reconnect_s=0.3)
    yield made
    await made.close()
    await client.close()


def message(task_id: str, container: str, action: str = "start") -> dict[str, Any]:
    attributes = {"dev.pillion.task": task_id, "dev.pillion.container": container}
    actor = {"ID": f"id-{container}", "Attributes": attributes}
    return {"Type": "container", "Action": action, "Actor": actor, "timeNano": time.time_ns()}


async def test_each_task_hears_of_its_own_containers(fake: FakeEngine, feed: EventFeed) -> None:
    one, two = Listener(), Listener()
    feed.subscribe("1", one)
    feed.subscribe("2", two)
    await feed.ready()
    await fake.tell(message("1", "a"), message("2", "b"), message("3", "c"), message("1", "a", "die"))
    await until(lambda: len(one.seen) == 2 and two.seen)
    assert (one.seen, two.seen) == (["a start", "a die"], ["b start"])
    assert fake.listeners == 1
    assert one.looks == 0


async def test_many_who_wait_for_the_stream_open_it_once(fake: FakeEngine, feed: EventFeed) -> None:
    await asyncio.gather(*(feed.ready() for _ in range(5)))
    assert [asked for asked in fake.asked if "events" in asked] == ["GET v1.41/events"]


async def test_after_a_break_nothing_is_missed_or_told_twice_and_everyone_looks(
    fake: FakeEngine, feed: EventFeed
) -> None:
    listener = Listener()
    feed.subscribe("1", listener)
    await feed.ready()
    await fake.tell(message("1", "a"))
    await until(lambda: listener.seen)
    await fake.stop()
    fake.events.append(message("1", "b"))  # happens while nobody listens
    await fake.start()
    await until(lambda: listener.looks and len(listener.seen) == 2)
    assert (listener.seen, listener.looks, listener.error) == (["a start", "b start"], 1, None)


async def test_an_engine_that_stays_away_is_given_up_after_a_while(fake: FakeEngine, feed: EventFeed) -> None:
    listener = Listener()
    feed.subscribe("1", listener)
    await feed.ready()
    await fake.stop()
    await until(lambda: listener.error)
    assert fake.host in str(listener.error)


async def test_an_engine_that_is_not_there_fails_whoever_waits_and_may_be_tried_again(
    fake: FakeEngine, feed: EventFeed
) -> None:
    await fake.stop()
    with pytest.raises(EngineUnreachableError, match="does not answer"):
        await feed.ready()
    await fake.start()
    await feed.ready()


async def test_an_engine_that_tells_no_events_says_so(fake: FakeEngine, feed: EventFeed) -> None:
    fake.routes["GET events"] = answering({"message": "not here"}, status=501)
    with pytest.raises(EngineUnreachableError, match="tells no events: not here"):
        await feed.ready()


async def test_whoever_waits_while_the_feed_is_closed_does_not_wait_for_ever(
    fake: FakeEngine, feed: EventFeed
) -> None:
    await fake.stop()
    waiter = asyncio.create_task(feed.ready())
    await asyncio.sleep(0)
    await feed.close()
    with pytest.raises(EngineUnreachableError, match="was closed"):
        await waiter


async def test_the_stream_is_closed_when_the_last_task_has_gone(fake: FakeEngine, feed: EventFeed) -> None:
    feed.subscribe("1", Listener())
    feed.subscribe("2", Listener())
    await feed.ready()
    await feed.unsubscribe("1")
    assert fake.listeners == 1
    await feed.unsubscribe("2")
    await until(lambda: fake.listeners == 0)


async def test_events_that_cannot_be_read_for_what_nobody_foresaw_leave_nobody_waiting(
    fake: FakeEngine, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    feed.subscribe("1", listener)

    def gone(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'pillion.engines.docker.events'")

    monkeypatch.setattr(DockerClient, "stream", gone)
    for _ in range(2):
        async with asyncio.timeout(5):
            with pytest.raises(EngineUnreachableError, match="cannot be read: ModuleNotFoundError: No"):
                await feed.ready()
    assert "No module named" in str(listener.error)


async def test_an_event_that_is_cut_off_is_a_connection_that_broke(fake: FakeEngine, feed: EventFeed) -> None:
    listener = Listener()
    feed.subscribe("1", listener)
    whole = fake.routes["GET events"]

    async def cut_off(request: web.Request) -> web.StreamResponse:
        fake.routes["GET events"] = whole
        return web.Response(body=b'{"Type": "contai')

    fake.routes["GET events"] = cut_off
    await feed.ready()
    await until(lambda: listener.looks)
    await fake.tell(message("1", "a"))
    await until(lambda: listener.seen)
    assert (listener.seen, listener.error) == (["a start"], None)
