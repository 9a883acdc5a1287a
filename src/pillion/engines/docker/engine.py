"""The Docker engine: one connection, one event stream, the tasks on it. Implements `ports.engine.Engine`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from pillion.core.monitoring.sample import Sample
from pillion.core.plan.model import TaskPlan
from pillion.engines.docker.exec import DockerExecution, execute
from pillion.engines.docker.feed import EventFeed
from pillion.engines.docker.fetching import fetch_inside
from pillion.engines.docker.first_calls import FirstCalls
from pillion.engines.docker.images import Images
from pillion.engines.docker.ports import PortBook
from pillion.engines.docker.sampling import Sampler
from pillion.engines.docker.task import DockerTask
from pillion.ports.engine import Capabilities
from pillion.ports.execution import ExecutionRequest


class DockerEngine:
    """A connection to a Docker Engine, or to what speaks its API. Made without I/O.

    `host` is an address such as `unix:///var/run/docker.sock`; None finds the engine as Docker's own command
    does (DOCKER_HOST, the current context, the usual sockets). `state_folder` is where it is remembered which
    images were pulled, for the pull behavior `once`; None remembers nothing beyond this object's life. With
    `first` it goes on from calls that were made before it, on their connection, and closes that in the end.
    """

    def __init__(
        self, host: str | None = None, *, state_folder: Path | None = None, first: FirstCalls | None = None
    ) -> None:
        self._first = first or FirstCalls(host)
        self._client = self._first.client
        self._feed = EventFeed(self._client)
        self._images = Images(self._client, capabilities=self.capabilities, state_folder=state_folder)
        self._ports = PortBook()
        self._sampler = Sampler(self._client, self.capabilities)

    async def capabilities(self) -> Capabilities:
        """Say what the engine is; asked once, and again after it went away. Raises EngineUnreachableError."""
        return await self._first.capabilities(anew=self._feed.has_failed)

    def open(self, plan: TaskPlan) -> DockerTask:
        """Begin with a task; makes nothing yet."""
        return DockerTask(
            plan,
            client=self._client,
            feed=self._feed,
            images=self._images,
            networks=self._first.networks,
            ports=self._ports,
            capabilities=self.capabilities,
        )

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        """Return what containers use now, by id, those that run. Raises EngineUnreachableError."""
        return await self._sampler.sample(runtime_ids)

    def execute(
        self, runtime_id: str, request: ExecutionRequest
    ) -> AbstractAsyncContextManager[DockerExecution]:
        """Run a command in a container; leaving lets go of its streams. Raises EngineError."""
        return execute(self._client, runtime_id, request)

    async def fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        """Return what an HTTP GET answers inside a container's network; None where it does not."""
        if not (await self.capabilities()).local:
            return None
        return await fetch_inside(self._client, runtime_id, port, path)

    async def close(self) -> None:
        """Let go of the connection, and of what was made for a task that never came."""
        await self._feed.close()
        await self._first.close()
