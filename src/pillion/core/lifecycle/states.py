"""The statuses of containers, tasks, health and resources, and how far along each one is.

The names are the ECS agent's own. Enum members carry no arithmetic: progress is declared in
`CONTAINER_PROGRESS`, so that "further along" is read from a list and not from a number that
happened to be smaller.
"""

from __future__ import annotations

from enum import Enum


class ContainerStatus(Enum):
    """Where a container is, in the agent's internal words."""

    NONE = "NONE"
    MANIFEST_PULLED = "MANIFEST_PULLED"
    PULLED = "PULLED"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    RESOURCES_PROVISIONED = "RESOURCES_PROVISIONED"
    STOPPED = "STOPPED"


CONTAINER_PROGRESS: tuple[ContainerStatus, ...] = (
    ContainerStatus.NONE,
    ContainerStatus.MANIFEST_PULLED,
    ContainerStatus.PULLED,
    ContainerStatus.CREATED,
    ContainerStatus.RUNNING,
    ContainerStatus.RESOURCES_PROVISIONED,
    ContainerStatus.STOPPED,
)
"""Every container status, least advanced first."""

_RANK = {status: rank for rank, status in enumerate(CONTAINER_PROGRESS)}


def is_before(status: ContainerStatus, other: ContainerStatus) -> bool:
    """Say whether `status` is less advanced than `other`."""
    return _RANK[status] < _RANK[other]


def next_status(status: ContainerStatus) -> ContainerStatus:
    """Return the status one step after `status`; STOPPED is followed by itself."""
    return CONTAINER_PROGRESS[min(_RANK[status] + 1, len(CONTAINER_PROGRESS) - 1)]


def least_advanced(statuses: list[ContainerStatus]) -> ContainerStatus:
    """Return the least advanced of some statuses; STOPPED, the most advanced, when there are none."""
    return min(statuses, key=_RANK.__getitem__, default=ContainerStatus.STOPPED)


class ContainerKind(Enum):
    """What a container is for, as the task metadata endpoint names it in `Type`."""

    NORMAL = "NORMAL"
    CNI_PAUSE = "CNI_PAUSE"
    NAMESPACE_PAUSE = "NAMESPACE_PAUSE"


class TaskStatus(Enum):
    """Where a task is, in the agent's internal words."""

    NONE = "NONE"
    MANIFEST_PULLED = "MANIFEST_PULLED"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


TASK_PROGRESS: tuple[TaskStatus, ...] = tuple(TaskStatus)
"""Every task status, least advanced first."""


class HealthStatus(Enum):
    """What the definition's own health check says; the image's HEALTHCHECK never counts."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


class Condition(Enum):
    """What a dependant waits for. CREATE is the agent's own, for volumesFrom."""

    CREATE = "CREATE"
    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


class ResourceStatus(Enum):
    """Where a resource of the task (network, volume, cgroup, secret ...) is."""

    NONE = "NONE"
    PREPARING = "PREPARING"
    READY = "READY"
    FAILED = "FAILED"


class PullBehavior(Enum):
    """When an image is pulled: the agent's ECS_IMAGE_PULL_BEHAVIOR, and `never` for work offline."""

    DEFAULT = "default"
    ALWAYS = "always"
    ONCE = "once"
    PREFER_CACHED = "prefer-cached"
    NEVER = "never"


class StopCode(Enum):
    """Why a task stopped, as DescribeTasks says it in `stopCode`."""

    TASK_FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_CONTAINER_EXITED = "EssentialContainerExited"
    USER_INITIATED = "UserInitiated"
    SERVICE_SCHEDULER_INITIATED = "ServiceSchedulerInitiated"
    SPOT_INTERRUPTION = "SpotInterruption"
    TERMINATION_NOTICE = "TerminationNotice"


def reported_container_status(status: ContainerStatus, steady: ContainerStatus) -> str:
    """Return the status that ECS shows for a container: PENDING, RUNNING or STOPPED."""
    if status is ContainerStatus.STOPPED:
        return "STOPPED"
    return "PENDING" if is_before(status, steady) else "RUNNING"


def reported_task_status(status: TaskStatus) -> str:
    """Return the `lastStatus` that ECS shows for a task: PENDING, RUNNING or STOPPED."""
    return status.value if status in (TaskStatus.RUNNING, TaskStatus.STOPPED) else "PENDING"
