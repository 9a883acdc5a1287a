"""The Docker engine: one connection, one event stream, the tasks on it. Implements `ports.engine.Engine`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

from pillion.core.monitoring.sample import Sample
from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.engines.docker.capabilities import ask_capabilities
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.exec import DockerExecution, execute
from pillion.engines.docker.feed import EventFeed
from pillion.engines.docker.fetching import fetch_inside
from pillion.engines.docker.images import Images
from pillion.engines.docker.network import Networks
from pillion.engines.docker.ports import PortBook
from pillion.engines.docker.sampling import Sampler
from pillion.engines.docker.task import DockerTask
from pillion.ports.engine import Capabilities, EngineUnreachableError
from pillion.ports.execution import ExecutionRequest


class DockerEngine:
    """A connection to a Docker Engine, or to what speaks its API. Made without I/O.

    `host` is an address such as `unix:///var/run/docker.sock`; None finds the engine as Docker's own command
    does (DOCKER_HOST, the current context, the usual sockets). `state_folder` is where it is remembered which
    images were pulled, for the pull behavior `once`; None remembers nothing beyond this object's life.
    """

    def __init__(self, host: str | None = None, *, state_folder: Path | None = None) -> None:
        self._client = DockerClient(host)
        self._feed = EventFeed(self._client)
        self._images = Images(self._client, capabilities=self.capabilities, state_folder=state_folder)
        self._networks = Networks(self._client)
        self._ports = PortBook()
        self._sampler = Sampler(self._client, self.capabilities)
        self._known: Capabilities | None = None
        self._asking = asyncio.Lock()
        self._expecting: list[asyncio.Task[None]] = []

    async def capabilities(self) -> Capabilities:
        """Say what the engine is; asked once, and again after it went away. Raises EngineUnreachableError."""
        async with self._asking:
            if self._known is None or self._feed.has_failed:
                self._known = await ask_capabilities(self._client)
            return self._known

    async def expect(self, plan: TaskPlan) -> None:
        """Begin to make the network that the task will want first, and to ask what the engine is.

        Raises EngineUnreachableError.
        """
        await self._client.connect()
        if plan.network_mode is NetworkMode.AWSVPC:
            await self._networks.expect(plan.identity.cluster)
        self._expecting.append(asyncio.create_task(self._learn_ahead()))

    async def _learn_ahead(self) -> None:
        with suppress(EngineUnreachableError):  # whoever needs the answer asks again, and says so
            await self.capabilities()

    def open(self, plan: TaskPlan) -> DockerTask:
        """Begin with a task; makes nothing yet."""
        return DockerTask(
            plan,
            client=self._client,
            feed=self._feed,
            images=self._images,
            networks=self._networks,
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
        for asked in self._expecting:
            asked.cancel()
        await asyncio.gather(*self._expecting, return_exceptions=True)
        await self._networks.close()
        await self._feed.close()
        await self._client.close()
