"""The other end of a connection, byte by byte: a test says what is accepted, heard and sent, and when."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

PATIENCE_S = 5.0

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


def sized(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Peer:
    """One connection, seen from the engine."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._heard = b""

    async def hear(self) -> bytes:
        """Return the next request, head and body; nothing when there is none any more."""
        while b"\r\n\r\n" not in self._heard:
            if not await self._receive():
                return b""
        head, _, body = self._heard.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        size = int(fields.get(b"content-length", b"0"))
        while len(body) < size or (b"transfer-encoding" in fields and not body.endswith(b"0\r\n\r\n")):
            assert await self._receive()
            body = self._heard[len(head) + 4 :]
        self._heard = b""
        return head + b"\r\n\r\n" + body

    async def receive_all(self) -> bytes:
        """Return what comes until the other side has closed its half."""
        while await self._receive():
            pass
        return self._heard

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    def hang_up(self) -> None:
        self.socket.close()

    async def has_hung_up(self) -> bool:
        """Wait for the other side's end; say whether that was all that came."""
        try:
            return not await self._receive()
        except ConnectionResetError:
            return True

    async def _receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            data = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 16)
        self._heard += data
        return data


class RawEngine:
    """Listens on a socket of this machine, or on the loopback."""

    def __init__(self, folder: Path, *, is_tcp: bool = False, backlog: int = 100) -> None:
        path = folder / "raw.sock"
        self._listener = socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if is_tcp else str(path))
        self._listener.listen(backlog)
        self._listener.setblocking(False)
        self._peers: list[Peer] = []
        port = self._listener.getsockname()[1] if is_tcp else None
        self.host = f"tcp://127.0.0.1:{port}" if is_tcp else f"unix://{path}"

    async def accept(self) -> Peer:
        """Return the next connection that is made."""
        async with asyncio.timeout(PATIENCE_S):
            sock, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self._peers.append(Peer(sock))
        return self._peers[-1]

    def nobody_waits(self) -> bool:
        """Whether no connection is waiting to be accepted."""
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return True
        sock.close()
        return False

    def close(self) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.hang_up()
