"""Where the endpoints of a task are served, and the servers themselves.

Three ways, in the order in which they are tried:

- inside the task's own network namespace, at 169.254.170.2 as on ECS (Linux, a local engine, root);
- on the host, where containers find it as `host.docker.internal` (Docker Desktop, rootless, no root); one
  port for each task, and only the ids in the paths tell who asks;
- on the host's loopback for tasks of host mode, which have no namespace of their own.

A task of network mode none reaches nothing.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from aiohttp import web

from pillion.aws.gateway import GATEWAY_PORT, TLS_PORT, Endpoint, gateway_app
from pillion.core.plan.endpoints import ENDPOINT_HOST
from pillion.core.plan.model import NetworkMode
from pillion.endpoints.server import EndpointServer
from pillion.ports.engine import Capabilities

METADATA_PORT = 80

HOST_NAME = "host.docker.internal"
"""Where containers find the host, when the endpoints cannot be served inside the task."""

HOST_GATEWAY = "host-gateway"
"""Docker's word for the host's address in an extra host."""


class Way(Enum):
    """How a task reaches its endpoints."""

    NAMESPACE = "inside the task's network namespace"
    HOST = "on the host, by way of host.docker.internal"
    LOOPBACK = "on the host's loopback"
    NOWHERE = "nowhere: network mode none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where containers find metadata and AWS: `host[:port]` each. None where they find nothing."""

    way: Way
    metadata: str | None
    aws: str | None
    sockets: tuple[socket.socket, ...] = ()


def choose_way(mode: NetworkMode, capabilities: Capabilities, *, wanted: str = "auto") -> Way:
    """Decide where the endpoints of a task are served; `wanted` is the setting `endpoints`."""
    if mode is NetworkMode.NONE:
        return Way.NOWHERE
    if mode is NetworkMode.HOST:
        return Way.LOOPBACK
    can_enter = (
        sys.platform == "linux" and os.geteuid() == 0 and capabilities.local and not capabilities.rootless
    )
    return Way.NAMESPACE if can_enter and wanted != "host" else Way.HOST


def find_place(way: Way, *, gateway_address: str | None) -> Place:
    """Return where the endpoints are; opens the host's sockets for the ways that need them.

    `gateway_address` is the host's address as containers of Docker's own bridge see it.
    """
    match way:
        case Way.NAMESPACE:
            return Place(way=way, metadata=ENDPOINT_HOST, aws=f"{ENDPOINT_HOST}:{GATEWAY_PORT}")
        case Way.NOWHERE:
            return Place(way=way, metadata=None, aws=None)
        case Way.LOOPBACK:
            host, sockets = "127.0.0.1", _listen_twice("127.0.0.1")
        case Way.HOST:
            host, sockets = HOST_NAME, _listen_on_gateway(gateway_address)
    ports = [item.getsockname()[1] for item in sockets]
    return Place(way=way, metadata=f"{host}:{ports[0]}", aws=f"{host}:{ports[1]}", sockets=sockets)


def _listen_on_gateway(address: str | None) -> tuple[socket.socket, ...]:
    """On the engine's bridge where that is this machine's; else (Docker Desktop) the loopback leads there."""
    if address is not None:
        with suppress(OSError):
            return _listen_twice(address)
    return _listen_twice("127.0.0.1")


def _listen_twice(address: str) -> tuple[socket.socket, ...]:
    first = socket.create_server((address, 0))
    try:
        return first, socket.create_server((address, 0))
    except OSError:
        first.close()
        raise


class TaskServers:
    """Metadata, credentials and the way to AWS for one task.

    Args:
        metadata: the endpoints; not started yet.
        aws: says where AWS is and starts it; None where containers reach AWS by themselves.
        tls: for AWS's own host names, or None.
    """

    def __init__(self, metadata: EndpointServer, aws: Endpoint | None, tls: ssl.SSLContext | None) -> None:
        self._metadata = metadata
        self._aws = aws
        self._tls = tls
        self._gateway: web.AppRunner | None = None

    def addresses(self) -> list[tuple[str, int]]:
        """Return what has to be listened at inside a namespace, in the order that `serve` expects."""
        ports = [METADATA_PORT]
        if self._aws is not None:
            ports.append(GATEWAY_PORT)
            if self._tls is not None:
                ports.append(TLS_PORT)
        return [(ENDPOINT_HOST, port) for port in ports]

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on listening sockets: metadata, then AWS in plain HTTP, then AWS over TLS."""
        await self._metadata.start(sockets[:1])
        if self._aws is None:
            for unused in sockets[1:]:
                unused.close()
            return
        if self._gateway is None:
            self._gateway = web.AppRunner(gateway_app(self._aws), access_log=None, shutdown_timeout=1.0)
            await self._gateway.setup()
        for listener, context in zip(sockets[1:], (None, self._tls), strict=False):
            await web.SockSite(self._gateway, listener, ssl_context=context).start()

    async def close(self) -> None:
        """End the servers and close their sockets."""
        await self._metadata.close()
        if self._gateway is not None:
            await self._gateway.cleanup()
