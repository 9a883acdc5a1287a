"""Passes requests of containers on to the AWS of the run: local AWS, or another emulator.

The same application serves plain HTTP, where AWS_ENDPOINT_URL points, and TLS under AWS's own host names.
Whoever owns the task's network namespace gives it the sockets. Nothing of a request is changed, and bodies
are passed on as they come. The first request starts local AWS.

Real AWS has no gateway: containers reach it by themselves.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp
from aiohttp import web

from pillion.ports.aws import AwsCallError

GATEWAY_PORT: Final = 4566
"""Where containers find AWS on the link-local address, in plain HTTP; the port that emulators use."""

TLS_PORT: Final = 443

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "expect"}
)
_CHUNK_BYTES: Final = 64 * 1024

SHUTDOWN_TIMEOUT_S: Final = 1.0
"""How long requests under way may go on when the gateway ends."""

Endpoint = Callable[[], Awaitable[str | None]]


def gateway_url(address: str) -> str:
    """Return the AWS_ENDPOINT_URL of a container that sees the gateway at this address."""
    return f"http://{address}:{GATEWAY_PORT}"


def gateway_app(endpoint: Endpoint) -> web.Application:
    """Return the application.

    Args:
        endpoint: says where AWS is, and starts it; raises AwsCallError.
    """
    application = web.Application(client_max_size=0)  # bodies are streamed; there is no limit to enforce
    session: list[aiohttp.ClientSession] = []

    async def open_session(_: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=("User-Agent",)
        ) as opened:
            session.append(opened)
            yield

    async def pass_on(request: web.Request) -> web.StreamResponse:
        try:
            url = await endpoint()
            if url is None:
                raise AwsCallError("AWS", "Unavailable", "there is no gateway to real AWS")
            return await _forward(request, session[0], url)
        except AwsCallError as error:
            return _unavailable(f"{error.code}: {error.message}")
        except aiohttp.ClientError as error:
            return _unavailable(f"AWS does not answer: {error}")

    application.cleanup_ctx.append(open_session)
    application.router.add_route("*", "/{path:.*}", pass_on)
    return application


def gateway_runner(endpoint: Endpoint) -> web.AppRunner:
    """Return what serves the application. Left to itself, aiohttp would unpack compressed bodies."""
    return web.AppRunner(
        gateway_app(endpoint), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S, auto_decompress=False
    )


async def _forward(request: web.Request, session: aiohttp.ClientSession, url: str) -> web.StreamResponse:
    from yarl import URL

    kept = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
    target = URL(url + request.raw_path, encoded=True)
    body = request.content.iter_chunked(_CHUNK_BYTES) if request.can_read_body else None
    async with session.request(
        request.method, target, headers=kept, data=body, allow_redirects=False
    ) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                response.headers.add(name, value)
        await response.prepare(request)
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
        return response


def _unavailable(message: str) -> web.Response:
    """Answer so that SDKs show the message; those of JSON services read `__type`, all read the status."""
    body = json.dumps({"__type": "ServiceUnavailable", "message": f"pillion: {message}"})
    return web.Response(status=503, text=body, content_type="application/x-amz-json-1.1")
