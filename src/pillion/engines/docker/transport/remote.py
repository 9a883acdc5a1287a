"""The transport for engines that are no socket of this machine: aiohttp, with aiodocker to find them.

aiodocker knows Docker's contexts, certificates and ssh; calls go through its session, without its wrappers.
"""

from __future__ import annotations

import asyncio
import io

import aiodocker
import aiohttp
from yarl import URL

from pillion.engines.docker.host import explain_unreachable
from pillion.engines.docker.transport.pipe import RawPipe
from pillion.engines.docker.transport.protocol import CONNECT_DEADLINE_S, Request, no_upgrade
from pillion.ports.engine import EngineUnreachableError

_PIECEWISE_BYTES = 1 << 20
"""aiohttp would hold up the event loop with a larger body that is bytes, and says so."""


class RemoteTransport:
    """Carries calls to the engine at an address, or to that of a Docker context.

    `host` names it in the texts of errors. Made in a running event loop; raises EngineUnreachableError.
    """

    def __init__(self, host: str, *, url: str | None = None, context: str | None = None) -> None:
        self._host = host
        try:
            self._docker = aiodocker.Docker(url=url, context=context)
        except (aiodocker.DockerError, ValueError, OSError, AssertionError) as error:
            # AssertionError: how aiodocker says that it found no socket.
            raise EngineUnreachableError(explain_unreachable(host, error)) from error
        # aiohttp's usual limit of 100 connections would leave the 101st log stream waiting for ever, and
        # nothing public changes that of a connector which aiodocker made.
        self._docker.connector._limit = 0

    async def request(self, request: Request) -> RemoteAnswer:
        """Send a call and return its answer as soon as the head is here. Raises EngineUnreachableError."""
        body = request.body
        if isinstance(body, bytes) and len(body) > _PIECEWISE_BYTES:
            body = io.BytesIO(body)
        try:
            response = await self._docker.session.request(
                request.method,
                URL(f"{self._docker.docker_host}{request.target}", encoded=True),
                data=body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_DEADLINE_S),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from error
        return RemoteAnswer(response, self._host)

    async def close(self) -> None:
        """End all connections, those in use as well."""
        await self._docker.close()


class RemoteAnswer:
    """Implements `protocol.Answer`."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self._response = response
        self._host = host

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    def header(self, name: str) -> str:
        """Return a header, an empty text where there is none."""
        return self._response.headers.get(name, "")

    async def read_some(self) -> bytes:
        """Return what has come of the body, none at its end. Raises EngineUnreachableError."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from error

    def take_over(self) -> RawPipe:
        """Hand the connection of an upgraded answer on to asyncio's own streams."""
        connection = self._response.connection
        if connection is None or connection.protocol is None:
            raise EngineUnreachableError(no_upgrade(self._host, self.status))
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport = connection.protocol.transport
        connection.protocol.set_parser(_Feed(reader), None)
        if transport is None:  # all that came is here, and the engine has hung up
            reader.feed_eof()
            return RawPipe(reader, None, self._host)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
        return RawPipe(reader, asyncio.StreamWriter(transport, protocol, reader, loop), self._host)

    def close(self) -> None:
        """End the connection, unless the body was read to its end."""
        self._response.close()


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
