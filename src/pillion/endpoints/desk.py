"""What one running task answers to its own containers.

Made of callables, so that whoever runs the task gives its state without this knowing how. A task that runs
alone belongs to no service; ECS answers TASK_NOT_VALID to whoever wants to protect it, and so do we.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, field

from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.ports.aws import RoleCredentials, RoleCredentialsSource
from pillion.ports.queries import (
    AskedContainer,
    ContainerStats,
    CredentialsNotReadyError,
    Protection,
    ProtectionFailure,
    TaskView,
)

NOT_OF_A_SERVICE = ProtectionFailure(reason="TASK_NOT_VALID")


async def no_stats(container: str) -> ContainerStats | None:
    """Say that there are no statistics: for engines that give none."""
    del container
    return None


class TaskDesk(Struct, frozen=True, kw_only=True):
    """Implements `ports.queries.EndpointQueries` for one task.

    Attributes:
        plan: of the task.
        definition: with overrides applied.
        ids: the ids in the containers' environments.
        state: gives the task's state now.
        facts: gives ports and addresses of a container now.
        stats_of: gives a container's latest statistics.
        roles: gives credentials of the task role, if the task has one.
        tags: of the task.
        availability_zone: where the task is said to be.
    """

    plan: TaskPlan
    definition: TaskDefinition
    ids: EndpointIds
    state: Callable[[], TaskState]
    facts: Callable[[str], ContainerFacts]
    stats_of: Callable[[str], Awaitable[ContainerStats | None]] = no_stats
    roles: RoleCredentialsSource | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    availability_zone: str | None = None

    def view(self) -> TaskView:
        """Return the task as it is now."""
        return TaskView(
            plan=self.plan,
            state=self.state(),
            definition=self.definition,
            facts={item.name: self.facts(item.name) for item in self.plan.containers},
            has_task_role=self.ids.credentials is not None,
            tags=self.tags,
            availability_zone=self.availability_zone,
        )

    def container_of(self, endpoint_id: str) -> AskedContainer | None:
        """Find a container by its endpoint id; None before the engine has it."""
        name = self.ids.container_of(endpoint_id)
        if name is None or self.state().containers[name].runtime_id is None:
            return None
        return AskedContainer(task=self.view(), name=name)

    def task_at(self, address: str) -> TaskView | None:
        """Return the task to whoever asks, in awsvpc mode only: nobody else can reach this desk."""
        del address
        return self.view() if self.plan.network_mode is NetworkMode.AWSVPC else None

    async def stats(self, task: TaskView, container: str) -> ContainerStats | None:
        """Return the latest statistics of a container."""
        del task
        return await self.stats_of(container)

    async def role_credentials(self, credentials_id: str) -> RoleCredentials | None:
        """Return the task role's credentials, as long as the task lives.

        Raises:
            CredentialsNotReadyError: there is nobody to get them from.
            AwsCallError: AWS does not give them.
        """
        role = self.definition.task_role_arn
        if role is None or credentials_id != self.ids.credentials or self.state().known is TaskStatus.STOPPED:
            return None
        if self.roles is None:
            raise CredentialsNotReadyError(credentials_id)
        return await self.roles.credentials_of(role, self.plan.identity.task_id)

    async def protection(self, task: TaskView) -> Protection | ProtectionFailure:
        """Say that a task of no service has no protection."""
        del task
        return NOT_OF_A_SERVICE

    async def protect(
        self, task: TaskView, *, enabled: bool, expires_in_minutes: int | None
    ) -> Protection | ProtectionFailure:
        """Refuse: a task of no service cannot be protected."""
        del task, enabled, expires_in_minutes
        return NOT_OF_A_SERVICE
