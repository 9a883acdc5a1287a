"""Asks programs inside a container's network namespace over HTTP, without starting anything in there."""

from __future__ import annotations

import asyncio

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.namespace import NamespaceUnavailableError, in_namespace_of

DEADLINE_S = 1.0
"""How long a connection or a piece of the answer is waited for; the program is a sidecar next door."""

BODY_BYTES_MAX = 1 << 20


async def fetch_inside(client: DockerClient, runtime_id: str, port: int, path: str) -> str | None:
    """Return what a GET on 127.0.0.1 answers inside a container's network; None where it answers nothing.

    Raises EngineUnreachableError.
    """
    try:
        inspection = await client.get(f"containers/{runtime_id}/json")
    except (ApiError, DeadlinePassedError):
        return None
    process_id = inspection["State"].get("Pid")
    if not process_id:
        return None
    try:
        return await asyncio.to_thread(in_namespace_of, process_id, runtime_id, lambda: _get(port, path))
    except NamespaceUnavailableError:
        return None


def _get(port: int, path: str) -> str | None:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(BODY_BYTES_MAX)
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body.decode(errors="replace") if response.status == 200 else None
