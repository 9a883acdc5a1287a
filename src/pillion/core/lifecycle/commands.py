"""What the machine asks for. Each command is one engine call, one timer or one report, with its cause.

A cause is a plain half-sentence ("envoy is HEALTHY", "essential container web exited with code 1") that
is shown to people and journaled; the performer has no opinion and needs none.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.lifecycle.states import ContainerStatus, HealthStatus


class TaskCommand(Struct, frozen=True, kw_only=True):
    """Something to do for the task as a whole."""

    cause: str


class ContainerCommand(Struct, frozen=True, kw_only=True):
    """Something to do for one container."""

    container: str
    cause: str


class PrepareResource(TaskCommand, frozen=True, kw_only=True):
    """Make a resource of the task: answered by ResourceReady or ResourceFailed."""

    resource: str


class ResolveManifest(ContainerCommand, frozen=True, kw_only=True):
    """Find the image's digest: answered by ManifestResolved or ManifestFailed."""


class PullImage(ContainerCommand, frozen=True, kw_only=True):
    """Have the image here, as the pull behavior says: answered by Pulled or PullFailed."""


class CreateContainer(ContainerCommand, frozen=True, kw_only=True):
    """Make the container: answered by Created or CreateFailed."""


class StartContainer(ContainerCommand, frozen=True, kw_only=True):
    """Start the container's process, for the first time or again: answered by Started or StartFailed."""

    restart: bool = False


class ProvisionNamespace(ContainerCommand, frozen=True, kw_only=True):
    """Set up the namespace that a pause container holds: answered by Provisioned or ProvisionFailed."""


class StopContainer(ContainerCommand, frozen=True, kw_only=True):
    """Send the stop signal, wait `timeout_s`, then kill: answered by Exited, Vanished or StopFailed."""

    timeout_s: float


class KillContainer(ContainerCommand, frozen=True, kw_only=True):
    """Kill the container's process now: answered by Exited, Vanished or StopFailed."""


class SetStartTimeout(ContainerCommand, frozen=True, kw_only=True):
    """Send StartTimeoutElapsed for this container when the clock says `at_s`."""

    at_s: float


class ReportContainer(ContainerCommand, frozen=True, kw_only=True):
    """A container's status changed."""

    before: ContainerStatus
    after: ContainerStatus


class ReportHealth(ContainerCommand, frozen=True, kw_only=True):
    """A container's health changed."""

    status: HealthStatus


class ReportRestart(ContainerCommand, frozen=True, kw_only=True):
    """A restart policy restarted a container; its status stays RUNNING."""

    restart_count: int


class ReportTask(TaskCommand, frozen=True, kw_only=True):
    """The `lastStatus` that ECS would show changed."""

    last_status: str


class ReportStopping(TaskCommand, frozen=True, kw_only=True):
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
