"""The Docker Engine (and whatever speaks its API, such as Podman) as an engine for tasks."""

from pillion.engines.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
