"""Rules about volumes and what mounts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pillion.core.rules.dependencies import did_you_mean
from pillion.core.rules.examples import app, fargate, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, set_to, task_rule, we_say
from pillion.core.task_view import (
    FARGATE,
    ContainerView,
    Json,
    TaskView,
    absent,
    is_known,
    mapping,
    members,
    number,
    text,
)

_VOLUMES = guide("task_definition_parameters.html#volumes")
_MOUNTS = guide("task_definition_parameters.html#container_definition_storage")
_EFS = guide("specify-efs-config.html")
_EBS = guide("specify-ebs-config.html")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")

_KINDS: Final = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "s3filesVolumeConfiguration",
)


def _with_volume(volume: Json, path: str = "/data") -> dict[str, object]:
    name = volume.get("name", "data")
    mounts = [{"sourceVolume": name, "containerPath": path}]
    return task(app(mountPoints=mounts), volumes=[volume])


def _efs(**members: object) -> Json:
    return {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0", **members}}


@container_rule(
    code="E401",
    title="A mount of a volume that is not defined",
    why="There is nothing to mount.",
    fix="Add the volume to the task's volumes, or correct the name.",
    source=_MOUNTS,
    bad=task(app(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])),
    good=_with_volume({"name": "data"}),
    on="mountPoints",
    blocks_run=True,
)
def unknown_volume(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every mounted volume is defined."""
    if not is_known(task.raw, "volumes"):
        return
    given = [text(volume, "name") for _, volume in members(task.raw, "volumes")]
    names = {name for name in given if name is not None}
    if None in given:  # a volume whose name is not known could be the one
        return
    for index, mount in members(container.raw, "mountPoints"):
        source = text(mount, "sourceVolume")
        if source and source not in names:
            detail = did_you_mean(source, sorted(names)).replace("The containers are", "The volumes are")
            path = container.at("mountPoints", index, "sourceVolume")
            yield aws_says(path, f"Unknown volume '{source}'.", detail)


@task_rule(
    code="E402",
    title="A volume configured at launch that nobody mounts",
    why="AWS attaches the volume when the task starts, and refuses one that no container would see.",
    fix="Mount the volume, or take it away.",
    source=_EBS,
    bad=task(volumes=[{"name": "data", "configuredAtLaunch": True}]),
    good=_with_volume({"name": "data", "configuredAtLaunch": True}),
    on="volumes",
)
def launch_volume_not_mounted(task: TaskView) -> Iterator[Hit]:
    """A volume with `configuredAtLaunch` is mounted by some container."""
    if not task.containers_known or not all(is_known(c.raw, "mountPoints") for c in task.containers):
        return
    mounted = [
        mount.get("sourceVolume") for c in task.containers for _, mount in members(c.raw, "mountPoints")
    ]
    if any(not isinstance(name, str) for name in mounted):
        return  # whoever mounts a volume that is not known may mount this one
    for index, volume in members(task.raw, "volumes"):
        name = text(volume, "name")
        if volume.get("configuredAtLaunch") is True and name is not None and name not in mounted:
            message = f"Volumes [{name}] are not referenced by any of the containers"
            yield aws_says(("volumes", index), message)


@task_rule(
    code="E403",
    title="More than one volume configured at launch",
    why="ECS attaches one volume to a task at launch.",
    fix="Keep one volume with configuredAtLaunch.",
    source=_EBS,
    bad=task(
        app(
            mountPoints=[
                {"sourceVolume": "a", "containerPath": "/a"},
                {"sourceVolume": "b", "containerPath": "/b"},
            ]
        ),
        volumes=[{"name": "a", "configuredAtLaunch": True}, {"name": "b", "configuredAtLaunch": True}],
    ),
    good=_with_volume({"name": "data", "configuredAtLaunch": True}),
    on="volumes",
)
def launch_volumes(task: TaskView) -> Iterator[Hit]:
    """At most one volume has `configuredAtLaunch`."""
    found = [i for i, volume in members(task.raw, "volumes") if volume.get("configuredAtLaunch") is True]
    for index in found[1:]:
        yield we_say(("volumes", index), "Only one volume of a task can be configured at launch.")


