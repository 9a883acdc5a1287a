"""Connecting to an engine, for commands that need nothing else of the app. Part of the composition root."""

from __future__ import annotations

from pathlib import Path

from pillion.ports.engine import Engine


def docker_engine(state_folder: Path, host: str | None = None) -> Engine:
    """Return the engine at `host`; None is the one that DOCKER_HOST, or Docker's current context, names."""
    from pillion.engines.docker.engine import DockerEngine

    return DockerEngine(host, state_folder=state_folder)
