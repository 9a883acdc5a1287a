"""The endpoints over real HTTP, on a socket of the loopback interface."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from yarl import URL

from endpoints.making import (
    AWSVPC,
    CREDENTIALS,
    PAUSE,
    TASK_ARN,
    FakeQueries,
    awsvpc_task,
    definition_of,
    running,
    task_state,
)
from pillion.endpoints import EndpointServer, protection
from pillion.endpoints import server as server_module
from pillion.endpoints.metadata import Version, container_metadata, task_metadata
from pillion.endpoints.stats import task_stats
from pillion.endpoints.throttle import Throttle
from pillion.ports.aws import AwsCallError
from pillion.ports.queries import (
    Association,
    ContainerStats,
    CredentialsNotReadyError,
    Protection,
    ProtectionCallError,
    ProtectionFailure,
)

PROTECTION = "/api/id-app/task-protection/v1/state"
LOCAL = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Got:
    """An answer, whole: JSON where it says it is JSON."""

    status: int
    body: object
    headers: dict[str, str]


Ask = Callable[..., Awaitable[Got]]


@pytest.fixture
def queries() -> FakeQueries:
    statistics = {name: ContainerStats(document={"name": f"/{name}"}) for name in ("app", PAUSE)}
    return FakeQueries(task=awsvpc_task(), statistics=statistics)


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
async def ask(queries: FakeQueries, troubles: list[str]) -> AsyncIterator[Ask]:
    """Return a function that asks a server; its clock stands still."""
    listener = socket.create_server((LOCAL, 0))
    server = EndpointServer(queries, trouble=troubles.append, now_s=lambda: 0.0)
    await server.start([listener])
    base = f"http://{LOCAL}:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession() as session:

        async def send(path: str, method: str = "GET", **more: Any) -> Got:

            url = URL(base + path, encoded=True)
            async with session.request(method, url, allow_redirects=False, **more) as response:
                content = await response.read()
                is_json = response.content_type == "application/json"
                return Got(
                    status=response.status,
                    body=json.loads(content) if is_json else content.decode(),
                    headers=dict(response.headers),
                )

        yield send
    await server.close()


def outcome(got: Got) -> tuple[int, object]:
    return got.status, got.body


@pytest.mark.parametrize("version", [Version.V3, Version.V4])
async def test_a_container_asks_about_itself_and_its_task(
    ask: Ask, queries: FakeQueries, version: Version
) -> None:
    task, base = queries.task, f"/{version.value}/id-app"
    assert outcome(await ask(base)) == (200, container_metadata(task, "app", version))
    assert outcome(await ask(f"{base}/task")) == (200, task_metadata(task, version))
    tagged = task_metadata(task, version, with_tags=True)
    assert outcome(await ask(f"{base}/taskWithTags")) == (200, tagged)
    assert outcome(await ask(f"{base}/stats")) == (200, {"name": "/app"})
    assert outcome(await ask(f"{base}/task/stats")) == (200, task_stats(task, queries.statistics, version))


async def test_an_answer_is_as_new_as_the_state(ask: Ask, queries: FakeQueries) -> None:
    before = await ask("/v4/id-app")
    states = {**queries.task.state.containers, "app": running("app", exit_code=3)}
    queries.task = replace(queries.task, state=task_state(queries.task.plan, states))
    assert isinstance(before.body, dict)
    assert [(await ask(f"/v4/id-{name}")).body for name in ("app", "agent")] == [
        container_metadata(queries.task, "app", Version.V4),
        container_metadata(queries.task, "agent", Version.V4),
    ]
    assert (await ask("/v4/id-app")).body != before.body


async def test_version_2_knows_the_task_by_who_asks(ask: Ask, queries: FakeQueries) -> None:
    queries.address = LOCAL
    task, runtime_id = queries.task, queries.task.state.containers["app"].runtime_id
    for end in ("", "/"):
        assert outcome(await ask(f"/v2/metadata{end}")) == (200, task_metadata(task, Version.V2))
    assert outcome(await ask(f"/v2/metadata/{runtime_id}")) == (
        200,
        container_metadata(task, "app", Version.V2),
    )
    assert outcome(await ask(f"/v2/stats/{runtime_id}")) == (200, {"name": "/app"})
    assert outcome(await ask("/v2/stats")) == (200, task_stats(task, queries.statistics, Version.V2))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v2/metadata/nobody", "Unable to generate metadata for container 'nobody'"),
        ("/v2/stats/nobody", "Unable to get container stats for: nobody"),
    ],
)
async def test_version_2_refuses_a_container_of_another_task(
    ask: Ask, queries: FakeQueries, path: str, text: str
) -> None:
    queries.address = LOCAL
    assert outcome(await ask(path)) == (400, text)


async def test_version_2_refuses_who_belongs_to_no_task(ask: Ask) -> None:
    text = f"Unable to get task arn from request: unable to associate '{LOCAL}' with task"
    paths = ("/v2/metadata", "/v2/metadata/x", "/v2/stats", "/v2/metadataWithTags")
    for path in paths:
        assert outcome(await ask(path)) == (400, text)


NO_CONTAINER = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: no"
NO_TASK = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: no"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/v4/no", 404, f"V4 container metadata handler: {NO_CONTAINER}"),
        ("/v4/no/task", 404, f"V4 task metadata handler: {NO_TASK}"),
        ("/v4/no/taskWithTags", 404, f"V4 task metadata handler: {NO_TASK}"),
        ("/v4/no/stats", 404, f"V4 container stats handler: {NO_TASK}"),
        ("/v4/no/task/stats", 404, f"V4 task stats handler: {NO_TASK}"),
        ("/v3/no", 500, f"V3 container metadata handler: {NO_CONTAINER}"),
        ("/v3/no/task", 500, f"V3 task metadata handler: {NO_TASK}"),
        ("/v3/no/stats", 400, f"V3 container stats handler: {NO_TASK}"),
        ("/v3/no/task/stats", 400, f"V3 task stats handler: {NO_TASK}"),
        (
            "/v4/no/associations/gpu",
            400,
            f"V4 container associations handler: {NO_CONTAINER.replace('container ID', 'container id')}",
        ),
        ("/v3/no/associations/gpu/one", 400, f"V3 container associations handler: {NO_TASK}"),
    ],
)
async def test_an_unknown_id_is_told_so_in_the_agents_words(
    ask: Ask, path: str, status: int, text: str
) -> None:
    assert outcome(await ask(path)) == (status, text)


async def test_associations_are_those_of_the_container_and_content_is_verbatim(
    ask: Ask, queries: FakeQueries
) -> None:
    device = Association(type="gpu", name="dev/1", content='{"a" : 1}', containers=frozenset({"app"}))
    queries.task = replace(queries.task, associations=(device,))
    found = [
        outcome(await ask(f"/v4/{path}"))
        for path in (
            "id-app/associations/gpu", "id-agent/associations/gpu", "id-app/associations/eia",
            "id-agent/associations/gpu/dev/1", "id-app/associations/gpu/",
        )
    ]  # fmt: skip
    missing = (
        "Unable to write container association response: unable to get association from association type "
        "gpu and association name "
    )
    assert found == [
        (200, {"Associations": ["dev/1"]}),
        (200, {"Associations": None}),
        (200, {"Associations": None}),
        (200, {"a": 1}),
        (400, missing),
    ]


@pytest.mark.parametrize("path", ["/v2/credentials/credentials-id", "/v1/credentials?id=credentials-id"])
async def test_credentials_are_given_to_whoever_knows_their_id(ask: Ask, path: str) -> None:
    assert outcome(await ask(path)) == (
        200,
        {
            "RoleArn": CREDENTIALS.role_arn,
            "AccessKeyId": "ASIAEXAMPLE",
            "SecretAccessKey": "wJalr",
            "Token": "IQoJb",
            "Expiration": "2026-01-02T09:04:05Z",
        },
    )


@pytest.mark.parametrize(
    ("path", "error", "status", "code", "message"),
    [
        ("/v2/credentials", None, 400, "NoIdInRequest", "V2Request: No Credential ID in the request"),
        ("/v2/credentials/", None, 400, "NoIdInRequest", "V2Request: No Credential ID in the request"),
        ("/v1/credentials", None, 400, "NoIdInRequest", "V1Request: No Credential ID in the request"),
        ("/v2/credentials/x", None, 400, "InvalidIdInRequest", "V2Request: Credentials not found"),
        (
            "/v2/credentials/x",
            CredentialsNotReadyError("x"),
            503,
            "CredentialsUninitialized",
            "V2Request: Credentials uninitialized for ID x",
        ),
        (
            "/v2/credentials/x",
            AwsCallError("AssumeRole", "AccessDenied", "no"),
            500,
            "InternalServerError",
            "V2Request: Internal server error",
        ),
    ],
)
async def test_credentials_that_cannot_be_given(
    ask: Ask,
    queries: FakeQueries,
    path: str,
    error: Exception | None,
    status: int,
    code: str,
    message: str,
) -> None:
    queries.credentials_error = error
    expected = {"code": code, "message": f"Credentials{message}", "HTTPErrorCode": status}
    assert outcome(await ask(path)) == (status, expected)


async def test_why_aws_gives_no_credentials_is_told_once_to_whoever_runs_the_task(
    ask: Ask, queries: FakeQueries, troubles: list[str]
) -> None:
    for message in ("no", "no", "never"):
        queries.credentials_error = AwsCallError("AssumeRole", "AccessDenied", message)
        await ask("/v2/credentials/x")
    said = "the task role's credentials cannot be had: AssumeRole: AccessDenied"
    assert troubles == [f"{said}: no", f"{said}: never"]


async def test_a_task_is_protected(ask: Ask, queries: FakeQueries) -> None:
    queries.protected = Protection(enabled=True, expires_at_s=1767326645.0)
    got = await ask(PROTECTION, "PUT", data=b'{"ProtectionEnabled":true,"ExpiresInMinutes":60}')
    shape = {
        "ExpirationDate": "2026-01-02T04:04:05Z",
        "ProtectionEnabled": True,
        "TaskArn": TASK_ARN,
    }
    assert (outcome(got), queries.wishes) == ((200, {"protection": shape}), [(True, 60)])
    assert outcome(await ask(PROTECTION)) == (200, {"protection": shape})


async def test_a_failure_of_ecs_is_passed_on(ask: Ask, queries: FakeQueries) -> None:
    queries.protected = ProtectionFailure(reason="TASK_NOT_VALID")
    expected = {"failure": {"Arn": TASK_ARN, "Reason": "TASK_NOT_VALID"}}
    assert outcome(await ask(PROTECTION)) == (200, expected)


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        (
            PROTECTION,
            b"{",
            400,
            {
                "Code": "InvalidParameterException",
                "Message": "UpdateTaskProtection: failed to decode request",
            },
        ),
        (
            PROTECTION,
            b"{}",
            400,
            {
                "Arn": TASK_ARN,
                "Code": "InvalidParameterException",
                "Message": "Invalid request: does not contain 'ProtectionEnabled' field",
            },
        ),
        (
            "/api/no/task-protection/v1/state",
            b'{"ProtectionEnabled":true}',
            404,
            {"Code": "ResourceNotFoundException", "Message": "Failed to find a task for the request"},
        ),
    ],
)
async def test_a_wrong_wish_for_protection(
    ask: Ask, queries: FakeQueries, path: str, body: bytes, status: int, error: dict[str, str]
) -> None:
    assert outcome(await ask(path, "PUT", data=body)) == (status, {"error": error})
    assert queries.wishes == []


async def test_protection_needs_a_task_role(ask: Ask, queries: FakeQueries) -> None:
    queries.task = replace(queries.task, has_task_role=False)
    error = {
        "Arn": TASK_ARN,
        "Code": "AccessDeniedException",
        "Message": "Invalid Request: no task IAM role credentials available for task",
    }
    assert outcome(await ask(PROTECTION)) == (403, {"error": error})


async def test_errors_of_ecs_keep_their_status(ask: Ask, queries: FakeQueries) -> None:
    queries.protection_error = ProtectionCallError(
        status=400, code="ClusterNotFoundException", message="Cluster not found.", request_id="r-1"
    )
    error = {"Arn": TASK_ARN, "Code": "ClusterNotFoundException", "Message": "Cluster not found."}
    assert outcome(await ask(PROTECTION)) == (400, {"requestID": "r-1", "error": error})


async def test_a_slow_ecs_is_not_waited_for(
    ask: Ask, queries: FakeQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(task: object) -> Protection:
        return await asyncio.Future[Protection]()

    monkeypatch.setattr(queries, "protection", never)
    monkeypatch.setattr(protection, "CALL_TIMEOUT_S", 0.001)
    error = {
        "Arn": TASK_ARN,
        "Code": "RequestCanceled",
        "Message": "Timed out calling ECS Task Protection API",
    }
    assert outcome(await ask(PROTECTION)) == (504, {"error": error})


async def test_faults_need_the_definitions_consent(ask: Ask, queries: FakeQueries) -> None:
    path = "/api/id-app/fault/v1/network-latency/start"
    refused = {"Error": f"enableFaultInjection is not enabled for task: {TASK_ARN}"}
    assert outcome(await ask(path, "POST", data=b"{}")) == (400, refused)
    definition = definition_of({**AWSVPC, "enableFaultInjection": True})
    queries.task = replace(queries.task, definition=definition)
    assert (await ask(path, "POST", data=b"{}")).status == 500


@pytest.mark.parametrize(
    ("path", "method"), [(PROTECTION, "POST"), ("/api/id-app/fault/v1/network-latency/start", "GET")]
)
async def test_other_methods_are_refused(ask: Ask, path: str, method: str) -> None:
    assert outcome(await ask(path, method)) == (405, "")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("//v4//id-app", "/v4/id-app"),
        ("/v4/x/../id-app/", "/v4/id-app/"),
        ("/v1//credentials?id=a", "/v1/credentials?id=a"),
    ],
)
async def test_an_unclean_path_is_sent_to_the_clean_one(ask: Ask, path: str, target: str) -> None:
    got = await ask(path)
    assert (got.status, got.headers["Location"], got.body) == (
        301, target, f'<a href="{target}">Moved Permanently</a>.\n\n',
    )  # fmt: skip
    assert not [name for name in got.headers if name.startswith("X-Rate")]


async def test_nothing_is_found_elsewhere(ask: Ask) -> None:
    got = await ask("/latest/meta-data")
    assert (got.status, got.body, got.headers["Content-Type"]) == (
        404, "404 page not found\n", "text/plain; charset=utf-8",
    )  # fmt: skip


async def test_every_answer_tells_the_limit(ask: Ask) -> None:
    got = await ask("/v4/id-app", headers={"X-Forwarded-For": "10.0.0.9"})
    limits = {name: value for name, value in got.headers.items() if name.startswith("X-Rate-Limit")}
    remote = limits.pop("X-Rate-Limit-Request-Remote-Addr")
    assert remote.startswith(f"{LOCAL}:")
    assert limits == {
        "X-Rate-Limit-Limit": "40.00",
        "X-Rate-Limit-Duration": "1",
        "X-Rate-Limit-Request-Forwarded-For": "10.0.0.9",
    }
    assert got.headers["Content-Type"] == "application/json"


async def test_the_61st_request_at_once_is_refused_and_other_paths_are_not(ask: Ask) -> None:
    statuses = [(await ask("/v4/id-app")).status for _ in range(61)]
    assert (statuses[:60], statuses[60]) == ([200] * 60, 429)
    refused = await ask("/v4/id-app")
    assert (refused.body, refused.headers["Content-Type"], refused.headers["X-Rate-Limit-Duration"]) == (
        "You have reached maximum request limit.", "text/plain; charset=utf-8", "1",
    )  # fmt: skip
    assert (await ask("/v4/id-app/task")).status == 200


async def test_a_large_body_is_refused(ask: Ask) -> None:
    assert (await ask(PROTECTION, "PUT", data=b" " * 100_000)).status == 413


async def test_a_body_that_does_not_come_is_not_waited_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "READ_TIMEOUT_S", 0.001)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Future[None]()

    assert (await ask(PROTECTION, "PUT", data=slowly())).status == 408


async def test_an_error_of_our_own_reaches_us_and_not_the_container(
    ask: Ask, queries: FakeQueries, troubles: list[str]
) -> None:
    queries.credentials_error = RuntimeError("boom")
    assert outcome(await ask("/v2/credentials/secret-id")) == (500, "internal error")
    assert troubles == ["a container's request for its credentials failed: RuntimeError('boom')"]


async def test_servers_on_several_sockets_and_after_closing() -> None:
    listeners = [socket.create_server((LOCAL, 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    server = EndpointServer(FakeQueries(task=awsvpc_task()), throttle=Throttle(burst=1000))
    await server.start(listeners[:1])
    await server.start(listeners[1:])
    async with aiohttp.ClientSession() as session:
        for port in ports:
            async with session.get(f"http://{LOCAL}:{port}/v4/id-app") as response:
                assert response.status == 200
    await server.close()
    await server.close()
    assert [listener.fileno() for listener in listeners] == [-1, -1]