@task_rule(
    code="E404",
    title="A volume of two kinds",
    why="A volume is one of: a host path, a Docker volume, EFS, FSx, S3 files, or configured at launch.",
    fix="Keep one configuration for each volume.",
    source=_VOLUMES,
    bad=_with_volume({**_efs(), "host": {"sourcePath": "/srv"}}),
    good=_with_volume(_efs()),
    on="volumes",
)
def volume_kinds(task: TaskView) -> Iterator[Hit]:
    """A volume has one kind of configuration; an empty host counts as none."""
    for index, volume in members(task.raw, "volumes"):
        kinds = [kind for kind in _KINDS if volume.get(kind)]
        if volume.get("configuredAtLaunch") is True:
            kinds.append("configuredAtLaunch")
        if len(kinds) > 1 and is_known(volume, kinds[0]):
            name = text(volume, "name") or f"#{index}"
            yield we_say(("volumes", index), f"The volume {name} has both {' and '.join(kinds)}.")


@task_rule(
    code="E405",
    title="A volume without a proper name of its own",
    why="Containers mount a volume by its name.",
    fix="Give every volume its own name of 1 to 255 letters, digits, - and _.",
    source=_VOLUMES,
    bad=task(volumes=[{"name": "my data"}]),
    good=task(volumes=[{"name": "my-data"}]),
    on="volumes",
)
def volume_names(task: TaskView) -> Iterator[Hit]:
    """Names of volumes are present, of allowed characters, and unique."""
    seen: set[str] = set()
    for index, volume in members(task.raw, "volumes"):
        name = text(volume, "name")
        path = ("volumes", index, "name")
        if not name:
            if absent(volume, "name") or name == "":
                yield we_say(("volumes", index), "The volume has no name.")
        elif not _NAME.fullmatch(name):
            yield we_say(path, f"The volume name {name[:80]!r} is not 1 to 255 letters, digits, - and _.")
        elif name in seen:
            yield we_say(path, f"Two volumes have the name {name!r}.")
        if name:
            seen.add(name)


@task_rule(
    code="E406",
    title="EFS: IAM authorisation without encryption in transit",
    why="The task's credentials would travel in the clear.",
    fix='Set `"transitEncryption": "ENABLED"`.',
    source=_EFS,
    bad=_with_volume(_efs(authorizationConfig={"iam": "ENABLED"})),
    good=_with_volume(_efs(authorizationConfig={"iam": "ENABLED"}, transitEncryption="ENABLED")),
    on="volumes",
)
def efs_iam(task: TaskView) -> Iterator[Hit]:
    """IAM authorisation needs transit encryption."""
    for index, efs in _efs_volumes(task):
        if text(mapping(efs, "authorizationConfig"), "iam") == "ENABLED" and _is_unencrypted(efs):
            path = ("volumes", index, "efsVolumeConfiguration", "transitEncryption")
            message = "EFS IAM authorization requires TransitEncryption to be enabled."
            yield aws_says(path, message, edit=set_to(path, "ENABLED"))


@task_rule(
    code="E407",
    title="EFS: an access point together with a root directory",
    why="An access point has its own root; a second one would be ignored.",
    fix='Leave rootDirectory out, or set it to "/".',
    source=_EFS,
    bad=_with_volume(
        _efs(
            rootDirectory="/web",
            transitEncryption="ENABLED",
            authorizationConfig={"accessPointId": "fsap-0123456789abcdef0"},
        )
    ),
    good=_with_volume(
        _efs(
            rootDirectory="/",
            transitEncryption="ENABLED",
            authorizationConfig={"accessPointId": "fsap-0123456789abcdef0"},
        )
    ),
    on="volumes",
)
def efs_access_point(task: TaskView) -> Iterator[Hit]:
    """With an access point, the root directory is `/` or absent."""
    for index, efs in _efs_volumes(task):
        root = text(efs, "rootDirectory")
        access_point = text(mapping(efs, "authorizationConfig"), "accessPointId")
        if access_point and root and root != "/":
            message = (
                'When using an EFS access point, the root directory must either be set to "/" or be omitted.'
            )
            path = ("volumes", index, "efsVolumeConfiguration", "rootDirectory")
            yield aws_says(path, message, f"rootDirectory is {root!r}.")


