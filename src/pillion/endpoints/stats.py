"""Statistics as the metadata endpoint gives them: Docker's own document, and the task's network. Pure.

In awsvpc mode the network is the task's: every container shows what its pause container counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pillion.core.plan.model import NetworkMode
from pillion.endpoints.metadata import Version
from pillion.ports.queries import ContainerStats, TaskView


def network_owner(task: TaskView, container: str) -> str:
    """Return the container whose network statistics a container shows."""
    holder = task.plan.spec.network_holder
    return holder if holder and task.plan.network_mode is NetworkMode.AWSVPC else container


def container_stats(
    own: ContainerStats | None, network: ContainerStats | None, version: Version
) -> dict[str, Any] | None:
    """Return the answer of `/stats`.

    Args:
        own: the container's own statistics; None while there are none.
        network: those of the container that owns its network.
        version: of the endpoint.
    """
    if own is None:
        return {} if version is Version.V4 else None
    shape = dict(own.document)
    if network is not None and "networks" in network.document:
        shape["networks"] = network.document["networks"]
    if version is Version.V4 and network is not None and network.rates is not None:
        shape["network_rate_stats"] = {
            "rx_bytes_per_sec": network.rates.rx_bytes_per_s,
            "tx_bytes_per_sec": network.rates.tx_bytes_per_s,
        }
    return shape


def task_stats(
    task: TaskView, found: Mapping[str, ContainerStats | None], version: Version
) -> dict[str, Any]:
    """Return the answer of `/task/stats`: by the engine's id, for every container that exists."""
    ids = {item.name: task.state.containers[item.name].runtime_id for item in task.plan.containers}
    return {
        runtime_id: container_stats(found.get(name), found.get(network_owner(task, name)), version)
        for name, runtime_id in ids.items()
        if runtime_id is not None
    }
