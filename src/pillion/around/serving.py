"""Where the endpoints of a task are served, and the servers themselves.

Containers find them at 169.254.170.2, as on ECS, in one of two ways:

- pillion's own sockets listen inside the task's network namespace (Linux, a local engine, root);
- a relay beside the task carries what arrives there to sockets of pillion on this machine (`doors`), where
  the namespace cannot be entered: without root, rootless, Docker Desktop, an engine elsewhere.

Tasks of host mode have no namespace of their own: they are served on the host's loopback, which SDKs accept
for credentials, too. A task of network mode none reaches nothing.

Surprising: the sockets listen from the beginning, but the servers (and aiohttp's, which take a tenth of a
second to import) are made when the first container connects. A task that asks nothing pays nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion.core.plan.endpoints import ENDPOINT_HOST
from pillion.core.plan.model import NetworkMode
from pillion.ports.engine import Capabilities
from pillion.run_settings import AUTO, RELAY

if TYPE_CHECKING:
    import ssl

    from aiohttp import web

    from pillion.aws.gateway import Endpoint
    from pillion.endpoints.server import EndpointServer
    from pillion.ports.queries import EndpointQueries

METADATA_PORT = 80

AWS_PORT = 4566
"""Where containers find AWS in plain HTTP; `aws.gateway` has the same number, and is imported late."""

HOST_NAME = "host.docker.internal"
"""The name under which Docker tells containers the host's address."""


class EndpointsSettingError(ValueError):
    """The setting `endpoints` means nothing. The message says what it may be."""


class Way(Enum):
    """How a task reaches its endpoints."""

    NAMESPACE = "inside the task's network namespace"
    RELAY = "through a relay beside the task"
    LOOPBACK = "on the host's loopback"
    NOWHERE = "nowhere: network mode none"


class Place(Struct, frozen=True, kw_only=True):
    """Where containers find metadata and AWS: `host[:port]` each. None where they find nothing.

    Attributes:
        way: how they get there.
        sockets: listen already, for the loopback's sake; other ways open theirs later.
        door_address: where this machine listens for relays: an IP address, or None for unix sockets.
        route_host: what relays connect to instead of `door_address`; the engine knows this name.
    """

    way: Way
    metadata: str | None
    aws: str | None
    sockets: tuple[socket.socket, ...] = ()
    door_address: str | None = None
    route_host: str | None = None

    @property
    def is_link_local(self) -> bool:
        """Whether containers find everything at ECS's own address."""
        return self.way in (Way.NAMESPACE, Way.RELAY)


def check_setting(wanted: str) -> str:
    """Return the setting `endpoints` if it means something. Raises EndpointsSettingError."""
    if wanted in (AUTO, RELAY):
        return wanted
    try:
        return str(ip_address(wanted))
    except ValueError:
        raise EndpointsSettingError(
            f"endpoints = {wanted!r} means nothing: write auto, relay, or the address of this machine at "
            "which the engine's containers reach it"
        ) from None


def choose_way(mode: NetworkMode, capabilities: Capabilities, *, wanted: str = AUTO) -> Way:
    """Decide where the endpoints of a task are served; `wanted` is the setting `endpoints`."""
    if mode is NetworkMode.NONE:
        return Way.NOWHERE
    if mode is NetworkMode.HOST:
        return Way.LOOPBACK
    can_enter = (
        sys.platform == "linux" and os.geteuid() == 0 and capabilities.local and not capabilities.rootless
    )
    return Way.NAMESPACE if can_enter and wanted == AUTO else Way.RELAY


def find_place(
    way: Way,
    capabilities: Capabilities,
    *,
    wanted: str = AUTO,
    before: tuple[str | None, str | None] | None = None,
) -> Place:
    """Return where the endpoints are; opens the loopback's sockets where that is the way.

    Args:
        way: how the task reaches its endpoints.
        capabilities: of the engine.
        wanted: the setting `endpoints`.
        before: where metadata and AWS were in the process that began the task: its containers know no other
            place. A port that somebody else has taken since is replaced, which does not help them.
    """
    match way:
        case Way.NOWHERE:
            return Place(way=way, metadata=None, aws=None)
        case Way.LOOPBACK:
            sockets = _listen("127.0.0.1", _ports_of(before))
            ports = [item.getsockname()[1] for item in sockets]
            return Place(
                way=way, metadata=f"127.0.0.1:{ports[0]}", aws=f"127.0.0.1:{ports[1]}", sockets=sockets
            )
        case Way.NAMESPACE | Way.RELAY:
            address, host = _doors(capabilities, wanted)
            return Place(
                way=way,
                metadata=ENDPOINT_HOST,
                aws=f"{ENDPOINT_HOST}:{AWS_PORT}",
                door_address=address,
                route_host=host,
            )


