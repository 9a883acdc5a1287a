"""A call that is sent before there is an event loop to wait for its answer.

asyncio and h11 take longer to import than all that a run needs to know what to ask for, and the engine can be
at work meanwhile. Whoever makes the same call later (`UnixTransport.request`) gets the answer.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from pillion.engines.docker.host import SOCKET_SCHEME

if TYPE_CHECKING:
    from pillion.engines.docker.transport.protocol import Request


class EarlyCall:
    """A POST of JSON that is on its way, on a connection of its own."""

    def __init__(self, sock: socket.socket, target: str, body: bytes) -> None:
        self._socket = sock
        self._target = target
        self._body = body

    @classmethod
    def send(cls, host: str, target: str, body: bytes) -> EarlyCall | None:
        """Send a call to the engine at `host`, in whatever version of the API it likes best.

        None where it does not take the call at once: whoever makes it later hears why.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        start, size = f"POST {target} HTTP/1.1".encode(), f"Content-Length: {len(body)}".encode()
        message = b"\r\n".join(
            (start, b"Host: localhost", b"Content-Type: application/json", size, b"", body)
        )
        try:
            sock.connect(host.removeprefix(SOCKET_SCHEME))
            if sock.send(message) == len(message):
                return cls(sock, target, body)
        except OSError:
            pass
        sock.close()
        return None

    def is_same(self, request: Request) -> bool:
        """Say whether a call, made in some version of the API, is this one."""
        is_there = request.target.endswith(self._target) and request.method == "POST"
        return is_there and request.body == self._body

    def take(self) -> socket.socket:
        """Return the connection on which the answer comes."""
        return self._socket
