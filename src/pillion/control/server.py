"""The control socket: JSON over HTTP on a unix socket that only its user may use.

Sockets first, the server when somebody knocks: a run in the foreground that nobody asks anything does not pay
for the import of a web server.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self

from msgspec import to_builtins

from pillion.core.describe import iso_times
from pillion.ports.control import ControlDesk, ControlError, UnknownTaskError
from pillion.ports.store import StoreError

if TYPE_CHECKING:
    from aiohttp import web

BODY_BYTES_MAX = 8 << 20
"""A definition has 64 KiB at most in AWS; a request holds it three times, and overrides and options."""

VERSION = 1
"""Of the paths and bodies. What an older pillion cannot understand raises it."""


class ControlServer:
    """Answers on a listening socket while its context lasts, from the first connection on.

    The socket is closed by whoever made it.

    Args:
        desk: who knows the answers.
        listener: the socket.
        failed: told when nobody can be answered, because the server cannot be made.
    """

    def __init__(
        self, desk: ControlDesk, listener: socket.socket, *, failed: Callable[[Exception], None]
    ) -> None:
        self._desk = desk
        self._failed = failed
        self._listener: socket.socket | None = listener
        self._runner: web.AppRunner | None = None
        self._job: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._listener is not None:
            self._listener.setblocking(False)
            asyncio.get_running_loop().add_reader(self._listener, self._wake)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sleep()
        if self._job is not None:
            await self._job
        if self._runner is not None:
            await self._runner.cleanup()

    def _sleep(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener)

    def _wake(self) -> None:
        listener = self._listener
        self._sleep()
        if listener is not None:
            self._job = asyncio.create_task(self._start(listener))

    async def _start(self, listener: socket.socket) -> None:
        try:
            runner = await asyncio.to_thread(self._make)
            await runner.setup()
            self._runner = runner
            from aiohttp import web

            await web.SockSite(runner, listener).start()
        except Exception as error:  # files of pillion that are gone since it was started, above all
            self._failed(error)

    def _make(self) -> web.AppRunner:
        from aiohttp import web

        return web.AppRunner(control_app(self._desk), access_log=None, shutdown_timeout=0.5)


def control_app(desk: ControlDesk) -> web.Application:
    """Return the application that answers for a desk."""
    from aiohttp import web

    async def about(request: web.Request) -> web.Response:
        del request
        document = {"version": VERSION, "pid": os.getpid(), "tasks": list(desk.tasks())}
        return web.json_response(document)

    async def submit(request: web.Request) -> web.Response:
        accepted = await desk.submit(await _body(request))
        return web.json_response(to_builtins(accepted), status=201)

    async def adopt(request: web.Request) -> web.Response:
        del request
        return web.json_response({"tasks": list(desk.adopt())})

    async def stop(request: web.Request) -> web.Response:
        body = await _body(request)
        reason = body.get("reason")
        desk.stop(request.match_info["task"], reason if isinstance(reason, str) else None)
        return web.json_response({})

    async def kill(request: web.Request) -> web.Response:
        desk.kill(request.match_info["task"])
        return web.json_response({})

    async def ended(request: web.Request) -> web.Response:
        end = await desk.ended(request.match_info["task"])
        return web.json_response({"exitCode": end.exit_code, "task": iso_times(end.task)})

    async def metrics(request: web.Request) -> web.Response:
        del request
        return web.Response(text=desk.metrics(), content_type="text/plain", charset="utf-8")

    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_errors()])
    app.router.add_get("/v1/about", about)
    app.router.add_post("/v1/tasks", submit)
    app.router.add_post("/v1/adopt", adopt)
    app.router.add_post("/v1/tasks/{task}/stop", stop)
    app.router.add_post("/v1/tasks/{task}/kill", kill)
    app.router.add_get("/v1/tasks/{task}/end", ended)
    app.router.add_get("/metrics", metrics)
    return app


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise ControlError(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("the request has to be a JSON object")
    return body


Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]


def _errors() -> Any:  # noqa: ANN401 - aiohttp's type of a middleware is not public
    from aiohttp import web

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except UnknownTaskError as error:
            return web.json_response({"error": str(error)}, status=404)
        except (ControlError, StoreError) as error:
            return web.json_response({"error": str(error)}, status=409)

    return answer_errors
