"""pillion's own network: one bridge for all tasks of a cluster, so that tasks reach each other by name.

The pause containers of awsvpc tasks live on it; the task's other containers join their namespace. Containers
in bridge mode live on Docker's default bridge, as in ECS, and are connected to it once they run: a second
network from the beginning would make each start a third slower. The network is made when the first task
needs it and removed with the last one. Containers refer to it by name, so that it can be made again when
another process has removed it in between.
"""

from __future__ import annotations

import re
from typing import Any

from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError


def network_name(cluster: str) -> str:
    """Return the name of a cluster's network."""
    return f"pillion-{cluster}"


async def ensure_network(client: DockerClient, cluster: str) -> None:
    """Make the cluster's network if it is not there. Safe when several processes do so at once."""
    name = network_name(cluster)
    if await _find(client, name):
        return
    body = {
        "Name": name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Labels": {labels.NETWORK: cluster},
        "Options": {"com.docker.network.bridge.enable_icc": "true"},
    }
    try:
        made = await client.post("networks/create", body=body)
    except ApiError as error:
        if error.is_conflict or "already exists" in error.message:
            return
        raise
    await _settle_race(client, name, made["Id"])


async def connect(client: DockerClient, cluster: str, engine_name: str, aliases: tuple[str, ...]) -> None:
    """Connect a container that runs on another network, so that it is found under its aliases."""
    body = {"Container": engine_name, "EndpointConfig": {"Aliases": list(aliases)}}
    path = f"networks/{network_name(cluster)}/connect"
    await ensure_network(client, cluster)
    try:
        await client.post(path, body=body)
    except ApiError as error:
        if not is_network_lost(error):
            raise
        await ensure_network(client, cluster)
        await client.post(path, body=body)


async def remove_network(client: DockerClient, cluster: str) -> None:
    """Remove the cluster's network unless a container still uses it."""
    try:
        await client.delete(f"networks/{network_name(cluster)}")
    except ApiError:
        return  # in use, or gone: both are fine


def is_network_lost(error: ApiError) -> bool:
    """Say whether a call failed because the network was removed by somebody else in between."""
    return re.search(r"network \S+ not found|could not find a network", error.message) is not None


async def _find(client: DockerClient, name: str) -> list[dict[str, Any]]:
    found = await client.get("networks", params={"filters": labels.filters(name=f"^{name}$")})
    return [network for network in found if network["Name"] == name]


async def _settle_race(client: DockerClient, name: str, made: str) -> None:
    """Docker checks for duplicates, but not under a lock: of two networks the older one stays."""
    found = await _find(client, name)
    if len(found) < 2:
        return
    oldest = min(found, key=lambda network: (network["Created"], network["Id"]))
    if oldest["Id"] != made:
        await client.delete(f"networks/{made}")