@task_rule(
    code="E408",
    title="EFS: a port for encryption that is not enabled",
    why="The port is the local end of the encrypted connection.",
    fix='Set `"transitEncryption": "ENABLED"`, or take transitEncryptionPort away.',
    source=_EFS,
    bad=_with_volume(_efs(transitEncryptionPort=2999)),
    good=_with_volume(_efs(transitEncryption="ENABLED", transitEncryptionPort=2999)),
    on="volumes",
)
def efs_port(task: TaskView) -> Iterator[Hit]:
    """A transit encryption port needs transit encryption."""
    for index, efs in _efs_volumes(task):
        if number(efs, "transitEncryptionPort") is not None and _is_unencrypted(efs):
            path = ("volumes", index, "efsVolumeConfiguration", "transitEncryptionPort")
            yield aws_says(path, "TransitEncryptionPort requires that TransitEncryption is enabled.")


def _efs_volumes(task: TaskView) -> Iterator[tuple[int, Json]]:
    for index, volume in members(task.raw, "volumes"):
        yield index, mapping(volume, "efsVolumeConfiguration")


def _is_unencrypted(efs: Json) -> bool:
    return absent(efs, "transitEncryption") or text(efs, "transitEncryption") == "DISABLED"


@task_rule(
    code="E409",
    title="Fargate: a volume from a host path",
    why="There is no host of yours to take it from.",
    fix="Leave host out for an empty volume, or use EFS.",
    source=guide("fargate-task-storage.html"),
    bad=fargate(volumes=[{"name": "data", "host": {"sourcePath": "/srv"}}]),
    good=fargate(volumes=[{"name": "data", "host": {}}]),
    on="volumes",
    launch_type=FARGATE,
)
def fargate_source_path(task: TaskView) -> Iterator[Hit]:
    """No volume has a host path."""
    for index, volume in members(task.raw, "volumes"):
        if text(mapping(volume, "host"), "sourcePath"):
            path = ("volumes", index, "host", "sourcePath")
            yield aws_says(path, "Fargate compatible task definitions do not support sourcePath")


@task_rule(
    code="E410",
    title="Fargate: a Docker volume",
    why="Fargate has no volume drivers of yours.",
    fix="Leave dockerVolumeConfiguration out for an empty volume, or use EFS.",
    source=guide("fargate-task-storage.html"),
    bad=fargate(volumes=[{"name": "data", "dockerVolumeConfiguration": {"scope": "task"}}]),
    good=fargate(volumes=[{"name": "data"}]),
    on="volumes",
    launch_type=FARGATE,
)
def fargate_docker_volume(task: TaskView) -> Iterator[Hit]:
    """No volume is a Docker volume."""
    for index, volume in members(task.raw, "volumes"):
        if mapping(volume, "dockerVolumeConfiguration"):
            path = ("volumes", index, "dockerVolumeConfiguration")
            message = "Fargate compatible task definitions do not support dockerVolumeConfiguration"
            yield aws_says(path, message)


@task_rule(
    code="W401",
    title="autoprovision on a volume that lives as long as the task",
    why="autoprovision is for shared volumes; with the scope task the agent fails to start the task.",
    fix='Take autoprovision away, or set `"scope": "shared"`.',
    source=guide("specify-volume-config.html"),
    bad=_with_volume({"name": "data", "dockerVolumeConfiguration": {"scope": "task", "autoprovision": True}}),
    good=_with_volume(
        {"name": "data", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}}
    ),
    on="volumes",
)
def autoprovision(task: TaskView) -> Iterator[Hit]:
    """`autoprovision` goes with the scope shared; the default scope is task."""
    for index, volume in members(task.raw, "volumes"):
        docker = mapping(volume, "dockerVolumeConfiguration")
        task_scope = absent(docker, "scope") or text(docker, "scope") == "task"
        if docker.get("autoprovision") is True and task_scope:
            path = ("volumes", index, "dockerVolumeConfiguration", "autoprovision")
            yield we_say(path, "autoprovision works only with the scope shared.")


