"""The volumes of a task: made before the images are pulled, removed with the task where they are its own.

A shared volume outlives the task; without autoprovision it has to exist. Folders of the host are no volumes:
Docker makes a missing one itself, as it does under the ECS agent.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pillion.core.plan.model import TaskPlan, VolumeKind, VolumePlan
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError, named
from pillion.ports.engine import EngineError

DEADLINE_S = 300.0
"""What the agent gives each volume call."""


async def prepare_volume(client: DockerClient, task: TaskPlan, volume: VolumePlan) -> None:
    """Make a volume ready to be mounted. Raises EngineError with the agent's texts."""
    if volume.kind is VolumeKind.BIND:
        if volume.create_folder and client.is_local:
            await asyncio.to_thread(_make_folder, Path(volume.engine_name))
        return
    if volume.kind is VolumeKind.SHARED and await _exists(client, volume.engine_name):
        return
    if volume.kind is VolumeKind.SHARED and not volume.autoprovision:
        text = (
            f"volume {volume.name}: volume detection failed, volume '{volume.engine_name}' does not exist "
            "and autoprovision is set to false"
        )
        raise EngineError("CannotCreateVolumeError", text)
    await _make(client, task, volume)


async def remove_volumes(client: DockerClient, task_id: str) -> list[Exception]:
    """Remove the volumes that were the task's own; return what could not be."""
    found = await client.get("volumes", params={"filters": labels.of_task(task_id)})
    names = [volume["Name"] for volume in found.get("Volumes") or []]
    outcomes = await asyncio.gather(*(_remove(client, name) for name in names), return_exceptions=True)
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


async def _remove(client: DockerClient, name: str) -> None:
    try:
        await client.delete(f"volumes/{name}", deadline_s=DEADLINE_S)
    except ApiError as error:
        if not error.is_missing:
            raise


async def _exists(client: DockerClient, name: str) -> bool:
    try:
        await client.get(f"volumes/{name}", deadline_s=DEADLINE_S)
    except ApiError as error:
        if error.is_missing:
            return False
        raise named(error, "CannotInspectVolumeError", reaching="created") from error
    except DeadlinePassedError as error:
        raise named(error, "CannotInspectVolumeError", reaching="created") from error
    return True


async def _make(client: DockerClient, task: TaskPlan, volume: VolumePlan) -> None:
    body: dict[str, Any] = {
        "Name": volume.engine_name,
        "Driver": volume.driver or "local",
        "DriverOpts": dict(volume.driver_options),
        "Labels": dict(volume.labels),
    }
    if volume.kind is VolumeKind.TASK:
        body["Labels"] = labels.volume_labels(task, volume.labels)
    try:
        await client.post("volumes/create", body=body, deadline_s=DEADLINE_S)
    except (ApiError, DeadlinePassedError) as error:
        raise named(error, "CannotCreateVolumeError", reaching="created") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            "CannotCreateVolumeError", f"cannot make the folder {path}: {error.strerror}"
        ) from error
