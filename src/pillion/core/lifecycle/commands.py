"""What the machine asks for. Each command is one engine call, one timer or one report, with its cause.

A cause is a plain half-sentence ("envoy is HEALTHY", "essential container web exited with code 1") that
is shown to people and journaled; the performer has no opinion and needs none.
"""

from __future__ import annotations

from dataclasses import dataclass

from pillion.core.lifecycle.states import ContainerStatus, HealthStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCommand:
    """Something to do for the task as a whole."""

    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerCommand:
    """Something to do for one container."""

    container: str
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareResource(TaskCommand):
    """Make a resource of the task: answered by ResourceReady or ResourceFailed."""

    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveManifest(ContainerCommand):
    """Find the image's digest: answered by ManifestResolved or ManifestFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PullImage(ContainerCommand):
    """Have the image here, as the pull behavior says: answered by Pulled or PullFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateContainer(ContainerCommand):
    """Make the container: answered by Created or CreateFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartContainer(ContainerCommand):
    """Start the container's process, for the first time or again: answered by Started or StartFailed."""

    restart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvisionNamespace(ContainerCommand):
    """Set up the namespace that a pause container holds: answered by Provisioned or ProvisionFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StopContainer(ContainerCommand):
    """Send the stop signal, wait `timeout_s`, then kill: answered by Exited, Vanished or StopFailed."""

    timeout_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KillContainer(ContainerCommand):
    """Kill the container's process now: answered by Exited, Vanished or StopFailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetStartTimeout(ContainerCommand):
    """Send StartTimeoutElapsed for this container when the clock says `at_s`."""

    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportContainer(ContainerCommand):
    """A container's status changed."""

    before: ContainerStatus
    after: ContainerStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportHealth(ContainerCommand):
    """A container's health changed."""

    status: HealthStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRestart(ContainerCommand):
    """A restart policy restarted a container; its status stays RUNNING."""

    restart_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportTask(TaskCommand):
    """The `lastStatus` that ECS would show changed."""

    last_status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportStopping(TaskCommand):
    """The task's `desiredStatus` became STOPPED; `cause` says why."""


Command = (
    PrepareResource
    | ResolveManifest
    | PullImage
    | CreateContainer
    | StartContainer
    | ProvisionNamespace
    | StopContainer
    | KillContainer
    | SetStartTimeout
    | ReportContainer
    | ReportHealth
    | ReportRestart
    | ReportTask
    | ReportStopping
)
"""Everything that the machine asks for."""

Report = ReportContainer | ReportHealth | ReportRestart | ReportTask | ReportStopping
"""The commands that only tell; they are never waited for."""
