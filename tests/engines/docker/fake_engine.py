"""An engine that answers what a test tells it to, on a Unix socket, and can go away and come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody announces, a few seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the thing waited for has no event of its own
            await asyncio.sleep(0.005)


class FakeEngine:
    """Answers `routes` (method and path without the version); everything else is a 404."""

    def __init__(self, folder: Path, *, api: str = "1.41") -> None:
        self.path = folder / "engine.sock"
        self.api = api
        self.routes: dict[str, Handler] = {}
        self.asked: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.listeners = 0
        self.ping_headers: dict[str, str] = {}
        self.ping_waits = False
        self._news = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._port: int | None = None
        self.routes["GET events"] = self._stream_events

    @property
    def host(self) -> str:
        return f"unix://{self.path}"

    async def listen_on_tcp(self) -> str:
        """Listen on the loopback as well, on the same port after each start; return that address."""
        assert self._runner is not None
        site = web.TCPSite(self._runner, "127.0.0.1", self._port or 0, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[-1][1]
        return f"tcp://127.0.0.1:{self._port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.path)).start()
        if self._port is not None:
            await self.listen_on_tcp()

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def tell(self, *messages: dict[str, Any]) -> None:
        """Send events to whoever listens."""
        async with self._news:
            self.events += messages
            self._news.notify_all()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if path == "_ping":
            if self.ping_waits:
                await asyncio.Event().wait()
            headers = {"Api-Version": self.api} if self.api else {}
            return web.Response(text="OK", headers=headers | self.ping_headers)
        self.asked.append(f"{request.method} {path}")
        version, _, rest = path.partition("/")
        handler = self.routes.get(f"{request.method} {rest if version.startswith('v1.') else path}")
        if handler is None:
            return web.json_response({"message": f"no such thing: {path}"}, status=404)
        return await handler(request)

    async def _stream_events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.listeners += 1
        since_s = float(request.query["since"])
        sent = 0
        try:
            while True:
                news = await self._next_events(sent)
                sent += len(news)
                for message in news:
                    if message["timeNano"] / 1e9 >= since_s:
                        await response.write(json.dumps(message).encode() + b"\n")
        finally:
            self.listeners -= 1

    async def _next_events(self, sent: int) -> list[dict[str, Any]]:
        async with self._news:
            await self._news.wait_for(lambda: len(self.events) > sent)
            return self.events[sent:]


def answering(content: object, status: int = 200) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(content, status=status)

    return answer
