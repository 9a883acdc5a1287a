"""What a task tells of what the engine says, when inspections are slow, fail, or come too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering, until
from engines.docker.making import container
from pillion.core.lifecycle.events import Event, Exited, Started, Vanished
from pillion.core.plan.model import HealthProbe
from pillion.engines.docker.ahead import Ahead, MadeOf
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.hearing import Hearing
from pillion.engines.docker.record import Record
from pillion.engines.docker.translate import Surroundings
from pillion.engines.docker.watch import Seen, Sighting
from pillion.ports.engine import EngineUnreachableError

NEVER = "0001-01-01T00:00:00Z"


class Ears:
    """A hearing over a fake engine, and what it told."""

    def __init__(self, fake: FakeEngine, *, health: HealthProbe | None = None) -> None:
        self.fake = fake
        self.client = DockerClient(fake.host)
        self.record = Record(container("web", health=health), runtime_id="id")
        self.hearing = Hearing(self.client, {"web": self.record})
        self.told: list[Event] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.hearing.told():
            self.told.append(event)

    def inspection(self, **state: Any) -> None:
        settled = {
            "Status": "exited",
            "Running": False,
            "ExitCode": 0,
            "StartedAt": NEVER,
            "FinishedAt": NEVER,
        }
        self.fake.routes["GET containers/web/json"] = answering({"State": settled | state})

    def see(
        self, kind: Seen, *, exit_code: int | None = None, at_s: float = 5.0, runtime_id: str = "id"
    ) -> None:
        self.hearing.saw(
            Sighting(
                kind=kind, task_id="T", container="web", runtime_id=runtime_id, at_s=at_s, exit_code=exit_code
            )
        )

    async def close(self) -> None:
        await self.hearing.close()
        await self._reader
        await self.client.close()


@pytest.fixture
async def ears(tmp_path: Path) -> AsyncIterator[Ears]:
    fake = FakeEngine(tmp_path)
    await fake.start()
    made = Ears(fake)
    yield made
    await made.close()
    await fake.stop()


async def test_success_is_told_while_its_inspection_still_waits(ears: Ears) -> None:
    async def wait(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    ears.fake.routes["GET containers/web/json"] = wait
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=0)
    await until(lambda: len(ears.told) == 2)
    assert ears.told == [
        Started(container="web", at_s=4.0),
        Exited(container="web", exit_code=0, at_s=5.0),
    ]


async def test_a_failure_is_told_with_what_the_inspection_adds(ears: Ears) -> None:
    finished = "1970-01-01T00:00:04.5Z"
    ears.inspection(ExitCode=137, OOMKilled=True, FinishedAt=finished)
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=137)
    await until(lambda: len(ears.told) == 2)
    assert ears.told[1] == Exited(container="web", exit_code=137, at_s=4.5, out_of_memory=True)


async def test_when_the_inspection_fails_the_events_own_code_counts(ears: Ears) -> None:
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=3)  # the fake engine knows no such container
    await until(lambda: len(ears.told) == 2)
    assert ears.told[1] == Exited(container="web", exit_code=3, at_s=5.0)


async def test_while_the_inspection_knows_of_no_end_the_events_own_code_counts(ears: Ears) -> None:
    ears.inspection(Status="stopping", ExitCode=0, FinishedAt=NEVER)  # Podman, after its stop signal
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=137)
    await until(lambda: len(ears.told) == 2)
    assert ears.told[1] == Exited(container="web", exit_code=137, at_s=5.0)


async def test_an_inspection_that_comes_after_the_next_start_ends_nothing(ears: Ears) -> None:
    answers = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await answers.wait()
        return web.Response(status=404)

    ears.fake.routes["GET containers/web/json"] = wait
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=0)
    await until(lambda: len(ears.told) == 2 and ears.record.ended.is_set())
    ears.record.begin_start()
    answers.set()
    await until(lambda: len(ears.told) == 3)  # the same again: the machine knows what it is
    assert not ears.record.ended.is_set()


async def test_a_success_without_more_to_tell_is_told_once(ears: Ears) -> None:
    ears.see(Seen.START, at_s=4.0)
    ears.see(Seen.DIE, exit_code=0)
    await until(lambda: ears.fake.asked)
    await ears.close()
    assert len(ears.told) == 2


async def test_an_end_without_a_start_is_a_failed_start_and_not_told(ears: Ears) -> None:
    ears.record.begin_start()
    ears.see(Seen.DIE, exit_code=127)
    await ears.close()
    assert ears.told == []


async def test_what_another_container_of_that_name_did_is_not_told(ears: Ears) -> None:
    ears.see(Seen.START, runtime_id="older")
    ears.see(Seen.DESTROY, runtime_id="older")
    await ears.close()
    assert ears.told == []


async def test_a_removal_is_told_unless_it_is_our_own_making_anew(ears: Ears) -> None:
    ears.record.runtime_id = ""
    ears.see(Seen.DESTROY)
    ears.record.runtime_id = "id"
    ears.see(Seen.DESTROY)
    await ears.close()
    assert ears.told == [Vanished(container="web")]


async def test_health_is_asked_for_only_when_the_definition_has_a_check(ears: Ears) -> None:
    ears.see(Seen.HEALTH)
    ears.see(Seen.PROBE, exit_code=1)
    await ears.close()
    assert ears.fake.asked == []


async def test_once_healthy_single_probes_are_not_asked_about(ears: Ears) -> None:
    ears.record.plan = container("web", health=HealthProbe(command=("CMD", "true")))
    ears.record.healthy = True
    ears.see(Seen.PROBE, exit_code=0)
    await ears.close()
    assert ears.fake.asked == []


async def test_after_a_break_every_started_container_is_looked_at(ears: Ears) -> None:
    ears.inspection(ExitCode=2, FinishedAt="1970-01-01T00:00:07Z")
    ears.hearing.look_again()
    await asyncio.sleep(0)
    assert ears.fake.asked == []
    ears.record.begin_start()
    ears.hearing.look_again()
    await until(lambda: ears.told)
    assert ears.told == [Exited(container="web", exit_code=2, at_s=7.0)]


async def test_a_lost_engine_ends_the_events_with_its_error(tmp_path: Path) -> None:
    hearing = Hearing(DockerClient(f"unix://{tmp_path}/none"), {})
    hearing.lost(EngineUnreachableError("gone"))
    with pytest.raises(EngineUnreachableError, match="gone"):
        await anext(hearing.told())


async def test_one_made_ahead_that_somebody_removes_is_forgotten_and_nothing_is_told(ears: Ears) -> None:
    made_of = MadeOf(around=Surroundings(image="web:1", network="net"), image_id=None, holders=())
    ears.record.runtime_id = ""
    ears.record.ahead = Ahead(runtime_id="early", warnings=(), made_of=made_of)
    kept = []
    for runtime_id in ("another", "early"):
        ears.see(Seen.DESTROY, runtime_id=runtime_id)
        kept.append(ears.record.ahead is not None)
    assert kept == [True, False]
    await ears.hearing.close()
    assert ears.told == []
