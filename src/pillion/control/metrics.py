"""Metrics for Prometheus over TCP, which asks no unix socket. Nothing else is served there."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from pillion.core.errors import PillionError
from pillion.core.monitoring.prometheus import CONTENT_TYPE

if TYPE_CHECKING:
    from aiohttp import web

HOST_DEFAULT = "127.0.0.1"

PORT_MAX = 65_535


class MetricsAddressError(PillionError):
    """Metrics cannot be served there. The message says where, why, and what to do."""


def read_address(text: str) -> tuple[str, int]:
    """Read `[IP:]PORT`; an IPv6 address is in brackets. Raises MetricsAddressError."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise MetricsAddressError(f"{text!r} is no address for metrics: write [IP:]PORT, such as 9464")
    return host.strip("[]") or HOST_DEFAULT, int(port)


class MetricsServer:
    """Answers GET /metrics while its context lasts.

    Args:
        address: where it listens.
        render: returns the metrics as text.
    """

    def __init__(self, address: tuple[str, int], render: Callable[[], str]) -> None:
        self._address = address
        self._render = render
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen. Raises MetricsAddressError."""
        from aiohttp import web

        async def metrics(request: web.Request) -> web.Response:
            del request
            return web.Response(body=self._render().encode(), headers={"Content-Type": CONTENT_TYPE})

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        # Whoever has not asked to the end holds nobody up: aiohttp would wait for a minute.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        host, port = self._address
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server(self._address, family=family)
            await web.SockSite(runner, listener).start()
        except OSError as error:
            await runner.cleanup()
            raise MetricsAddressError(
                f"metrics cannot be served at {host}:{port}: {error.strerror}; choose another with --metrics"
            ) from error
        self._runner = runner
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
