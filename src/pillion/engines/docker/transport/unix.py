"""The transport for a socket of this machine, where nearly every engine is.

Such a socket needs no TLS, no proxies, no names and no redirects, and importing aiohttp takes longer than it
takes Docker to start a container. Connections are kept for some seconds, for the next call, however many.
"""

from __future__ import annotations

import asyncio

import h11

from pillion.engines.docker.host import SOCKET_SCHEME, explain_unreachable
from pillion.engines.docker.transport.answer import SocketAnswer
from pillion.engines.docker.transport.connection import Connection, is_sent_at_once
from pillion.engines.docker.transport.early import EarlyCall
from pillion.engines.docker.transport.protocol import CONNECT_DEADLINE_S, Request
from pillion.ports.engine import EngineUnreachableError

IDLE_S = 15.0
"""How long a connection is kept for the next call."""

_IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")


class UnixTransport:
    """Carries calls to the engine at a socket, `host` being its address (`unix:///...`)."""

    def __init__(
        self,
        host: str,
        *,
        connect_deadline_s: float = CONNECT_DEADLINE_S,
        idle_s: float = IDLE_S,
        early: EarlyCall | None = None,
    ) -> None:
        self._early = early
        self._host = host
        self._path = host.removeprefix(SOCKET_SCHEME)
        self._connect_deadline_s = connect_deadline_s
        self._idle_s = idle_s
        self._open: set[Connection] = set()
        self._idle: dict[Connection, asyncio.TimerHandle] = {}
        self._is_closed = False

    async def request(self, request: Request) -> SocketAnswer:
        """Send a call and return its answer as soon as the head is here.

        Raises EngineUnreachableError, and OSError where the body's file cannot be read.
        """
        if self._early is not None and self._early.is_same(request):
            early, self._early = self._early, None
            connection = await Connection.of(early.take())
            self._open.add(connection)
            return await self._exchange(connection, request, is_sent=True)
        # What cannot be sent again gets a connection that cannot be a stale one.
        kept = self._take_idle() if is_sent_at_once(request.body) else None
        if kept is not None:
            try:
                return await self._exchange(kept, request)
            except _StaleError:
                pass
        return await self._exchange(await self._connect(), request)

    async def close(self) -> None:
        """End all connections, those in use as well."""
        self._is_closed = True
        if self._early is not None:
            self._early.take().close()
            self._early = None
        connections = tuple(self._open)
        for connection in connections:
            self._drop(connection)
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    def _take_idle(self) -> Connection | None:
        """Return the connection that was used last, unless the engine has hung up meanwhile."""
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.cancel()
            if connection.is_usable:
                return connection
            self._drop(connection)
        return None

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_deadline_s):
                connection = await Connection.open(self._path)
        except TimeoutError:
            error = TimeoutError(f"it accepted no connection within {self._connect_deadline_s:g}s")
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from None
        except OSError as error:
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from error
        self._open.add(connection)
        if self._is_closed:
            self._drop(connection)
        return connection

    async def _exchange(
        self, connection: Connection, request: Request, *, is_sent: bool = False
    ) -> SocketAnswer:
        was_kept = connection.is_reused
        try:
            head, ahead = await connection.exchange(request, is_sent=is_sent)
        except (OSError, h11.RemoteProtocolError) as error:
            self._drop(connection)
            if was_kept and not connection.has_heard and _may_go_again(request, error):
                raise _StaleError from error
            raise connection.failure(error, self._host) from error
        except BaseException:  # cancelled: nobody will read the answer that may still come
            self._drop(connection)
            raise
        return SocketAnswer(
            connection,
            head,
            ahead,
            host=self._host,
            keep=self._keep,
            drop=self._drop,
            forget=self._forget,
        )

    def _keep(self, connection: Connection) -> None:
        if self._is_closed or not connection.is_usable:
            self._drop(connection)
            return
        loop = asyncio.get_running_loop()
        self._idle[connection] = loop.call_later(self._idle_s, self._drop, connection)

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        timer = self._idle.pop(connection, None)
        if timer is not None:
            timer.cancel()


class _StaleError(Exception):
    """The engine hung up on a kept connection just before the call reached it."""


def _may_go_again(request: Request, error: Exception) -> bool:
    """Say whether a call that got no byte of an answer may be sent a second time.

    A GET may. A POST only when the engine cannot have acted on it: the kernel says "broken pipe" when the
    other end was closed before we wrote, and "connection reset" when it was closed with something of ours
    unread in it. An orderly end after all was read may be that of an engine which died of what it was doing.
    """
    return request.method in _IDEMPOTENT or isinstance(error, BrokenPipeError | ConnectionResetError)
