"""Volumes and mounts: which folder or engine volume stands behind each name, and who mounts it where."""

from __future__ import annotations

from pillion.core.plan.model import (
    Mount,
    Notice,
    TmpfsMount,
    VolumeKind,
    VolumePlan,
    VolumesFrom,
)
from pillion.core.taskdef.model import ContainerDefinition, DockerVolumeConfiguration, TaskDefinition, Volume

_REMOTE_KINDS = {
    "efs_volume_configuration": "an EFS file system",
    "fsx_windows_file_server_volume_configuration": "an FSx file system",
    "s3files_volume_configuration": "an S3 Files file system",
}


def plan_volumes(
    definition: TaskDefinition, *, chosen: dict[str, str], engine_prefix: str, unique: str
) -> tuple[tuple[VolumePlan, ...], tuple[Notice, ...]]:
    """Plan every volume of a definition.

    Args:
        definition: the definition.
        chosen: folders of this machine by volume name (`--volume`), as absolute paths.
        engine_prefix: how names of volumes that belong to the task begin (`ecs-<family>-<revision>`).
        unique: 20 hex digits that no other task has.
    """
    plans: list[VolumePlan] = []
    notices: list[Notice] = []
    for volume in definition.volumes or ():
        name = volume.name or ""
        own_name = f"{engine_prefix}-{name}-{unique}"
        if name in chosen:
            plans.append(VolumePlan(name=name, kind=VolumeKind.BIND, engine_name=chosen[name]))
            continue
        if volume.host is not None and volume.host.source_path:
            plans.append(
                VolumePlan(
                    name=name, kind=VolumeKind.BIND, engine_name=volume.host.source_path, create_folder=True
                )
            )
        elif volume.docker_volume_configuration is not None:
            plans.append(_docker_volume(name, own_name, volume.docker_volume_configuration))
        else:
            plans.append(VolumePlan(name=name, kind=VolumeKind.TASK, engine_name=own_name))
            notices.extend(_remote_notice(volume))
    known = {volume.name for volume in definition.volumes or ()}
    notices.extend(
        Notice(code="volume-unknown", text=f"--volume {name} names no volume of the definition")
        for name in chosen
        if name not in known
    )
    return tuple(plans), tuple(notices)


def _docker_volume(name: str, own_name: str, config: DockerVolumeConfiguration) -> VolumePlan:
    shared = config.scope == "shared"
    return VolumePlan(
        name=name,
        kind=VolumeKind.SHARED if shared else VolumeKind.TASK,
        engine_name=name if shared else own_name,
        driver=config.driver,
        driver_options=dict(config.driver_opts or {}),
        labels=dict(config.labels or {}),
        autoprovision=bool(config.autoprovision),
    )


def _remote_notice(volume: Volume) -> list[Notice]:
    kind = next(
        (words for field, words in _REMOTE_KINDS.items() if getattr(volume, field, None) is not None), None
    )
    if kind is None and volume.configured_at_launch:
        kind = "configured at launch"
    if kind is None:
        return []
    return [
        Notice(
            code="volume-stands-empty",
            text=f"volume {volume.name} is {kind} in AWS and begins empty here; "
            f"choose a folder with --volume {volume.name}=PATH",
        )
    ]


def plan_mounts(container: ContainerDefinition) -> tuple[Mount, ...]:
    """Return the mount points of a container."""
    return tuple(
        Mount(
            volume=point.source_volume or "",
            container_path=point.container_path or "",
            read_only=bool(point.read_only),
        )
        for point in container.mount_points or ()
    )


def plan_volumes_from(container: ContainerDefinition, running: set[str]) -> tuple[VolumesFrom, ...]:
    """Return whose mounts a container takes over, of those that take part in the run."""
    return tuple(
        VolumesFrom(container=entry.source_container, read_only=bool(entry.read_only))
        for entry in container.volumes_from or ()
        if entry.source_container in running
    )


def plan_tmpfs(container: ContainerDefinition) -> tuple[TmpfsMount, ...]:
    """Return the tmpfs mounts of a container."""
    linux = container.linux_parameters
    return tuple(
        TmpfsMount(
            container_path=item.container_path,
            size_mib=item.size,
            options=tuple(item.mount_options or ()),
        )
        for item in (linux.tmpfs if linux else None) or ()
    )
