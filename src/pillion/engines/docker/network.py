"""pillion's own network: one bridge for all tasks of a cluster, so that tasks reach each other by name.

The pause containers of awsvpc tasks live on it; the task's other containers join their namespace. Containers
in bridge mode live on Docker's default bridge, as in ECS, and are connected to it once they run: a second
network from the beginning would make each start a third slower. The network is made when the first task
needs it and removed with the last one. Containers refer to it by name, so that it can be made again when
another process has removed it in between.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any

from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.network_request import CREATE, network_body, network_name
from pillion.ports.engine import EngineUnreachableError

NO_ROOM = "could not find an available, non-overlapping"
"""What Docker says when its pools of addresses are used up; by default there are some 30 of them."""

ROOM_PAUSES_S = (0.1, 0.2, 0.4, 0.8)
"""How long others get, each time, to remove what they made too many when many begin at once."""

LAST_MADE_S = 5.0
"""How long a network that nobody wants any more is waited for, so that it can be removed."""

_UNUSABLE = re.compile(r"network \S+ (?:not found|is ambiguous)|could not find a network")


def is_network_unusable(error: ApiError) -> bool:
    """Say whether a call failed because the network is gone, or there twice, by others' doing."""
    return _UNUSABLE.search(error.message) is not None


class Networks:
    """The networks of an engine's clusters.

    Docker names networks without making sure that a name is there only once: two processes that make one at
    the same moment both succeed. So whoever has made one looks again, and the older of two stays.
    """

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._expected: dict[str, asyncio.Task[bool]] = {}

    async def expect(self, cluster: str, *, is_asked: bool = False) -> None:
        """Begin to make a cluster's network for a task that is about to come; returns when that is asked for.

        `is_asked`: it has been asked for (`ask_for_network`), and the answer is what is waited for. Nothing
        is raised: what went wrong, `ensure` meets again.
        """
        if cluster in self._expected:
            return
        with suppress(ApiError, DeadlinePassedError, EngineUnreachableError):
            if is_asked or not await self._find(cluster):
                self._expected[cluster] = asyncio.create_task(self._make_ahead(cluster))
                await asyncio.sleep(0)  # its turn: the call is sent, whatever the caller does now

    async def ensure(self, cluster: str) -> None:
        """Make the cluster's network if it is not there. Safe when several processes do so at once."""
        expected = self._expected.pop(cluster, None)
        if expected is None or not await expected:
            await self._ensure(cluster)

    async def close(self) -> None:
        """Remove what was made for tasks that did not come."""
        expected, self._expected = self._expected, {}
        for cluster, making in expected.items():
            await asyncio.wait({making}, timeout=LAST_MADE_S)  # in the engine a cancelled call would go on
            if not making.done():
                making.cancel()
            elif making.result():
                with suppress(ApiError, DeadlinePassedError, EngineUnreachableError):
                    await self.remove(cluster)

    async def _make_ahead(self, cluster: str) -> bool:
        """Return whether the network is there."""
        with suppress(ApiError, DeadlinePassedError, EngineUnreachableError):
            await self._ensure(cluster, missing=True)
            return True
        return False

    async def _ensure(self, cluster: str, *, missing: bool = False) -> None:
        """Make the network; `missing`: somebody has just looked."""
        async with self._lock:
            found = [] if missing else await self._find(cluster)
            pauses_s = iter(ROOM_PAUSES_S)
            while not found:
                no_room = await self._make(cluster)
                found = await self._find(cluster)
                if no_room is not None and not found:
                    pause_s = next(pauses_s, None)
                    if pause_s is None:
                        raise no_room
                    await asyncio.sleep(pause_s)
            for younger in found[1:]:
                await self._remove(younger["Id"])

    async def connect(self, cluster: str, engine_name: str, aliases: tuple[str, ...]) -> None:
        """Connect a container that runs on another network, so that it is found under its aliases."""
        body = {"Container": engine_name, "EndpointConfig": {"Aliases": list(aliases)}}
        path = f"networks/{network_name(cluster)}/connect"
        await self.ensure(cluster)
        try:
            await self._client.post(path, body=body)
        except ApiError as error:
            if not is_network_unusable(error):
                raise
            await self.ensure(cluster)
            await self._client.post(path, body=body)

    async def remove(self, cluster: str) -> None:
        """Remove the cluster's network unless a container still uses it."""
        async with self._lock:
            for network in await self._find(cluster):
                await self._remove(network["Id"])

    async def _make(self, cluster: str) -> ApiError | None:
        """Make the network unless there is one; return the engine's error where it has no addresses left."""
        try:
            await self._client.post(CREATE, body=network_body(cluster))
        except ApiError as error:
            if NO_ROOM in error.message:
                return error
            if not error.is_conflict and "already exists" not in error.message:
                raise
        return None

    async def _remove(self, network_id: str) -> None:
        try:
            await self._client.delete(f"networks/{network_id}")
        except ApiError:
            return  # in use, or gone: both are fine

    async def _find(self, cluster: str) -> list[dict[str, Any]]:
        """Return the networks of that name, oldest first."""
        name = network_name(cluster)
        found = await self._client.get("networks", params={"filters": labels.filters(name=name)})
        same = [network for network in found if network["Name"] == name]
        return sorted(same, key=lambda network: (network["Created"], network["Id"]))