def _doors(capabilities: Capabilities, wanted: str) -> tuple[str | None, str | None]:
    """Return where to listen for relays, and what they connect to."""
    if wanted not in (AUTO, RELAY):
        return wanted, wanted
    if sys.platform == "linux" and capabilities.local:
        return None, None
    # Docker Desktop: unix sockets do not cross the border of its machine; this name leads to our loopback.
    return "127.0.0.1", HOST_NAME


def _ports_of(before: tuple[str | None, str | None] | None) -> tuple[int, int]:
    metadata, aws = before or (None, None)
    return _port_of(metadata), _port_of(aws)


def _port_of(authority: str | None) -> int:
    port = (authority or "").rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def _listen(address: str, ports: Sequence[int]) -> tuple[socket.socket, ...]:
    opened: list[socket.socket] = []
    try:
        opened.extend(_listen_at(address, port) for port in ports)
    except OSError:
        for item in opened:
            item.close()
        raise
    return tuple(opened)


def _listen_at(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port))
    except OSError:
        if not port:
            raise
        return socket.create_server((address, 0))


class TaskServers:
    """Metadata, credentials and the way to AWS for one task.

    Args:
        queries: who knows the answers of the endpoints.
        trouble: told of errors of ours.
        aws: says where AWS is and starts it; None where containers reach AWS by themselves.
        tls: for AWS's own host names, or None.
    """

    def __init__(
        self,
        queries: EndpointQueries,
        *,
        trouble: Callable[[str], None],
        aws: Endpoint | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._queries = queries
        self._trouble = trouble
        self._aws = aws
        self._tls = tls
        self._metadata: EndpointServer | None = None
        self._gateway: web.AppRunner | None = None
        self._idle: list[tuple[socket.socket, ...]] = []
        self._jobs: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    def addresses(self) -> list[tuple[str, int]]:
        """Return what has to be listened at inside a namespace, in the order that `serve` expects."""
        ports = [METADATA_PORT]
        if self._aws is not None:
            ports.append(AWS_PORT)
            if self._tls is not None:
                ports.append(443)
        return [(ENDPOINT_HOST, port) for port in ports]

    def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on listening sockets: metadata, then AWS in plain HTTP, then AWS over TLS.

        They are served from the first connection to any of them on; until then it waits in the backlog.
        """
        used = 1 if self._aws is None else len(sockets)
        for unused in sockets[used:]:
            unused.close()
        group = tuple(sockets[:used])
        loop = asyncio.get_running_loop()
        self._idle.append(group)
        for listener in group:
            listener.setblocking(False)
            loop.add_reader(listener, self._wake, group)

    async def close(self) -> None:
        """End the servers and close their sockets."""
        for group in tuple(self._idle):
            self._take(group)
            for listener in group:
                listener.close()
        for job in tuple(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        if self._metadata is not None:
            await self._metadata.close()
        if self._gateway is not None:
            await self._gateway.cleanup()

    def _take(self, group: tuple[socket.socket, ...]) -> None:
        self._idle.remove(group)
        for listener in group:
            asyncio.get_running_loop().remove_reader(listener)

    def _wake(self, group: tuple[socket.socket, ...]) -> None:
        self._take(group)
        job = asyncio.create_task(self._serve_now(group))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _serve_now(self, group: tuple[socket.socket, ...]) -> None:
        try:
            async with self._lock:
                metadata = await self._servers()
            await metadata.start(group[:1])
            if self._gateway is not None:
                from aiohttp import web

                for listener, context in zip(group[1:], (None, self._tls), strict=False):
                    await web.SockSite(self._gateway, listener, ssl_context=context).start()
        except Exception as error:  # whatever it is, somebody has to hear of it
            self._trouble(f"metadata and credentials cannot be served: {error!r}")

    async def _servers(self) -> EndpointServer:
        if self._metadata is None:
            metadata, self._gateway = await asyncio.to_thread(self._make)
            if self._gateway is not None:
                await self._gateway.setup()
            self._metadata = metadata
        return self._metadata

    def _make(self) -> tuple[EndpointServer, web.AppRunner | None]:
        """Import and make the servers, in a thread: the event loop has containers to start meanwhile."""
        from pillion.endpoints.server import EndpointServer

        metadata = EndpointServer(self._queries, trouble=self._trouble)
        if self._aws is None:
            return metadata, None
        from pillion.aws.gateway import gateway_runner

        return metadata, gateway_runner(self._aws)
