"""The Docker Engine API: the only file that touches aiodocker and aiohttp.

aiodocker finds the engine (contexts, TLS, ssh); the calls themselves go through its session, one request
each, because a task's start is made of few calls and every inspection that a wrapper adds is a millisecond.
Raises `ApiError`, `DeadlinePassedError` (see `errors`) and the port's `EngineUnreachableError`, nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp

from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.host import (
    NO_ENGINE,
    chosen_host,
    explain_unreachable,
    first_socket,
    is_local,
    usual_sockets,
)
from pillion.ports.engine import EngineUnreachableError

API_VERSION_MAX = (1, 47)
"""The newest API whose changes were read; an older engine is spoken to in its own."""

API_VERSION_MIN = (1, 40)
"""The oldest API that has all we ask for (Docker 19.03)."""

CALL_DEADLINE_S = 30.0
"""For calls that the agent has no time of its own for; it gives an inspection this long."""

PING_DEADLINE_S = 10.0
"""The agent gives `version` and `info` this long."""

_READ_BYTES = 1 << 16


class ByteStream:
    """The body of an answer that goes on for a while."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self._response = response
        self._host = host

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece as it comes. Raises EngineUnreachableError when it breaks off."""
        content = self._response.content
        while True:
            try:
                chunk = await content.readany()
            except (aiohttp.ClientError, OSError) as error:
                raise _translate(error, self._host, None) from error
            if not chunk:
                return
            yield chunk

    async def json_lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the body's JSON objects, one a line."""
        rest = b""
        async for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield json.loads(line)
        if rest.strip():
            yield json.loads(rest)


class RawPipe:
    """A connection that was HTTP and goes on with bare bytes both ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def read(self, count: int) -> bytes:
        """Return at most so many bytes, none at the end. Raises EngineUnreachableError when it breaks off."""
        try:
            return await self._reader.read(count)
        except OSError as error:
            raise _translate(error, self._host, None) from error

    async def read_exactly(self, count: int) -> bytes:
        """Return so many bytes, or none where the end comes first."""
        try:
            return await self._reader.readexactly(count)
        except asyncio.IncompleteReadError:
            return b""
        except OSError as error:
            raise _translate(error, self._host, None) from error

    async def write(self, data: bytes) -> None:
        """Send, and wait while too much is on its way. Where nobody takes it, it is dropped."""
        if self._writer is None or self._writer.is_closing():
            return
        with suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    def end_input(self) -> None:
        """Say that nothing more will be sent; what comes can still be read."""
        if self._writer is not None and not self._writer.is_closing() and self._writer.can_write_eof():
            with suppress(OSError):
                self._writer.write_eof()


class DockerClient:
    """One connection to an engine. Made without I/O; the first call connects."""

    def __init__(self, host: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._wanted = chosen_host(host, self._environment)
        self._docker: aiodocker.Docker | None = None
        self._session: aiohttp.ClientSession | None = None
        self._base = ""
        self._connecting = asyncio.Lock()
        self.host = self._wanted or "the usual socket"
        self.is_podman = False

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files, ports and processes; known once connected."""
        return is_local(self.host)

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float = CALL_DEADLINE_S,
    ) -> Any:  # noqa: ANN401 - the API's answers are JSON of many shapes
        """Return the JSON that a GET answers."""
        return await self._call("GET", path, params=params, headers=headers, deadline_s=deadline_s)

    async def post(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float = CALL_DEADLINE_S,
    ) -> Any:  # noqa: ANN401 - as above
        """Return the JSON that a POST answers, None where it answers nothing.

        `body` is JSON as a dict, or bytes.
        """
        return await self._call(
            "POST", path, params=params, body=body, headers=headers, deadline_s=deadline_s
        )

    async def delete(
        self, path: str, *, params: Mapping[str, str] | None = None, deadline_s: float = CALL_DEADLINE_S
    ) -> None:
        """Make a DELETE."""
        await self._call("DELETE", path, params=params, deadline_s=deadline_s)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[ByteStream]:
        """Make a call whose answer goes on; the caller bounds the time. Leaving ends the connection.

        `body` is JSON as a dict, bytes or an open file.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PING_DEADLINE_S)
        response = await self._request(method, path, params, body, headers, timeout, None)
        try:
            yield ByteStream(response, self.host)
        finally:
            response.close()

    @asynccontextmanager
    async def upgrade(self, path: str, *, body: dict[str, Any]) -> AsyncIterator[RawPipe]:
        """Make a POST after which the connection carries bare bytes. Leaving ends the connection."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PING_DEADLINE_S)
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        response = await self._request("POST", path, None, body, headers, timeout, None)
        try:
            yield _raw_pipe(response, self.host)
        finally:
            response.close()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._session is not None:
            await self._session.close()
        if self._docker is not None:
            await self._docker.close()
        self._session = self._docker = None

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float,
    ) -> Any:  # noqa: ANN401 - as above
        timeout = aiohttp.ClientTimeout(total=deadline_s)
        response = await self._request(method, path, params, body, headers, timeout, deadline_s)
        try:
            content = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise _translate(error, self.host, deadline_s) from error
        return json.loads(content) if content and response.content_type == "application/json" else None

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: object,
        headers: Mapping[str, str] | None,
        limits: aiohttp.ClientTimeout,
        deadline_s: float | None,
    ) -> aiohttp.ClientResponse:
        session = self._session or await self._connect()
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = json.dumps(body) if isinstance(body, dict) else body
        try:
            response = await session.request(
                method, f"{self._base}/{path}", params=params, data=data, headers=sent, timeout=limits
            )
            if response.status >= 400:
                raise ApiError(response.status, _message(await response.read()))
        except (aiohttp.ClientError, OSError) as error:
            raise _translate(error, self.host, deadline_s) from error
        return response

    async def _connect(self) -> aiohttp.ClientSession:
        """Find the engine and agree on an API version."""
        async with self._connecting:
            if self._session is not None:
                return self._session
            docker = self._find()
            self.host = self._wanted or self.host
            session = docker.session
            if isinstance(docker.connector, aiohttp.UnixConnector):
                # aiohttp's usual limit of 100 connections would leave the 101st log stream waiting for ever.
                connector = aiohttp.UnixConnector(docker.connector.path, limit=0)
                self.host = f"unix://{docker.connector.path}"
                session = aiohttp.ClientSession(connector=connector)
            try:
                version, self.is_podman = await _agree(session, docker.docker_host, self.host)
            except BaseException:
                await session.close()
                await docker.close()
                raise
            self._base = f"{docker.docker_host}/v{version[0]}.{version[1]}"
            self._docker, self._session = docker, session
            return session

    def _find(self) -> aiodocker.Docker:
        found = self._wanted
        if found is None and not self._environment.get("DOCKER_CONTEXT"):
            found = None if _has_context(self._environment) else self._first_socket()
        try:
            return aiodocker.Docker(url=found)
        except (aiodocker.DockerError, ValueError, OSError, AssertionError) as error:
            # AssertionError: how aiodocker says that it found no socket.
            raise EngineUnreachableError(explain_unreachable(self.host, error)) from error

    def _first_socket(self) -> str:
        found = first_socket(self._environment, Path.is_socket)
        if found is None:
            searched = ", ".join(str(path) for path in usual_sockets(self._environment))
            raise EngineUnreachableError(NO_ENGINE.format(searched=searched))
        return found


