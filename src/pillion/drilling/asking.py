"""Asking a URL again and again whether the application answers, from this machine, as its clients would."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from msgspec import Struct

from pillion.core.errors import PillionError
from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.drilling.recording import Answer

PERIOD_S = 0.1
ANSWER_DEADLINE_S = 2.0
"""An application that takes longer does not answer."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_PORTS = {"http": 80, "https": 443}


class QuestionError(PillionError):
    """The URL cannot be asked. The message says why, and what would do."""


class Question(Struct, frozen=True, kw_only=True):
    """A URL on this machine. `port` is a port of the task; where it is published is known when it runs."""

    url: str
    port: int

    def at(self, host_port: int) -> str:
        """Return the URL with the port at which it is found now."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=f"127.0.0.1:{host_port}"))


def read_question(url: str, plan: TaskPlan) -> Question:
    """Check a URL against a plan: it has to lead to a port that the task maps. Raises QuestionError."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise QuestionError(f"{url!r} is no URL to ask: write one such as http://localhost:8080/") from None
    if parts.hostname not in _LOCAL:
        raise QuestionError(
            f"{url}: a drill asks the task on this machine only: write http://localhost:PORT/…"
        )
    mapped = sorted(
        {item.container_port for holder in plan.containers for item in holder.ports if item.protocol == "tcp"}
    )
    if plan.network_mode is not NetworkMode.HOST and port not in mapped:
        ports = ", ".join(map(str, mapped)) or "none"
        raise QuestionError(f"{url}: no container maps port {port}; ports of the task: {ports}")
    return Question(url=url, port=port)


async def ask(url: str, told: Callable[[Answer], None]) -> None:
    """Ask until cancelled, each time on a new connection."""
    connector = aiohttp.TCPConnector(force_close=True, ssl=False)
    timeout = aiohttp.ClientTimeout(total=ANSWER_DEADLINE_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        while True:
            look = await _ask_once(session, url)
            told(look)
            await asyncio.sleep(max(PERIOD_S - look.took_s, 0.0))


async def _ask_once(session: aiohttp.ClientSession, url: str) -> Answer:
    at_s, began = time.time(), time.perf_counter()
    status, error = None, ""
    try:
        async with session.get(url, allow_redirects=False) as response:
            await response.read()
            status = response.status
    except TimeoutError:
        error = f"no answer within {ANSWER_DEADLINE_S:g} s"
    except aiohttp.ClientConnectorError as failure:
        number = failure.os_error.errno
        error = os.strerror(number) if number else str(failure)
    except (aiohttp.ClientError, OSError) as failure:
        error = str(failure) or type(failure).__name__
    return Answer(at_s=at_s, took_s=time.perf_counter() - began, status=status, error=error)
