"""Connecting to an engine, for commands that need nothing else of the app. Part of the composition root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pillion.ports.engine import Engine

if TYPE_CHECKING:
    from pillion.engines.docker.first_calls import FirstCalls


def docker_first_calls(host: str | None = None) -> FirstCalls:
    """Return what can be asked of the engine at `host` before all that `docker_engine` imports is there."""
    from pillion.engines.docker.first_calls import FirstCalls

    return FirstCalls(host)


def docker_engine(state_folder: Path, host: str | None = None, *, first: FirstCalls | None = None) -> Engine:
    """Return the engine at `host`; None is the one that DOCKER_HOST, or Docker's current context, names.

    With `first` it is the engine of those calls, and goes on from them.
    """
    from pillion.engines.docker.engine import DockerEngine

    return DockerEngine(host, state_folder=state_folder, first=first)