@task_rule(
    code="W402",
    title="Only one container mounts the volume",
    why="A volume of the task is there to be shared; often the other mountPoints entry was forgotten.",
    fix="Mount the volume in the other container too, or leave the volume out.",
    source=guide("using_data_volumes.html"),
    bad=task(
        app(mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app"}]),
        {"name": "loader", "image": "example/loader:2", "memory": 64, "essential": False},
        volumes=[{"name": "config"}],
    ),
    good=task(
        app(mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app"}]),
        {
            "name": "loader",
            "image": "example/loader:2",
            "memory": 64,
            "essential": False,
            "mountPoints": [{"sourceVolume": "config", "containerPath": "/out"}],
        },
        volumes=[{"name": "config"}],
    ),
    on="volumes",
)
def volume_mounted_once(task: TaskView) -> Iterator[Hit]:
    """An empty volume of a task with several containers is mounted by two, or read by volumesFrom."""
    if len(task.containers) < 2 or not task.containers_known:
        return
    if not all(is_known(c.raw, "mountPoints") for c in task.containers):
        return
    if any(c.raw.get("volumesFrom") or c.raw.get("readonlyRootFilesystem") for c in task.containers):
        return  # a read-only container has volumes of its own for what it must write
    for index, volume in members(task.raw, "volumes"):
        name = text(volume, "name")
        if name is None or any(volume.get(kind) for kind in _KINDS) or volume.get("configuredAtLaunch"):
            continue
        users = [c for c in task.containers if _mounts(c, name)]
        if len(users) == 1:
            message = f"The volume {name} is mounted by {users[0].label} alone, so nothing shares it."
            yield we_say(("volumes", index), message)


def _mounts(container: ContainerView, volume: str) -> bool:
    return any(text(mount, "sourceVolume") == volume for _, mount in members(container.raw, "mountPoints"))


@task_rule(
    code="W403",
    title="Every container mounts the volume read-only",
    why="The volume begins empty, and nobody can write to it.",
    fix="Let the container that fills the volume mount it without readOnly.",
    source=guide("using_data_volumes.html"),
    bad=task(
        app(mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app", "readOnly": True}]),
        volumes=[{"name": "config"}],
    ),
    good=_with_volume({"name": "config"}, "/etc/app"),
    on="volumes",
)
def nobody_writes(task: TaskView) -> Iterator[Hit]:
    """An empty volume is mounted for writing somewhere."""
    if not task.containers_known:
        return
    for index, volume in members(task.raw, "volumes"):
        name = text(volume, "name")
        if name is None or any(volume.get(kind) for kind in _KINDS) or volume.get("configuredAtLaunch"):
            continue
        mounts = [m for c in task.containers for _, m in members(c.raw, "mountPoints")]
        modes = [mount.get("readOnly") for mount in mounts if text(mount, "sourceVolume") == name]
        if modes and all(mode is True for mode in modes) and not _volumes_from(task):
            message = f"The volume {name} begins empty, and every container mounts it read-only."
            yield we_say(("volumes", index), message)


def _volumes_from(task: TaskView) -> bool:
    return any(container.raw.get("volumesFrom") for container in task.containers)


@container_rule(
    code="W404",
    title="Two mounts at the same path",
    why="The engine refuses to create a container with a duplicate mount point, so the task fails to start.",
    fix="Use two paths.",
    source=_MOUNTS,
    bad=task(
        app(
            mountPoints=[
                {"sourceVolume": "a", "containerPath": "/data"},
                {"sourceVolume": "b", "containerPath": "/data/"},
            ]
        ),
        volumes=[{"name": "a"}, {"name": "b"}],
    ),
    good=task(
        app(
            mountPoints=[
                {"sourceVolume": "a", "containerPath": "/data/a"},
                {"sourceVolume": "b", "containerPath": "/data/b"},
            ]
        ),
        volumes=[{"name": "a"}, {"name": "b"}],
    ),
    on="mountPoints",
)
def same_mount_path(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Paths of mounts are unique within a container."""
    seen: set[str] = set()
    for index, mount in members(container.raw, "mountPoints"):
        path = (text(mount, "containerPath") or "").rstrip("/")
        if path and path in seen:
            at = container.at("mountPoints", index, "containerPath")
            yield we_say(at, f"Two volumes are mounted at {path}.")
        seen.add(path)


@container_rule(
    code="W405",
    title="A mount without a source or a path",
    why="The task fails to start: there is no volume to mount, or no place to mount it.",
    fix="Give the mount point both sourceVolume and containerPath, an absolute path.",
    source=_MOUNTS,
    bad=task(app(mountPoints=[{"sourceVolume": "data"}]), volumes=[{"name": "data"}]),
    good=_with_volume({"name": "data"}),
    on="mountPoints",
)
def incomplete_mount(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A mount names its volume and its path."""
    for index, mount in members(container.raw, "mountPoints"):
        for key in ("sourceVolume", "containerPath"):
            if absent(mount, key) or mount[key] == "":
                yield we_say(container.at("mountPoints", index), f"The mount point has no {key}.")
