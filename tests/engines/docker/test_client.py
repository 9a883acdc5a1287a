"""The connection: finding the engine, agreeing on a version, and errors that are ours alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering, until
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, duration, named
from pillion.ports.engine import EngineUnreachableError


@pytest.fixture(params=["socket", "tcp"])
async def host(fake: FakeEngine, request: pytest.FixtureRequest) -> str:
    """Return the engine's address; each of the two is reached by a transport of its own."""
    return fake.host if request.param == "socket" else await fake.listen_on_tcp()


@pytest.fixture
async def client(host: str) -> AsyncIterator[DockerClient]:
    made = DockerClient(host)
    yield made
    await made.close()


@pytest.mark.parametrize(("offered", "spoken"), [("1.40", "v1.40"), ("1.41", "v1.41"), ("1.99", "v1.47")])
async def test_the_newest_version_that_both_speak_is_used(
    fake: FakeEngine, client: DockerClient, offered: str, spoken: str
) -> None:
    fake.api = offered
    fake.routes["GET info"] = answering({"ok": True})
    assert await client.get("info") == {"ok": True}
    assert fake.asked == [f"GET {spoken}/info"]


@pytest.mark.parametrize(
    ("offered", "text"), [("1.30", "speaks API 1.30; pillion needs 1.40"), ("", "is no Docker Engine")]
)
async def test_an_engine_that_is_too_old_or_none_is_refused(
    fake: FakeEngine, client: DockerClient, offered: str, text: str
) -> None:
    fake.api = offered
    with pytest.raises(EngineUnreachableError, match=text):
        await client.get("info")


async def test_calls_that_begin_together_agree_once(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["GET info"] = answering({})
    await asyncio.gather(*(client.get("info") for _ in range(5)))
    assert len(fake.asked) == 5


async def test_more_streams_than_http_libraries_usually_allow_are_open_at_once(
    fake: FakeEngine, client: DockerClient
) -> None:
    async def read() -> None:
        async with client.stream("GET", "events", params={"since": "0"}) as stream:
            async for _ in stream.json_lines():
                return

    readers = [asyncio.create_task(read()) for _ in range(120)]
    await until(lambda: fake.listeners == len(readers))
    await fake.tell({"timeNano": 1})
    await asyncio.gather(*readers)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answering({"message": "No such image: x"}, status=404), "No such image: x"),
        (answering({"other": 1}, status=500), '{"other": 1}'),
    ],
)
async def test_what_the_engine_refuses_has_its_own_words(
    fake: FakeEngine, client: DockerClient, answer: object, message: str
) -> None:
    fake.routes["POST containers/create"] = answer  # type: ignore[assignment] # parametrized
    with pytest.raises(ApiError) as failure:
        await client.post("containers/create", body={})
    assert failure.value.message == message
    assert failure.value.as_docker_says == f"Error response from daemon: {message}"


async def test_an_engine_that_does_not_answer_in_time_is_told_apart(
    fake: FakeEngine, client: DockerClient
) -> None:
    async def sleep(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    fake.routes["POST containers/x/start"] = sleep
    with pytest.raises(DeadlinePassedError) as failure:
        await client.post("containers/x/start", deadline_s=0.05)
    error = named(failure.value, "CannotStartContainerError", reaching="started")
    assert error.error.name == "DockerTimeoutError"
    assert error.may_run


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "30s"), (240, "4m0s"), (180.0, "3m0s"), (7200, "2h0m0s"), (3725, "1h2m5s")]
)
def test_durations_are_written_as_the_agent_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_passed_deadline_has_the_agents_text() -> None:
    error = named(DeadlinePassedError(240), "CannotCreateContainerError", reaching="created")
    assert str(error.error) == (
        "DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s"
    )


def test_an_answer_that_breaks_off_leaves_open_whether_the_container_runs() -> None:
    error = named(ApiError(500, "unexpected EOF"), "CannotStartContainerError", reaching="started")
    assert error.may_run


