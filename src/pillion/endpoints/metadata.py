"""Task and container metadata, versions 2, 3 and 4: from a task at one moment to ECS's JSON. Pure.

Versions 2 and 3 have the same shapes; version 4 adds to them. Statuses are the agent's internal ones
(`CREATED`, `RESOURCES_PROVISIONED`), not those of DescribeTasks. Pause containers are listed like others,
as on an ECS instance. Source: the metadata pages of the ECS developer guide
(docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html and -v3.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, is_before
from pillion.core.plan.model import ContainerPlan, VolumeKind
from pillion.core.taskdef.model import ContainerDefinition
from pillion.endpoints.gojson import number, present, timestamp
from pillion.endpoints.networks import networks_of, ports_of
from pillion.ports.queries import TaskView

_MIB = 1 << 20
_CPU_UNITS_MIN = 2  # what the kernel takes as the least; the agent raises a smaller value


class Version(Enum):
    """A version of the endpoint, named as its paths are."""

    V2 = "v2"
    V3 = "v3"
    V4 = "v4"


def task_metadata(task: TaskView, version: Version, *, with_tags: bool = False) -> dict[str, Any]:
    """Return the answer of `/task`, or of `/taskWithTags`."""
    state, identity = task.state, task.plan.identity
    is_v4 = version is Version.V4
    shape = {
        "Cluster": identity.cluster,
        "TaskARN": identity.task_arn,
        "Family": identity.family,
        "Revision": str(identity.revision),
        "DesiredStatus": state.desired.value,
        "KnownStatus": state.known.value,
        "Limits": _task_limits(task),
        "PullStartedAt": timestamp(state.pull_started_at_s),
        "PullStoppedAt": timestamp(state.pull_stopped_at_s),
        "ExecutionStoppedAt": timestamp(state.execution_stopped_at_s),
        "AvailabilityZone": task.availability_zone,
        "LaunchType": identity.launch_type if is_v4 else None,
        "TaskTags": dict(sorted(task.tags.items())) if with_tags else None,
        "ContainerInstanceTags": dict(sorted(task.instance_tags.items())) if with_tags else None,
        "Containers": [
            container_metadata(task, item.name, version)
            for item in task.plan.containers
            if _is_listed(state.containers[item.name], version)
        ],
        "VPCID": task.vpc_id if is_v4 else None,
        "ServiceName": task.service_name if is_v4 else None,
        "FaultInjectionEnabled": bool(task.definition.enable_fault_injection) if is_v4 else None,
    }
    return present(shape)


def container_metadata(task: TaskView, name: str, version: Version) -> dict[str, Any]:
    """Return the answer of a container's own path."""
    container, state = task.plan.container(name), task.state.containers[name]
    is_v4 = version is Version.V4
    networks = networks_of(task, container, with_interface=is_v4)
    shape = {
        "Ports": ports_of(task, container, with_host_ip=is_v4),
        "Labels": dict(sorted(container.labels.items())),
        "DesiredStatus": state.desired.value,
        "KnownStatus": state.known.value,
        "ExitCode": state.exit_code,
        "Limits": {"CPU": max(container.cpu_units, _CPU_UNITS_MIN), "Memory": container.memory_mib or 0},
        "CreatedAt": timestamp(state.created_at_s),
        "StartedAt": timestamp(state.started_at_s),
        "FinishedAt": timestamp(state.finished_at_s),
        "Type": container.kind.value,
        "Networks": None if is_v4 else networks,
        "Health": _health(state) if container.health is not None else None,
        "Volumes": _volumes(task, container),
    }
    head = {
        "DockerId": state.runtime_id or "",
        "Name": name,
        "DockerName": container.engine_name,
        "Image": container.image.reference,
        "ImageID": state.image_id or "",
    }
    return head | present(shape) | (_added_by_v4(task, container, state, networks) if is_v4 else {})


def _added_by_v4(
    task: TaskView, container: ContainerPlan, state: ContainerState, networks: list[dict[str, Any]]
) -> dict[str, Any]:
    driver, options = _logging(task, container.name)
    restarts = task.plan.lifecycle_of(container.name).restart is not None
    return present(
        {
            "LogDriver": driver,
            "LogOptions": options,
            "ContainerARN": container.arn,
            "Networks": networks,
            "RestartCount": state.restart_count if restarts else None,
        }
    )


def _is_listed(state: ContainerState, version: Version) -> bool:
    """Containers that exist are listed; by version 4 also those whose image is there."""
    if version is Version.V4:
        return not is_before(state.known, ContainerStatus.PULLED) and (
            state.runtime_id is not None or state.known is not ContainerStatus.STOPPED
        )
    return state.runtime_id is not None


def _task_limits(task: TaskView) -> dict[str, int | float] | None:
    limits = task.plan.limits
    if limits is None:
        return None
    cpu, memory = limits.cpu_vcpu, limits.memory_bytes
    return present({"CPU": number(cpu) if cpu else None, "Memory": memory // _MIB if memory else None})


def _health(state: ContainerState) -> dict[str, Any]:
    health = state.health
    known = health.status is not HealthStatus.UNKNOWN
    return present(
        {
            "status": health.status.value if known else None,
            "statusSince": timestamp(health.since_s),
            "exitCode": health.exit_code or None,
            "output": health.output,
        }
    )


def _volumes(task: TaskView, container: ContainerPlan) -> list[dict[str, Any]]:
    """A folder of the host has a Source; where the engine keeps a named volume is not ours to know."""
    shapes = []
    for mount in container.mounts:
        volume = task.plan.volume(mount.volume)
        key = "Source" if volume.kind is VolumeKind.BIND else "DockerName"
        shapes.append({key: volume.engine_name, "Destination": mount.container_path})
    binds = [{"Source": bind.host_path, "Destination": bind.container_path} for bind in container.binds]
    return shapes + binds


def _logging(task: TaskView, name: str) -> tuple[str | None, Mapping[str, str]]:
    """The log configuration of the definition, with the stream's name where ECS makes one of the prefix."""
    definition = _definition_of(task, name)
    if definition is None or definition.log_configuration is None:
        return None, {}
    log = definition.log_configuration
    options = dict(log.options or {})
    prefix = options.get("awslogs-stream-prefix")
    if log.log_driver == "awslogs" and prefix:
        del options["awslogs-stream-prefix"]
        options["awslogs-stream"] = f"{prefix}/{name}/{task.plan.identity.task_id}"
    return log.log_driver, dict(sorted(options.items()))


def _definition_of(task: TaskView, name: str) -> ContainerDefinition | None:
    containers = task.definition.container_definitions or ()
    return next((item for item in containers if item.name == name), None)
