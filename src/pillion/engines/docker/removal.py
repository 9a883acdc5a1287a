"""Removing what a task made: containers, volumes, network.

They are found by label, so that nothing is missed that a lost answer or a crash has left. One failure does
not stop the rest.
"""

from __future__ import annotations

import asyncio

from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.engines.docker.network import Networks
from pillion.engines.docker.volumes import remove_volumes
from pillion.ports.engine import EngineError

REMOVE_DEADLINE_S = 300.0
"""What the ECS agent gives the removal of a container."""

IN_PROGRESS = "is already in progress"


async def remove_task(client: DockerClient, networks: Networks, task: TaskPlan) -> None:
    """Remove all that a task made on the engine; again does no harm.

    Raises EngineError (CannotRemoveContainerError) that names what could not be removed, after the rest was.
    """
    task_id = task.identity.task_id
    failures = await _remove_containers(client, task_id)
    if task.volumes:
        failures += await remove_volumes(client, task_id)
    if task.network_mode in (NetworkMode.AWSVPC, NetworkMode.BRIDGE):
        await networks.remove(task.identity.cluster)
    if failures:
        raise EngineError("CannotRemoveContainerError", "; ".join(str(failure) for failure in failures))


async def _remove_containers(client: DockerClient, task_id: str) -> list[Exception]:
    found = await client.get("containers/json", params={"all": "1", "filters": labels.of_task(task_id)})
    left, failures = [container["Id"] for container in found], list[Exception]()
    while left:
        outcomes = await asyncio.gather(
            *(_remove_container(client, item) for item in left), return_exceptions=True
        )
        again = [item for item, outcome in zip(left, outcomes, strict=True) if _is_needed(outcome)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if len(again) == len(left):
            break
        left = again
    return failures


def _is_needed(outcome: object) -> bool:
    """Say whether a removal failed because others have to go first: Podman insists on that order."""
    return isinstance(outcome, ApiError) and "has dependent containers" in outcome.message


async def _remove_container(client: DockerClient, container_id: str) -> None:
    try:
        await client.delete(
            f"containers/{container_id}", params={"force": "1", "v": "1"}, deadline_s=REMOVE_DEADLINE_S
        )
    except (ApiError, DeadlinePassedError) as error:
        if isinstance(error, ApiError) and (error.is_missing or IN_PROGRESS in error.message):
            return
        raise
