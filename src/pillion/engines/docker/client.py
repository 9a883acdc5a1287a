"""The Docker Engine API: paths, versions, JSON, deadlines and error texts, over whichever transport there is.

A task's start is made of few calls and every inspection that a wrapper adds is a millisecond, so there is one
request for each call. How requests travel is below `transport`; nobody else makes any. Raises `ApiError`,
`DeadlinePassedError` (see `errors`) and the port's `EngineUnreachableError`, and OSError where a file that is
sent cannot be read; nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.host import (
    SOCKET_SCHEME,
    chosen_host,
    explain_unreachable,
    find_engine,
    is_local,
)
from pillion.engines.docker.transport.pipe import RawPipe
from pillion.engines.docker.transport.protocol import Answer, Body, Request, Transport
from pillion.ports.engine import EngineUnreachableError

if TYPE_CHECKING:
    from pillion.engines.docker.transport.early import EarlyCall

API_VERSION_MAX = (1, 47)
"""The newest API whose changes were read; an older engine is spoken to in its own."""

API_VERSION_MIN = (1, 40)
"""The oldest API that has all we ask for (Docker 19.03)."""

CALL_DEADLINE_S = 30.0
"""For calls that the agent has no time of its own for; it gives an inspection this long."""

PING_DEADLINE_S = 10.0
"""The agent gives `version` and `info` this long."""

_NOT_MODIFIED = 304
_REDIRECTION = 300
_PATH_SAFE = "/:@!$&'()*+,;="


class ByteStream:
    """The body of an answer that goes on for a while."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece as it comes. Raises EngineUnreachableError when it breaks off."""
        while chunk := await self._answer.read_some():
            yield chunk

    async def json_lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the body's JSON objects, one a line. Raises EngineUnreachableError when it breaks off."""
        rest = b""
        async for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield json.loads(line)
        if rest.strip():
            try:
                yield json.loads(rest)
            except ValueError:
                raise EngineUnreachableError("The engine ended an answer in the middle of a line.") from None


class DockerClient:
    """One connection to an engine. Made without I/O; the first call connects.

    `early` was sent to the same engine before; who makes that call gets its answer.
    """

    def __init__(
        self,
        host: str | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        early: EarlyCall | None = None,
    ) -> None:
        self._early = early
        self._environment = os.environ if environment is None else environment
        self._wanted = chosen_host(host, self._environment)
        self._transport: Transport | None = None
        self._base = ""
        self._connecting = asyncio.Lock()
        self.host = self._wanted or "the usual socket"
        self.is_podman = False

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files, ports and processes; known once connected."""
        return is_local(self.host)

    async def connect(self) -> None:
        """Find the engine and agree on an API version, unless done. Raises EngineUnreachableError."""
        await self._connect()

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
        answer = await self._request(method, path, params, body, headers)
        try:
            yield ByteStream(answer)
        finally:
            answer.close()

    @asynccontextmanager
    async def upgrade(self, path: str, *, body: dict[str, Any]) -> AsyncIterator[RawPipe]:
        """Make a POST after which the connection carries bare bytes. Leaving ends the connection."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        answer = await self._request("POST", path, None, body, headers)
        try:
            yield answer.take_over()
        finally:
            answer.close()

    async def close(self) -> None:
        """Let go of the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

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
        if self._transport is None:
            await self._connect()  # has its own time
        try:
            async with asyncio.timeout(deadline_s) as limit:
                answer = await self._request(method, path, params, body, headers)
                try:
                    content = await _read_all(answer)
                finally:
                    answer.close()
        except TimeoutError as error:
            if limit.expired():
                raise DeadlinePassedError(deadline_s) from error
            raise
        return json.loads(content) if content and _is_json(answer) else None

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        """Send a call; return its answer unless that is an error."""
        transport = self._transport or await self._connect()
        query = f"?{urlencode(params)}" if params else ""
        answer = await transport.request(
            Request(
                method=method,
                target=f"{self._base}/{quote(path, _PATH_SAFE)}{query}",
                headers={"Content-Type": "application/json", **(headers or {})},
                body=_encode(body),
            )
        )
        # An engine redirects only what we asked wrongly; "not modified" is its word for "so it is already".
        if answer.status < _REDIRECTION or answer.status == _NOT_MODIFIED:
            return answer
        try:
            raise ApiError(answer.status, _message(await _read_all(answer)))
        finally:
            answer.close()

    async def _connect(self) -> Transport:
        """Find the engine and agree on an API version."""
        async with self._connecting:
            if self._transport is not None:
                return self._transport
            transport = self._find()
            try:
                version, self.is_podman = await _agree(transport, self.host)
            except BaseException:
                await transport.close()
                raise
            self._base = f"/v{version[0]}.{version[1]}"
            self._transport = transport
            return transport

    def _find(self) -> Transport:
        """Choose the transport; only that one is imported, for aiohttp takes 0.15 s of a run's start."""
        wanted, context = find_engine(self._wanted, self._environment)
        self.host = wanted or f"Docker context {context}"
        if wanted is not None and wanted.startswith(SOCKET_SCHEME):
            from pillion.engines.docker.transport.unix import UnixTransport

            early, self._early = self._early, None
            return UnixTransport(wanted, early=early)
        from pillion.engines.docker.transport.remote import RemoteTransport

        return RemoteTransport(self.host, url=wanted, context=context)


async def _read_all(answer: Answer) -> bytes:
    pieces = []
    while piece := await answer.read_some():
        pieces.append(piece)
    return b"".join(pieces)


def _encode(body: object) -> Body:
    return json.dumps(body).encode() if isinstance(body, dict) else cast("bytes | IO[bytes] | None", body)


def _is_json(answer: Answer) -> bool:
    return answer.header("content-type").partition(";")[0].strip().lower() == "application/json"


async def _agree(transport: Transport, host: str) -> tuple[tuple[int, int], bool]:
    """Return the newest API version that the engine and we both speak, and whether it is Podman."""
    try:
        async with asyncio.timeout(PING_DEADLINE_S):
            answer = await transport.request(Request(method="GET", target="/_ping", headers={}))
            try:
                await _read_all(answer)
            finally:
                answer.close()
    except TimeoutError:
        late = TimeoutError(f"no answer within {PING_DEADLINE_S:g}s")
        raise EngineUnreachableError(explain_unreachable(host, late)) from None
    offered = answer.header("api-version")
    is_podman = bool(answer.header("libpod-api-version"))
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


def _message(content: bytes) -> str:
    """Return the text of an error's body: JSON with `message`, or plain text."""
    text = content.decode(errors="replace").strip()
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        return text
    return str(message)
