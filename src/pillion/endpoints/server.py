"""The endpoints over HTTP: paths cleaned, requests limited, answers sent. One server for each task.

The server is given sockets that listen already; which of them a request comes through is what tells tasks
apart, so a server never answers for a task whose sockets it does not have. Requests are handled without
aiohttp's router: the agent's own rules for paths are in `routes`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from html import escape
from typing import Final

from aiohttp import web

from pillion.endpoints.answers import NOT_FOUND, TEXT, Answer, Answers, Request
from pillion.endpoints.routes import clean_path, find_route
from pillion.endpoints.throttle import MESSAGE, Throttle
from pillion.ports.aws import AwsCallError
from pillion.ports.queries import EndpointQueries

READ_TIMEOUT_S: Final = 5.0
"""The agent's time limit for reading a request, and for a connection on which nothing is asked."""

BODY_BYTES_MAX: Final = 64 * 1024
"""Only task protection reads a body, of a hundred bytes."""

_TOO_MANY = Answer(status=429, body=MESSAGE.encode(), content_type=TEXT)
_TOO_LARGE = Answer(status=413, content_type=TEXT)
_TOO_SLOW = Answer(status=408, content_type=TEXT)
_INTERNAL = Answer(status=500, body=b'"internal error"')


def _ignore(text: str) -> None:
    del text


class EndpointServer:
    """Serves the endpoints of whatever `queries` answers for.

    Args:
        queries: who knows the answers.
        trouble: told of what the asking container only sees as status 500: an error of our own, or why AWS
            gives no credentials, each reason once.
        now_s: a clock that never goes back.
        throttle: limits requests; by default as the agent does.
    """

    def __init__(
        self,
        queries: EndpointQueries,
        *,
        trouble: Callable[[str], None] = _ignore,
        now_s: Callable[[], float] = time.monotonic,
        throttle: Throttle | None = None,
    ) -> None:
        self._answers = Answers(queries, refused=self._tell_refusal)
        self._trouble = trouble
        self._refusals: set[str] = set()
        self._now_s = now_s
        self._throttle = throttle or Throttle()
        self._limit = f"{self._throttle.rate_per_s:.2f}"
        self._runner: web.ServerRunner | None = None

    async def start(self, listeners: Iterable[socket.socket]) -> None:
        """Serve on sockets that listen; they are closed with the server. May be called again with more."""
        if self._runner is None:
            server = web.Server(self._handle, access_log=None, keepalive_timeout=READ_TIMEOUT_S)
            self._runner = web.ServerRunner(server, shutdown_timeout=READ_TIMEOUT_S)
            await self._runner.setup()
        for listener in listeners:
            await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        """Finish what is being answered, for a bounded time, and close the sockets."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        path = request.path
        clean = clean_path(path)
        if clean != path:
            return _redirect(clean, request)
        if self._throttle.admit(request.remote or "", path, self._now_s()):
            given = await self._answer(request, path)
        else:
            given = _TOO_MANY
        headers = {"Content-Type": given.content_type, **self._limit_headers(request)}
        return web.Response(status=given.status, body=given.body, headers=headers)

    async def _answer(self, request: web.BaseRequest, path: str) -> Answer:
        route = find_route(path)
        if route is None:
            return NOT_FOUND
        body = await _read(request) if request.body_exists else b""
        if isinstance(body, Answer):
            return body
        asked = Request(method=request.method, remote=request.remote or "", query=request.query, body=body)
        try:
            return await self._answers.answer(route, asked)
        except Exception as error:  # whatever it is, the container must get an answer
            what = route.asked.name.lower().replace("_", " ")  # not the path: ids in it open doors
            self._trouble(f"a container's request for its {what} failed: {error!r}")
            return _INTERNAL

    def _tell_refusal(self, error: AwsCallError) -> None:
        text = f"the task role's credentials cannot be had: {error}"
        if text not in self._refusals:  # SDKs ask again and again
            self._refusals.add(text)
            self._trouble(text)

    def _limit_headers(self, request: web.BaseRequest) -> dict[str, str]:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return {
            "X-Rate-Limit-Limit": self._limit,
            "X-Rate-Limit-Duration": "1",
            **({"X-Rate-Limit-Request-Forwarded-For": forwarded} if forwarded.strip() else {}),
            "X-Rate-Limit-Request-Remote-Addr": _remote_address(request),
        }


async def _read(request: web.BaseRequest) -> bytes | Answer:
    """Return the body, or the answer to one that is too large or too slow."""
    body = b""
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            while len(body) <= BODY_BYTES_MAX and not request.content.at_eof():
                body += await request.content.read(BODY_BYTES_MAX + 1 - len(body))
    except TimeoutError:
        return _TOO_SLOW
    return _TOO_LARGE if len(body) > BODY_BYTES_MAX else body


def _redirect(clean: str, request: web.BaseRequest) -> web.Response:
    """Send a client to the clean path, as Go's router does."""
    target = f"{clean}?{request.query_string}" if request.query_string else clean
    headers = {"Location": target}
    body = ""
    if request.method in ("GET", "HEAD"):
        headers["Content-Type"] = "text/html; charset=utf-8"
        body = f'<a href="{escape(target)}">Moved Permanently</a>.\n\n'
    return web.Response(status=301, headers=headers, body=body.encode())


def _remote_address(request: web.BaseRequest) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "@"
