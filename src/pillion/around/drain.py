"""Takes a log router's place at its socket when it has ended, and throws away what comes.

For the lossless mode only. There Docker's driver is synchronous: with nobody at the socket, a line costs it
all its retries and is then neither delivered nor kept for `docker logs`, and reading the output of a
container that has ended fails, because Docker opens the driver again for it. Whatever is lost is lost in
either case; with a drain it is seen in the terminal, and counted. Part of the composition root.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_TAKE_BYTES = 1 << 16


class Drain:
    """Listens in place of a router that has ended for good.

    Args:
        path: the router's socket; what is left of it there is replaced.
        poured: called once, when something is thrown away.
    """

    def __init__(self, path: str, poured: Callable[[], None]) -> None:
        self._path = Path(path)
        self._poured = poured
        self._has_poured = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to listen. Without the folder there was no router, and nobody has anything to throw away."""
        if not self._path.parent.is_dir():
            return
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._take, self._path)

    async def close(self) -> None:
        """Stop listening and let go of whoever is connected."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._pour_away(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _pour_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while await reader.read(_TAKE_BYTES):
                    if not self._has_poured:
                        self._has_poured = True
                        self._poured()
        finally:
            writer.close()
