"""An answer on a connection of `unix`: its body, as it comes, and what becomes of the connection then."""

from __future__ import annotations

from collections.abc import Callable

from pillion.engines.docker.transport.connection import SWITCHED, Connection, Head
from pillion.engines.docker.transport.framing import UnboundedBody, framing_of
from pillion.engines.docker.transport.pipe import RawPipe
from pillion.engines.docker.transport.protocol import no_upgrade
from pillion.ports.engine import EngineUnreachableError


class SocketAnswer:
    """Implements `protocol.Answer`.

    Args:
        connection: where the body comes.
        head: the head that came.
        ahead: what came behind the head.
        host: the engine, for the texts of errors.
        keep: takes the connection back when it may serve another call.
        drop: ends the connection.
        forget: leaves the connection to whoever took it over.
    """

    def __init__(
        self,
        connection: Connection,
        head: Head,
        ahead: bytes,
        *,
        host: str,
        keep: Callable[[Connection], None],
        drop: Callable[[Connection], None],
        forget: Callable[[Connection], None],
    ) -> None:
        self._connection = connection
        self._head = head
        self._ahead = ahead
        self._host = host
        self._keep, self._drop, self._forget = keep, drop, forget
        self._framing = framing_of(head.status_code, head.headers)
        self._is_over = False
        self._is_taken_over = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._head.status_code

    def header(self, name: str) -> str:
        """Return a header by its name in small letters, an empty text where there is none."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self._head.headers if key == wanted), "")

    async def read_some(self) -> bytes:
        """Return what has come of the body, none at its end. Raises EngineUnreachableError."""
        while not self._is_over:
            try:
                piece = await self._next_piece()
            except OSError as error:
                self.close()
                raise self._connection.failure(error, self._host) from error
            if self._framing.is_done:
                self._end()
            if piece:
                return piece
        return b""

    def take_over(self) -> RawPipe:
        """Return the bare connection of an upgraded answer. Raises EngineUnreachableError for any other."""
        # Podman and older engines give their connection away with status 200 and no length.
        if self.status != SWITCHED and not isinstance(self._framing, UnboundedBody):
            raise EngineUnreachableError(no_upgrade(self._host, self.status))
        self._is_taken_over = True
        return RawPipe(self._connection.reader, self._connection.writer, self._host, ahead=self._ahead)

    def close(self) -> None:
        """End the connection, unless the body was read to its end: then it serves the next call."""
        if self._is_over:
            return
        self._is_over = True
        if self._is_taken_over:
            self._forget(self._connection)
            self._connection.finish()  # the last input may not be sent yet
        else:
            self._drop(self._connection)

    async def _next_piece(self) -> bytes:
        if self._framing.is_done:
            return b""
        data, self._ahead = self._ahead or await self._connection.receive(), b""
        if data:
            return self._framing.feed(data)
        self._framing.end()
        return b""

    def _end(self) -> None:
        self._is_over = True
        if self._framing.rest or self._ahead or not self._is_persistent():
            self._drop(self._connection)
        else:
            self._keep(self._connection)

    def _is_persistent(self) -> bool:
        options = self.header("connection").lower()
        is_bounded = not isinstance(self._framing, UnboundedBody)
        return is_bounded and self._head.http_version == b"1.1" and "close" not in options