async def test_an_engine_that_goes_away_during_a_call_is_unreachable(
    fake: FakeEngine, client: DockerClient, host: str
) -> None:
    async def vanish(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    fake.routes["POST containers/x/start"] = vanish
    with pytest.raises(EngineUnreachableError, match=f"The container engine at {host} does not answer"):
        await client.post("containers/x/start")


async def test_a_stream_that_breaks_off_is_unreachable(fake: FakeEngine, client: DockerClient) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"status": 1}\n')
        assert request.transport is not None
        request.transport.abort()
        return response

    fake.routes["POST images/create"] = half
    async with client.stream("POST", "images/create") as stream:
        messages = stream.json_lines()
        assert await anext(messages) == {"status": 1}
        with pytest.raises(EngineUnreachableError):
            await anext(messages)


async def test_a_socket_that_is_not_there_is_unreachable_and_says_what_to_do(tmp_path: Path) -> None:
    client = DockerClient(f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnreachableError, match=r"No such file or directory. The socket is not there"):
        await client.get("info")


async def test_a_port_that_nobody_listens_on_is_unreachable() -> None:
    client = DockerClient("tcp://127.0.0.1:1")
    with pytest.raises(EngineUnreachableError, match=r"tcp://127.0.0.1:1 does not answer"):
        await client.get("info")


@pytest.mark.parametrize("host", ["nonsense", "ftp://x"])
async def test_an_address_that_is_none_is_unreachable(host: str) -> None:
    with pytest.raises(EngineUnreachableError, match=host):
        await DockerClient(host).get("info")


async def test_without_any_engine_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_socket", lambda path: False)
    client = DockerClient(environment={"HOME": str(tmp_path)})
    with pytest.raises(
        EngineUnreachableError, match=r"No container engine was found.*apt-get install docker.io"
    ):
        await client.get("info")


async def test_a_lost_connection_is_made_anew_by_the_next_call(
    fake: FakeEngine, client: DockerClient
) -> None:
    fake.routes["GET info"] = answering({})
    await client.get("info")
    await fake.stop()
    with pytest.raises(EngineUnreachableError):
        await client.get("info")
    await fake.start()
    assert await client.get("info") == {}


async def test_what_is_asked_for_is_quoted(fake: FakeEngine, client: DockerClient) -> None:
    asked = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, dict(request.query)))
        return web.json_response({})

    query = {"filters": '{"label":["a=b c&d"]}', "since": "1.5", "text": "ä +%2F"}
    path = "images/registry.example:5000/a/b@sha256:01/json"
    fake.routes[f"GET {path}"] = fake.routes["GET volumes/a b?#%41"] = note
    await client.get(path, params=query)
    await client.get("volumes/a b?#%41")
    assert asked == [(f"/v1.41/{path}", query), ("/v1.41/volumes/a b?#%41", {})]


async def test_an_answer_that_is_no_json_is_none(fake: FakeEngine, client: DockerClient) -> None:
    async def plain(request: web.Request) -> web.StreamResponse:
        return web.Response(text="{}")

    fake.routes["GET text"] = plain
    fake.routes["GET nothing"] = answering(None, status=204)
    assert await client.get("text") is None
    assert await client.get("nothing") is None


async def test_podman_tells_its_name(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["GET info"] = answering({})
    fake.ping_headers["Libpod-Api-Version"] = "4.3.1"
    await client.get("info")
    assert client.is_podman


async def test_an_engine_that_does_not_even_answer_a_ping_is_unreachable(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.engines.docker.client.PING_DEADLINE_S", 0.05)
    fake.ping_waits = True
    with pytest.raises(EngineUnreachableError, match=r"does not answer: no answer within 0.05s\. Check"):
        await client.get("info")


async def test_a_deadline_of_the_caller_stays_the_callers(fake: FakeEngine, client: DockerClient) -> None:
    async def sleep(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    fake.routes["GET info"] = sleep
    with pytest.raises(TimeoutError) as failure:
        async with asyncio.timeout(0.05):
            await client.get("info")
    assert not isinstance(failure.value, DeadlinePassedError)
