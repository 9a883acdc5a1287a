"""What the endpoints inside a task need to know, and the one thing they may change.

An implementation answers for one task, or for several that share an endpoint (where the tasks' own network
namespaces cannot be entered); what it does not answer for does not exist for whoever asks. Values are taken
anew for each request, so that an answer is never older than the state it describes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.ports.aws import RoleCredentials


class Association(Struct, frozen=True, kw_only=True):
    """A device that the control plane gave to containers; `content` is a JSON text, passed on as it is."""

    type: str
    name: str
    content: str
    containers: frozenset[str] = frozenset()


class TaskView(Struct, frozen=True, kw_only=True):
    """A task at one moment.

    `definition` has overrides applied: what metadata shows "as in the task definition" comes from it.
    `tags` and `instance_tags` are those of the task and of the container instance.
    """

    plan: TaskPlan
    state: TaskState
    definition: TaskDefinition
    facts: Mapping[str, ContainerFacts] = field(default_factory=dict)
    has_task_role: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    instance_tags: Mapping[str, str] = field(default_factory=dict)
    associations: tuple[Association, ...] = ()
    availability_zone: str | None = None
    vpc_id: str | None = None
    service_name: str | None = None


class AskedContainer(Struct, frozen=True, kw_only=True):
    """The container that an endpoint id belongs to, and its task. The container exists on the engine."""

    task: TaskView
    name: str


class NetworkRates(Struct, frozen=True, kw_only=True):
    """Traffic of a network namespace, in bytes per second over the last two samples."""

    rx_bytes_per_s: float
    tx_bytes_per_s: float


class ContainerStats(Struct, frozen=True, kw_only=True):
    """The engine's latest statistics of a container, in Docker's own shape."""

    document: Mapping[str, Any]
    rates: NetworkRates | None = None


class Protection(Struct, frozen=True, kw_only=True):
    """A task's scale-in protection. `expires_at_s` is POSIX time, None when it is off."""

    enabled: bool
    expires_at_s: float | None = None


class ProtectionFailure(Struct, frozen=True, kw_only=True):
    """ECS's answer where a task cannot be protected: not an error of the call."""

    reason: str
    detail: str = ""


class ProtectionCallError(Exception):
    """ECS refused the call: `status` is that of HTTP, `code` ECS's own."""

    def __init__(self, *, status: int, code: str, message: str, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


class CredentialsNotReadyError(Exception):
    """The id is known, and its credentials are not there yet."""


class EndpointQueries(Protocol):
    """Answers what containers ask about themselves."""

    def container_of(self, endpoint_id: str) -> AskedContainer | None:
        """Find a container by the id in its own metadata URI; None before it was created."""
        ...

    def task_at(self, address: str) -> TaskView | None:
        """Find a task by the address that asks (version 2 of the endpoint, awsvpc only)."""
        ...

    async def stats(self, task: TaskView, container: str) -> ContainerStats | None:
        """Return the latest statistics of a container, None while there are none."""
        ...

    async def role_credentials(self, credentials_id: str) -> RoleCredentials | None:
        """Return the credentials of a role; None where the id is not known.

        Raises:
            CredentialsNotReadyError: they were not fetched yet.
            AwsCallError: AWS does not give them.
        """
        ...

    async def protection(self, task: TaskView) -> Protection | ProtectionFailure:
        """Read a task's scale-in protection. Raises ProtectionCallError."""
        ...

    async def protect(
        self, task: TaskView, *, enabled: bool, expires_in_minutes: int | None
    ) -> Protection | ProtectionFailure:
        """Set a task's scale-in protection. Raises ProtectionCallError."""
        ...
