"""What can happen to a task. Events are plain values: they are journaled and replayed as they are.

Every event that concerns one container has `container`, its name. Times are POSIX seconds. An event
never carries a secret: what is written here may be kept on disk and shown to anyone who may see the task.
"""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from pillion.core.lifecycle.states import HealthStatus, StopCode


class NamedError(Struct, frozen=True, kw_only=True):
    """An error with ECS's own name for it, e.g. `CannotPullContainerError`, and its text."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class TaskEvent(Struct, frozen=True, kw_only=True):
    """Something that concerns the task as a whole."""


class ContainerEvent(Struct, frozen=True, kw_only=True):
    """Something that concerns one container."""

    container: str


class StartRequested(TaskEvent, frozen=True, kw_only=True):
    """The task is to run."""


class StopRequested(TaskEvent, frozen=True, kw_only=True):
    """The task is to stop in order. `reason` is what DescribeTasks shows as stoppedReason."""

    reason: str = "Task stopped by user"
    stop_code: StopCode = StopCode.USER_INITIATED


class KillRequested(TaskEvent, frozen=True, kw_only=True):
    """The task is to end now: every process is killed at once, in no order."""


class ResourceReady(TaskEvent, frozen=True, kw_only=True):
    """A resource of the task can be used."""

    resource: str


class ResourceFailed(TaskEvent, frozen=True, kw_only=True):
    """A resource of the task cannot be prepared; the task stops."""

    resource: str
    error: NamedError


class StartTimeoutElapsed(ContainerEvent, frozen=True, kw_only=True):
    """The container's startTimeout has passed since it started."""


class ManifestResolved(ContainerEvent, frozen=True, kw_only=True):
    """The image's manifest was looked up, or did not need to be. `digest` is None where there is none."""

    digest: str | None = None


class ManifestFailed(ContainerEvent, frozen=True, kw_only=True):
    """The image's manifest could not be looked up; `cached` says whether the image is here anyway."""

    error: NamedError
    cached: bool


class PullStarted(ContainerEvent, frozen=True, kw_only=True):
    """An image really is being pulled."""


class Pulled(ContainerEvent, frozen=True, kw_only=True):
    """The image is here. `pulled` is False where the pull behavior asked for no pull."""

    pulled: bool = True
    digest: str | None = None


class PullFailed(ContainerEvent, frozen=True, kw_only=True):
    """The image could not be pulled; `cached` says whether an older one is here."""

    error: NamedError
    cached: bool


class Created(ContainerEvent, frozen=True, kw_only=True):
    """The engine has made the container."""

    runtime_id: str
    image_id: str | None = None


class CreateFailed(ContainerEvent, frozen=True, kw_only=True):
    """The engine could not make the container."""

    error: NamedError


class Started(ContainerEvent, frozen=True, kw_only=True):
    """The container's process runs, since `at_s` by the engine's clock. Also after a restart."""

    at_s: float


class StartFailed(ContainerEvent, frozen=True, kw_only=True):
    """The engine could not start the container; `may_run` says that the process might be there after all."""

    error: NamedError
    may_run: bool = False


class Provisioned(ContainerEvent, frozen=True, kw_only=True):
    """The namespace that this pause container holds is ready: addresses, listeners, rules."""


class ProvisionFailed(ContainerEvent, frozen=True, kw_only=True):
    """The namespace that this pause container holds could not be set up."""

    error: NamedError


class Exited(ContainerEvent, frozen=True, kw_only=True):
    """The container's process ended.

    May come twice for one exit: first from the engine's event, then with what an inspection adds
    (`out_of_memory`, `error`, `at_s`). `exit_code` is None where the engine does not know one.
    """

    exit_code: int | None
    at_s: float | None = None
    out_of_memory: bool = False
    error: str | None = None


class Vanished(ContainerEvent, frozen=True, kw_only=True):
    """The engine no longer knows the container, though nobody here removed it."""


class StopFailed(ContainerEvent, frozen=True, kw_only=True):
    """Stopping failed for good while the engine answers; the container counts as stopped."""

    error: NamedError


class HealthChanged(ContainerEvent, frozen=True, kw_only=True):
    """The definition's health check came to another status."""

    status: HealthStatus
    output: str = ""
    exit_code: int | None = None


class HealthProbed(ContainerEvent, frozen=True, kw_only=True):
    """One probe ended without changing the status; for people who wait."""

    failing_streak: int
    output: str = ""
    exit_code: int | None = None


Event = (
    StartRequested
    | StopRequested
    | KillRequested
    | ResourceReady
    | ResourceFailed
    | StartTimeoutElapsed
    | ManifestResolved
    | ManifestFailed
    | PullStarted
    | Pulled
    | PullFailed
    | Created
    | CreateFailed
    | Started
    | StartFailed
    | Provisioned
    | ProvisionFailed
    | Exited
    | Vanished
    | StopFailed
    | HealthChanged
    | HealthProbed
)

"""Everything that the machine takes."""

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)
"""Every kind of event, in the order of this file."""

CONTAINER_EVENT_TYPES: tuple[type[Event], ...] = tuple(
    kind for kind in EVENT_TYPES if issubclass(kind, ContainerEvent)
)
"""The kinds that concern one container."""
