"""A connection that was HTTP and goes on with bare bytes both ways: exec and attach."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pillion.engines.docker.host import explain_unreachable
from pillion.ports.engine import EngineUnreachableError


class RawPipe:
    """The two directions of such a connection. `ahead` is what was received together with the head."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter | None,
        host: str,
        *,
        ahead: bytes = b"",
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self._ahead = ahead

    async def read(self, count: int) -> bytes:
        """Return at most so many bytes, none at the end. Raises EngineUnreachableError when it breaks off."""
        if self._ahead:
            data, self._ahead = self._ahead[:count], self._ahead[count:]
            return data
        try:
            return await self._reader.read(count)
        except OSError as error:
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from error

    async def read_exactly(self, count: int) -> bytes:
        """Return so many bytes, or none where the end comes first."""
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        try:
            return data + await self._reader.readexactly(count - len(data))
        except asyncio.IncompleteReadError:
            return b""
        except OSError as error:
            raise EngineUnreachableError(explain_unreachable(self._host, error)) from error

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
