"""One connection to a socket of this machine: a request goes out, the head of an answer comes back.

h11 writes the request and reads the head, a fresh one for each exchange; `framing` follows the body from
there. Nothing is known here of other connections (`unix`).
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import h11

from pillion.engines.docker.host import explain_unreachable
from pillion.engines.docker.transport.protocol import Body, Request
from pillion.ports.engine import EngineUnreachableError

READ_BYTES = 1 << 17
"""How much is read at once. asyncio receives no more while twice as much waits to be read."""

SEND_BYTES = 1 << 17
"""A larger body is sent piece by piece, and so is a file."""

HEAD_BYTES_MAX = 1 << 16

CONNECT_PAUSE_S = 0.01
"""Between tries while more callers wait at the socket than its queue takes."""

SWITCHED = 101

Head = h11.Response | h11.InformationalResponse


def is_sent_at_once(body: Body) -> bool:
    """Say whether a body goes out in one piece with its head, and could go out again."""
    return body is None or (isinstance(body, bytes) and len(body) <= SEND_BYTES)


class _Reader(asyncio.StreamReader):
    """Counts what has come, so that it is known of a connection at rest that nothing has."""

    received = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # transports feed nothing else
        self.received += len(data)
        super().feed_data(data)


class Connection:
    """One connection, one exchange at a time. Whoever owns it ends it with `abort` or `finish`."""

    def __init__(self, sock: socket.socket, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.is_reused = False
        self._socket = sock
        self._sender: asyncio.Task[None] | None = None
        self._unsendable: Exception | None = None
        self._taken = 0
        self._received_before = 0

    @classmethod
    async def open(cls, path: str) -> Connection:
        """Connect to a socket. Raises OSError; the caller bounds the time."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await _connect(sock, path)
        except BaseException:
            sock.close()
            raise
        return await cls.of(sock)

    @classmethod
    async def of(cls, sock: socket.socket) -> Connection:
        """Return the connection of a socket that is connected and does not block. Raises OSError."""
        try:
            reader = _Reader(limit=READ_BYTES)
            protocol = asyncio.StreamReaderProtocol(reader)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_unix_connection(lambda: protocol, sock=sock)
        except BaseException:
            sock.close()
            raise
        return cls(sock, reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    @property
    def has_heard(self) -> bool:
        """Whether any byte has come since the last request was sent."""
        return self.reader.received > self._received_before

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: all was read and sent, and the engine has not hung up.

        The kernel is asked, too: of what it learnt a moment ago the event loop may not know yet.
        """
        is_sending = self._sender is not None and not self._sender.done()
        is_unread = self.reader.received > self._taken
        if is_sending or is_unread or self.reader.at_eof() or self.writer.is_closing():
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False  # the end, or something that nobody asked for

    async def exchange(self, request: Request, *, is_sent: bool = False) -> tuple[Head, bytes]:
        """Send a request, unless it `is_sent`; return the head of the answer and what came behind it.

        A large body goes on being sent while the answer is read.

        Raises:
            OSError: the connection broke, or the engine hung up.
            h11.RemoteProtocolError: what came is not HTTP.
        """
        self._received_before = self.reader.received
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._send(http, request, is_sent=is_sent)
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await self.receive()
                if not data:
                    raise ConnectionError("it closed the connection before its answer was complete")
                http.receive_data(data)
            elif isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHED
            ):
                self.is_reused = True
                return event, http.trailing_data[0]

    async def receive(self) -> bytes:
        """Return what has come, nothing at the end. Raises OSError."""
        data = await self.reader.read(READ_BYTES)
        self._taken += len(data)
        return data

    def failure(self, error: Exception, host: str) -> Exception:
        """Return what to raise for an error: that the engine is unreachable, or that our own file is."""
        return self._unsendable or EngineUnreachableError(explain_unreachable(host, error))

    def abort(self) -> None:
        """End the connection, whatever is under way on it."""
        if self._sender is not None:
            self._sender.cancel()
        self.writer.transport.abort()

    def finish(self) -> None:
        """End the connection when all that was written has been sent."""
        self.writer.close()

    async def wait_closed(self) -> None:
        """Return when it has ended."""
        with suppress(OSError):
            await self.writer.wait_closed()

    def _send(self, http: h11.Connection, request: Request, *, is_sent: bool) -> None:
        body, headers = request.body, _headers(request)
        head = http.send(h11.Request(method=request.method, target=request.target, headers=headers))
        if is_sent_at_once(body):
            content = http.send(h11.Data(data=body)) if isinstance(body, bytes) else b""
            message = head + content + http.send(h11.EndOfMessage())
            if not is_sent:
                self.writer.write(message)
        else:
            self.writer.write(head)
            self._sender = asyncio.create_task(self._send_body(http, body), name="docker-body")

    async def _send_body(self, http: h11.Connection, body: Body) -> None:
        """Send a body piece by piece, no faster than the engine takes it."""
        sent = 0
        try:
            while piece := await _piece(body, sent):
                self.writer.writelines(http.send_with_data_passthrough(h11.Data(data=piece)) or ())
                await self.writer.drain()
                sent += len(piece)
            self.writer.write(http.send(h11.EndOfMessage()))
        except Exception as error:
            if not self.writer.is_closing():  # else whoever reads the answer says what happened
                self._unsendable = error
                self.writer.transport.abort()


async def _connect(sock: socket.socket, path: str) -> None:
    """Connect, and wait while the socket's queue is full: asyncio would take that for success."""
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            await asyncio.sleep(CONNECT_PAUSE_S)
        else:
            return


def _headers(request: Request) -> list[tuple[str, str]]:
    headers = [("Host", "localhost"), *request.headers.items()]
    if isinstance(request.body, bytes):
        headers.append(("Content-Length", str(len(request.body))))
    elif request.body is not None:
        headers.append(("Transfer-Encoding", "chunked"))
    elif request.method != "GET":
        headers.append(("Content-Length", "0"))
    return headers


async def _piece(body: Body, start: int) -> bytes:
    if body is None or isinstance(body, bytes):
        return (body or b"")[start : start + SEND_BYTES]
    return await asyncio.to_thread(body.read, SEND_BYTES)  # a disk may be slow
