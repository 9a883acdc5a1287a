"""How often things are tried again, and when patience ends: stops, pulls, lookups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering
from pillion.engines.docker import pulling, stopping
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.pulling import look_up_digest, pull_image
from pillion.engines.docker.references import parse_reference
from pillion.engines.docker.stopping import kill_container, stop_container
from pillion.ports.engine import EngineError, PullProgress


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stopping, pulling):
        monkeypatch.setattr(module, "pauses_s", lambda backoff, chance: [0.0] * (backoff.attempts - 1))


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncIterator[DockerClient]:
    made = DockerClient(fake.host)
    yield made
    await made.close()


async def test_a_stop_takes_whole_seconds_and_rounds_up(fake: FakeEngine, client: DockerClient) -> None:
    asked = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(request.query["t"])
        return web.Response(status=204)

    fake.routes["POST containers/web/stop"] = note
    await stop_container(client, "web", 1.2)
    assert asked == ["2"]


@pytest.mark.parametrize("status", [204, 304, 404])
async def test_a_container_that_has_ended_or_is_gone_needs_no_second_stop(
    fake: FakeEngine, client: DockerClient, status: int
) -> None:
    fake.routes["POST containers/web/stop"] = answering({"message": ""}, status=status)
    await stop_container(client, "web", 1)
    assert len(fake.asked) == 1


async def test_a_stop_that_fails_is_tried_five_times(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["POST containers/web/stop"] = answering({"message": "stuck"}, status=500)
    with pytest.raises(EngineError) as failure:
        await stop_container(client, "web", 1)
    assert str(failure.value.error) == "CannotStopContainerError: Error response from daemon: stuck"
    assert len(fake.asked) == 5


@pytest.mark.parametrize("status", [404, 409])
async def test_killing_what_does_not_run_is_no_error(
    fake: FakeEngine, client: DockerClient, status: int
) -> None:
    fake.routes["POST containers/web/kill"] = answering({"message": "is not running"}, status=status)
    await kill_container(client, "web")


async def test_a_kill_that_fails_says_so(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["POST containers/web/kill"] = answering({"message": "stuck"}, status=500)
    with pytest.raises(EngineError, match=r"^CannotStopContainerError: Error response from daemon: stuck"):
        await kill_container(client, "web")


async def pull(client: DockerClient, progress: list[PullProgress] | None = None) -> None:
    told: list[PullProgress] = [] if progress is None else progress
    await pull_image(
        client,
        parse_reference("app:1"),
        image="app:1",
        digest=None,
        platform=None,
        headers={},
        progress=told.append,
        container="web",
    )


def streaming(*lines: bytes, then_s: float = 0.0) -> object:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line + b"\n")
        await asyncio.sleep(then_s)
        return response

    return stream


def serve(fake: FakeEngine, answer: object) -> None:
    fake.routes["POST images/create"] = answer  # type: ignore[assignment] # made by the helpers above


async def test_a_pull_that_fails_on_the_way_is_tried_five_times(
    fake: FakeEngine, client: DockerClient
) -> None:
    serve(fake, streaming(b'{"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"}'))
    with pytest.raises(EngineError) as failure:
        await pull(client)
    assert str(failure.value.error) == "CannotPullContainerError: unexpected EOF"
    assert len(fake.asked) == 5


@pytest.mark.parametrize(
    "text", ["manifest unknown", "pull access denied for app", "invalid reference format"]
)
async def test_what_cannot_change_is_asked_once(fake: FakeEngine, client: DockerClient, text: str) -> None:
    serve(fake, answering({"message": text}, status=404))
    with pytest.raises(EngineError, match=text):
        await pull(client)
    assert len(fake.asked) == 1


async def test_a_pull_that_stands_still_is_given_up(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "INACTIVITY_S", 0.05)
    progress: list[PullProgress] = []
    serve(fake, streaming(b'{"status": "Pulling fs layer", "id": "a"}', then_s=60))
    with pytest.raises(EngineError) as failure:
        await pull(client, progress)
    assert str(failure.value.error) == (
        "CannotPullContainerError: inactivity time exceeded timeout while pulling image"
    )
    assert len(progress) == 5


async def test_a_pull_that_never_begins_has_the_agents_text(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "FIRST_BYTE_S", 0.05)
    serve(fake, streaming(then_s=60))
    with pytest.raises(
        EngineError, match=r"^DockerTimeoutError: Could not transition to pullBegin; timed out"
    ):
        await pull(client)


async def test_a_lookup_that_fails_is_tried_nine_times(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["GET distribution/app:1/json"] = answering({"message": "i/o timeout"}, status=500)
    with pytest.raises(EngineError) as failure:
        await look_up_digest(client, "app:1", {})
    assert str(failure.value.error) == "CannotPullImageManifestError: Error response from daemon: i/o timeout"
    assert len(fake.asked) == 9


async def test_a_lookup_that_never_answers_has_the_agents_text(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "MANIFEST_S", 0.01)

    async def sleep(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    fake.routes["GET distribution/app:1/json"] = sleep
    with pytest.raises(EngineError, match=r"^DockerTimeoutError: Could not transition to MANIFEST_PULLED"):
        await look_up_digest(client, "app:1", {})


@pytest.mark.parametrize("lines", [(), (b'{"status": "Pull complete", "id": "a"}',)])
async def test_a_pull_that_ends_without_an_error_is_done(
    fake: FakeEngine, client: DockerClient, lines: Sequence[bytes]
) -> None:
    serve(fake, streaming(*lines))
    await pull(client)
    assert len(fake.asked) == 1
