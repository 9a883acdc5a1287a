"""What containers call: task metadata, statistics, role credentials, task protection.

Shapes are pure functions of a task at one moment (`metadata`, `networks`, `stats`, `credentials`,
`protection`); `answers` joins them to the paths, `server` speaks HTTP, `desk` answers for one running
task. Where the sockets come from is not decided here.

The names below are imported when they are first used: a task that is being started needs its desk at once
and the server, with aiohttp's, only when the first socket listens.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillion.endpoints.desk import TaskDesk
    from pillion.endpoints.sampling import StatsSampler
    from pillion.endpoints.server import EndpointServer

__all__ = ["EndpointServer", "StatsSampler", "TaskDesk"]

_HOMES = {
    "EndpointServer": "pillion.endpoints.server",
    "StatsSampler": "pillion.endpoints.sampling",
    "TaskDesk": "pillion.endpoints.desk",
}


def __getattr__(name: str) -> object:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