class _Feed:
    """Takes over what aiohttp received before the connection was handed on."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if data:
            self._reader.feed_data(data)
        return False, b""

    def feed_eof(self) -> None:
        self._reader.feed_eof()


def _raw_pipe(response: aiohttp.ClientResponse, host: str) -> RawPipe:
    """Hand the connection of an upgraded answer on to asyncio's own streams."""
    connection = response.connection
    if connection is None or connection.protocol is None:
        raise EngineUnreachableError(
            f"The engine at {host} answered with status {response.status} where the connection should have "
            "become a bare one: something between here and the engine does not know upgrades."
        )
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = connection.protocol.transport
    connection.protocol.set_parser(_Feed(reader), None)
    if transport is None:  # all that came is here, and the engine has hung up
        reader.feed_eof()
        return RawPipe(reader, None, host)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    transport.resume_reading()
    return RawPipe(reader, asyncio.StreamWriter(transport, protocol, reader, loop), host)


def _has_context(environment: Mapping[str, str]) -> bool:
    """Say whether `docker context use` chose another context than the default one."""
    path = Path(environment.get("HOME", "/")) / ".docker/config.json"
    try:
        return json.loads(path.read_bytes()).get("currentContext") not in (None, "", "default")
    except (OSError, ValueError, AttributeError):
        return False


async def _agree(session: aiohttp.ClientSession, base: str, host: str) -> tuple[tuple[int, int], bool]:
    """Return the newest API version that the engine and we both speak, and whether it is Podman."""
    timeout = aiohttp.ClientTimeout(total=PING_DEADLINE_S)
    try:
        async with session.get(f"{base}/_ping", timeout=timeout) as response:
            await response.read()
            offered = response.headers.get("Api-Version", "")
            is_podman = "Libpod-Api-Version" in response.headers
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnreachableError(explain_unreachable(host, error)) from error
    try:
        major, minor = (int(part) for part in offered.split("."))
    except ValueError:
        text = f"What answers at {host} is no Docker Engine: it names no API version ({offered!r})."
        raise EngineUnreachableError(text) from None
    if (major, minor) < API_VERSION_MIN:
        wanted = ".".join(map(str, API_VERSION_MIN))
        text = f"The engine at {host} speaks API {offered}; pillion needs {wanted} (Docker 19.03) or newer."
        raise EngineUnreachableError(text)
    return min((major, minor), API_VERSION_MAX), is_podman


def _translate(error: BaseException, host: str, deadline_s: float | None) -> Exception:
    """Turn an exception of the HTTP library into one of ours."""
    if isinstance(error, TimeoutError) and deadline_s is not None:
        return DeadlinePassedError(deadline_s)
    return EngineUnreachableError(explain_unreachable(host, error))


def _message(content: bytes) -> str:
    """Return the text of an error's body: JSON with `message`, or plain text."""
    text = content.decode(errors="replace").strip()
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        return text
    return str(message)
