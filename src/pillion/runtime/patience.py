"""Asking an engine that does not answer again, for a while: it may be restarting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pillion.ports.engine import EngineUnreachableError

TRIES_MAX = 10
"""How often a call is tried again."""

PAUSE_S = 1.0
"""How long to wait between two tries."""

Answer = TypeVar("Answer")


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make a call; when the engine does not answer, try again for a while.

    Raises EngineUnreachableError when it stays away.
    """
    for _ in range(TRIES_MAX):
        try:
            return await call()
        except EngineUnreachableError:
            await asyncio.sleep(PAUSE_S)
    return await call()
