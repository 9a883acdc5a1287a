"""The state of a task: what is known, what is wanted, and what has been asked of the engine.

Values are frozen; the machine alone makes new ones. Known and desired status are two fields, as in the
ECS agent: a container that ended by itself is known STOPPED and still desired RUNNING.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from pillion.core.lifecycle.events import Exited, NamedError
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.states import (
    ContainerStatus,
    HealthStatus,
    ResourceStatus,
    StopCode,
    TaskStatus,
)


class HealthState(Struct, frozen=True, kw_only=True):
    """What the definition's health check said last, and since when (POSIX seconds)."""

    status: HealthStatus = HealthStatus.UNKNOWN
    since_s: float | None = None
    output: str = ""
    exit_code: int | None = None
    failing_streak: int = 0


class ContainerState(Struct, frozen=True, kw_only=True):
    """One container: statuses, the operation in flight, and what ECS would report of it.

    `in_flight` is the status that an operation under way leads to, for the reason `cause`; None when
    nothing is under way. `failure` says what went wrong with its own start, where something did, as the
    rest of a sentence about it ("could not be created").
    `restarting` is the exit that a restart policy is making good at this moment.
    `error` is the first error and is never replaced, as in ECS. `started_at_s` is the first start;
    `process_started_at_s` also follows restarts. Times are POSIX seconds.
    """

    known: ContainerStatus = ContainerStatus.NONE
    desired: ContainerStatus = ContainerStatus.RUNNING
    in_flight: ContainerStatus | None = None
    cause: str = ""
    failure: str | None = None
    restarting: Exited | None = None
    exit_code: int | None = None
    error: NamedError | None = None
    health: HealthState = field(default_factory=HealthState)
    image_digest: str | None = None
    image_id: str | None = None
    runtime_id: str | None = None
    created_at_s: float | None = None
    started_at_s: float | None = None
    process_started_at_s: float | None = None
    finished_at_s: float | None = None
    start_timed_out: bool = False
    restart_count: int = 0
    last_restart_at_s: float | None = None

    @property
    def has_run(self) -> bool:
        """Say whether the container's process was ever started."""
        return self.started_at_s is not None


class TaskState(Struct, frozen=True, kw_only=True):
    """One task. `ended_by` names the essential container that ended it, if one did.

    `known` never goes backwards; `version` counts the events that led to a report. `stopped_again` says
    that a container that had stopped was seen running and was stopped once more: done once per task. Times
    are POSIX seconds and follow the fields of DescribeTasks.
    """

    spec: TaskSpec
    containers: Mapping[str, ContainerState]
    resources: Mapping[str, ResourceStatus]
    known: TaskStatus = TaskStatus.NONE
    desired: TaskStatus = TaskStatus.RUNNING
    version: int = 0
    started: bool = False
    killed: bool = False
    stopped_again: bool = False
    stop_code: StopCode | None = None
    stopped_reason: str | None = None
    stop_cause: str | None = None
    ended_by: str | None = None
    created_at_s: float | None = None
    pull_started_at_s: float | None = None
    pull_stopped_at_s: float | None = None
    started_at_s: float | None = None
    stopping_at_s: float | None = None
    execution_stopped_at_s: float | None = None
    stopped_at_s: float | None = None

    @property
    def is_stopping(self) -> bool:
        """Say whether the task is wanted to be STOPPED."""
        return self.desired is TaskStatus.STOPPED


def initial_state(spec: TaskSpec) -> TaskState:
    """Return the state of a task to which nothing has happened yet."""
    return TaskState(
        spec=spec,
        containers={item.name: ContainerState(desired=item.steady) for item in spec.containers},
        resources=dict.fromkeys(spec.resources, ResourceStatus.NONE),
    )
