"""What can be asked of the engine before the rest of pillion is there, for which little has to be imported.

`engine` goes on from here: it has the same connection, and what was begun for a task is taken by that task.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.engines.docker.capabilities import ask_capabilities
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.network import Networks
from pillion.engines.docker.network_request import AskedNetwork
from pillion.ports.engine import Capabilities, EngineUnreachableError


class FirstCalls:
    """The connection to an engine at `host`, the networks there, and what the engine says that it is.

    `asked` is the network that was asked for before, at the engine that is spoken to then; it is taken over.
    """

    def __init__(self, host: str | None = None, *, asked: AskedNetwork | None = None) -> None:
        self._asked = asked
        self.client = DockerClient(host) if asked is None else DockerClient(asked.host, early=asked.call)
        self.networks = Networks(self.client)
        self._known: Capabilities | None = None
        self._asking = asyncio.Lock()
        self._begun: list[asyncio.Task[None]] = []

    async def begin(self, plan: TaskPlan) -> None:
        """Connect, and begin with what a task of this plan will want first; returns when that is asked for.

        Its network takes a while and nobody inside the task can see it. What goes wrong with that is left for
        the task to meet. Raises EngineUnreachableError.
        """
        await self.client.connect()
        if self._asked is not None:
            await self._take_over(self._asked)
        elif plan.network_mode is NetworkMode.AWSVPC:
            await self.networks.expect(plan.identity.cluster)
        self._begun.append(asyncio.create_task(self._learn_ahead()))

    async def capabilities(self, *, anew: bool = False) -> Capabilities:
        """Say what the engine is; asked once, or `anew`. Raises EngineUnreachableError."""
        async with self._asking:
            if self._known is None or anew:
                self._known = await ask_capabilities(self.client)
            return self._known

    async def close(self) -> None:
        """Let go of the connection, and of what was begun for a task that never came."""
        for job in self._begun:
            job.cancel()
        await asyncio.gather(*self._begun, return_exceptions=True)
        if self._asked is not None:
            await self._take_over(self._asked)
        await self.networks.close()
        await self.client.close()

    async def _take_over(self, asked: AskedNetwork) -> None:
        self._asked = None
        await self.networks.expect(asked.cluster, is_asked=True)

    async def _learn_ahead(self) -> None:
        with suppress(EngineUnreachableError):  # whoever needs the answer asks again, and says so
            await self.capabilities()
