"""The relay of a task: a container of ours that makes 169.254.170.2 where we cannot enter the namespace.

It joins the network namespace of a container of the task and carries what arrives at the address to where
pillion serves: a unix socket in a folder that is mounted into it (an engine on this machine, pillion without
root), or an address of the host (Docker Desktop, an engine elsewhere). For the task's containers nothing
differs from ECS. The price is one container more, 5 KiB of memory, and 70 ms at the task's start.

The relay carries the task's label, so it is found and removed with everything else of the task. It is no
container of the plan: the event feed and the lifecycle do not know it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from pillion.core.plan.model import TaskPlan
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.holder import RELAY_CAPABILITIES, relay_command
from pillion.ports.engine import EngineError, RelayRoute

SOCKET_FOLDER = "/run/pillion"
"""Where the folder with the sockets is inside the relay; a route's target is `unix:/run/pillion/NAME`."""

READY_DEADLINE_S = 10.0
"""A relay listens some milliseconds after its start."""

HOST_NAME = "host.docker.internal"
"""A route's host that means the machine of the user; the container beside the relay has to know it."""

_READY = b"holder: ready\n"
_ANSWER_BYTES_MAX = 64 * 1024
_KIND = "RELAY"


async def open_relay(
    client: DockerClient, task: TaskPlan, *, beside: str, image: str, routes: Sequence[RelayRoute]
) -> None:
    """Start a relay for routes as the port has them, in the place of a former one; see `start_relay`."""
    folders = {str(PurePath(path).parent) for path in map(_socket_path, routes) if path is not None}
    try:
        await remove_relay(client, relay_name(beside))
        host = await _host_seen_from(client, beside) if any(map(_needs_host, routes)) else None
    except (ApiError, DeadlinePassedError) as error:
        raise EngineError("NamespaceUnavailable", f"the relay cannot be started: {error}") from error
    await start_relay(
        client,
        task,
        beside=beside,
        image=image,
        routes=[(f"{item.address[0]}:{item.address[1]}", _target(item, host)) for item in routes],
        socket_folder=min(folders, default=None),
    )


async def remove_relay(client: DockerClient, name: str) -> None:
    """Remove a relay that may not be there."""
    try:
        await client.delete(f"containers/{name}", params={"force": "1", "v": "1"})
    except ApiError as error:
        if not error.is_missing:
            raise


async def start_relay(
    client: DockerClient,
    task: TaskPlan,
    *,
    beside: str,
    image: str,
    routes: Sequence[tuple[str, str]],
    socket_folder: str | None = None,
) -> None:
    """Make and start a relay; return when it listens.

    Args:
        client: connection to the engine.
        task: the task, for name and labels.
        beside: engine's name of the running container whose network namespace gets the addresses.
        image: the holder's image.
        routes: `IP:PORT` to listen at, and `IP:PORT` or `unix:PATH` to carry to, each.
        socket_folder: folder of the engine's machine that is mounted at SOCKET_FOLDER.

    Raises:
        EngineError: NamespaceUnavailable, with what the engine or the relay says.
    """
    name = relay_name(beside)
    body = relay_body(task, beside=beside, image=image, routes=routes, socket_folder=socket_folder)
    try:
        await client.post("containers/create", params={"name": name}, body=body)
        await client.post(f"containers/{name}/start")
        async with asyncio.timeout(READY_DEADLINE_S):
            said = await _first_words(client, name)
    except (ApiError, DeadlinePassedError) as error:
        raise EngineError("NamespaceUnavailable", f"the relay cannot be started: {error}") from error
    except TimeoutError:
        raise EngineError("NamespaceUnavailable", "the relay was started and does not get ready") from None
    if _READY not in said:
        text = said.decode(errors="replace").strip() or "it ended without a word"
        raise EngineError("NamespaceUnavailable", f"the relay does not run: {text}")


def relay_name(beside: str) -> str:
    """Return the engine's name of the relay beside a container."""
    return f"{beside}-relay"


def relay_body(
    task: TaskPlan,
    *,
    beside: str,
    image: str,
    routes: Sequence[tuple[str, str]],
    socket_folder: str | None = None,
) -> dict[str, Any]:
    """Return the body of the relay's create call; arguments as of `start_relay`. Pure."""
    return {
        "Image": image,
        "Cmd": list(relay_command(routes)),
        "Labels": {
            labels.TASK: task.identity.task_id,
            labels.CONTAINER: relay_name(beside),
            labels.KIND: _KIND,
        },
        "HostConfig": {
            "NetworkMode": f"container:{beside}",
            "CapDrop": ["ALL"],
            "CapAdd": [*RELAY_CAPABILITIES, "NET_BIND_SERVICE", "DAC_OVERRIDE"],
            "ReadonlyRootfs": True,
            "LogConfig": {"Type": "json-file", "Config": {}},
            "Binds": [f"{socket_folder}:{SOCKET_FOLDER}:ro"] if socket_folder else [],
        },
    }


def _socket_path(route: RelayRoute) -> str | None:
    return route.target.removeprefix("unix:") if route.target.startswith("unix:") else None


def _needs_host(route: RelayRoute) -> bool:
    return route.target.startswith(f"{HOST_NAME}:")


def _target(route: RelayRoute, host: str | None) -> str:
    path = _socket_path(route)
    if path is not None:
        return f"unix:{SOCKET_FOLDER}/{PurePath(path).name}"
    return route.target.replace(HOST_NAME, host) if host is not None else route.target


async def _host_seen_from(client: DockerClient, container: str) -> str:
    """Return the address that a container's /etc/hosts has for the host: the relay resolves no names."""
    archive = b""
    path = f"containers/{container}/archive"
    async with client.stream("GET", path, params={"path": "/etc/hosts"}) as stream:
        async for chunk in stream.chunks():
            archive += chunk
            if len(archive) > _ANSWER_BYTES_MAX:
                break
    for line in archive.decode(errors="replace").splitlines():
        fields = line.split()
        if len(fields) > 1 and HOST_NAME in fields[1:]:
            return fields[0]
    raise EngineError("NamespaceUnavailable", f"the engine does not tell containers where {HOST_NAME} is")


async def _first_words(client: DockerClient, name: str) -> bytes:
    """Return what a container writes until it is ready or has ended."""
    said = b""
    parameters = {"follow": "1", "stdout": "1", "stderr": "1"}
    async with client.stream("GET", f"containers/{name}/logs", params=parameters) as stream:
        async for chunk in stream.chunks():
            said += _without_headers(chunk)
            if _READY in said or len(said) > _ANSWER_BYTES_MAX:
                break
    return said


def _without_headers(chunk: bytes) -> bytes:
    """Drop the eight bytes that stand before each piece of output; a relay's few lines come whole."""
    content = b""
    while len(chunk) >= 8:
        size = int.from_bytes(chunk[4:8], "big")
        content += chunk[8 : 8 + size]
        chunk = chunk[8 + size :]
    return content
