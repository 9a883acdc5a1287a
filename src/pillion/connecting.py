"""Connecting to an engine, for commands that need nothing else of the app. Part of the composition root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pillion.ports.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.core.plan.model import TaskPlan
    from pillion.engines.docker.first_calls import FirstCalls

    Connect = Callable[[], FirstCalls]


def docker_ahead(plan: TaskPlan, host: str | None = None) -> Connect:
    """Ask the engine at `host` for a task's network, for which neither asyncio nor much else has to be there.

    What is returned makes the connection that goes on from there. It has to be called, and what it returns to
    be closed, or to be given to `docker_engine`.
    """
    from pillion.engines.docker.network_request import ask_for_network

    asked = ask_for_network(plan, host)

    def connect() -> FirstCalls:
        from pillion.engines.docker.first_calls import FirstCalls

        return FirstCalls(host, asked=asked)

    return connect


def docker_engine(state_folder: Path, host: str | None = None, *, first: FirstCalls | None = None) -> Engine:
    """Return the engine at `host`; None is the one that DOCKER_HOST, or Docker's current context, names.

    With `first` it is the engine of those calls, and goes on from them.
    """
    from pillion.engines.docker.engine import DockerEngine

    return DockerEngine(host, state_folder=state_folder, first=first)
