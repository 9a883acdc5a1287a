"""What is known of a task before anybody draws conclusions: DescribeTasks' shape, and what adds to it.

DescribeTasks says less than one would wish: a container's own times are not in it, nor its output. pillion's
own journal and JSON lines have them, so every such member may be absent. Times are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

LINES_MAX = 50
"""Last lines of a container's output that are kept as evidence."""


class ContainerEvidence(Struct, frozen=True, kw_only=True):
    """What is known of one container.

    Attributes:
        name: its name.
        image: its image, as the definition has it.
        last_status: PENDING, RUNNING or STOPPED.
        exit_code: as ECS records it; 143 also for one that never ran because of a dependency.
        reason: the error that ECS keeps for it, with its name in front.
        health_status: what its health check says: HEALTHY, UNHEALTHY or UNKNOWN.
        has_run: whether its process was ever started; None where nobody knows.
        memory_mib: its hard limit.
        memory_peak_mib: the most memory it was seen to use; None where nobody looked.
        started_at_s: its first start.
        stopped_at_s: its end.
        cause: why it is in its status, in pillion's words.
        health_output: what its health check printed last.
        failing_streak: how many probes failed in a row.
        health_since_s: when its health came to be what it is.
        restart_count: how often its restart policy restarted it.
        lines: its last lines of output, oldest first.
    """

    name: str
    image: str = ""
    last_status: str = ""
    exit_code: int | None = None
    reason: str = ""
    health_status: str = "UNKNOWN"
    has_run: bool | None = None
    memory_mib: int | None = None
    memory_peak_mib: int | None = None
    started_at_s: float | None = None
    stopped_at_s: float | None = None
    cause: str = ""
    health_output: str = ""
    failing_streak: int = 0
    health_since_s: float | None = None
    restart_count: int = 0
    lines: tuple[str, ...] = ()


class TaskEvidence(Struct, frozen=True, kw_only=True):
    """What is known of one task; the members are those of DescribeTasks.

    `ended_by` names the essential container that ended the task, where pillion's journal says so; `is_local`
    says that pillion ran it.
    """

    task_arn: str = ""
    definition_arn: str = ""
    last_status: str = ""
    desired_status: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    launch_type: str = ""
    created_at_s: float | None = None
    started_at_s: float | None = None
    stopping_at_s: float | None = None
    execution_stopped_at_s: float | None = None
    stopped_at_s: float | None = None
    memory: str = ""
    containers: tuple[ContainerEvidence, ...] = ()
    ended_by: str | None = None
    is_local: bool = False

    @property
    def is_stopped(self) -> bool:
        """Say whether the task has ended."""
        return self.last_status in ("STOPPED", "DEPROVISIONING", "DELETED")

    @property
    def task_id(self) -> str:
        """The last part of its ARN."""
        return self.task_arn.rpartition("/")[2]

    @property
    def family(self) -> str:
        """`family:revision`, out of the definition's ARN."""
        return self.definition_arn.rpartition("/")[2]

    def container(self, name: str) -> ContainerEvidence | None:
        """Return what is known of a container, or None for one that is not there."""
        return next((item for item in self.containers if item.name == name), None)


def evidence_of_shape(shape: Mapping[str, Any]) -> TaskEvidence:
    """Read a Task as DescribeTasks shows it, in the CLI's spelling; what is missing or odd stays unknown."""
    containers = shape.get("containers")
    return TaskEvidence(
        task_arn=_text(shape, "taskArn"),
        definition_arn=_text(shape, "taskDefinitionArn"),
        last_status=_text(shape, "lastStatus"),
        desired_status=_text(shape, "desiredStatus"),
        stop_code=_text(shape, "stopCode"),
        stopped_reason=_text(shape, "stoppedReason"),
        launch_type=_text(shape, "launchType"),
        created_at_s=time_s(shape.get("createdAt")),
        started_at_s=time_s(shape.get("startedAt")),
        stopping_at_s=time_s(shape.get("stoppingAt")),
        execution_stopped_at_s=time_s(shape.get("executionStoppedAt")),
        stopped_at_s=time_s(shape.get("stoppedAt")),
        memory=_text(shape, "memory"),
        containers=tuple(
            _container(item)
            for item in (containers if isinstance(containers, list) else ())
            if isinstance(item, Mapping)
        ),
    )


def _container(shape: Mapping[str, Any]) -> ContainerEvidence:
    exit_code = shape.get("exitCode")
    memory = _text(shape, "memory")
    return ContainerEvidence(
        name=_text(shape, "name"),
        image=_text(shape, "image"),
        last_status=_text(shape, "lastStatus"),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        reason=_text(shape, "reason"),
        health_status=_text(shape, "healthStatus") or "UNKNOWN",
        has_run=True if shape.get("runtimeId") and shape.get("lastStatus") == "RUNNING" else None,
        memory_mib=int(memory) if memory.isdigit() else None,
    )


def with_lines(task: TaskEvidence, lines: Mapping[str, tuple[str, ...]]) -> TaskEvidence:
    """Add the last lines of output, by container name."""
    return replace(
        task,
        containers=tuple(
            replace(item, lines=lines[item.name][-LINES_MAX:]) if item.name in lines else item
            for item in task.containers
        ),
    )


def time_s(value: object) -> float | None:
    """Read a time as the AWS CLI prints it (ISO 8601, or a number of seconds); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return None


def _text(shape: Mapping[str, Any], key: str) -> str:
    value = shape.get(key)
    return value.strip() if isinstance(value, str) else ""
