"""What the state machine has to know of a task definition, and nothing else.

A `TaskSpec` is made once, by `core.plan`, with every implicit dependency (links, volumesFrom,
FireLens) already among the declared ones, so that the machine has a single kind of edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from pillion.core.lifecycle.states import Condition, ContainerKind, ContainerStatus, PullBehavior

STOP_TIMEOUT_DEFAULT_S = 30.0
"""The agent's ECS_CONTAINER_STOP_TIMEOUT, used where a container sets none (or 0)."""

RESTART_ATTEMPT_PERIOD_DEFAULT_S = 300.0
"""How long a container has to have run before its restart policy restarts it, where it does not say."""


class Dependency(Struct, frozen=True, kw_only=True):
    """One edge: the container that declares it waits until `container` fulfils `condition`.

    `source` says where the edge comes from: `dependsOn`, `links`, `volumesFrom` or `awsfirelens`.
    """

    container: str
    condition: Condition
    source: str = "dependsOn"


class RestartPolicy(Struct, frozen=True, kw_only=True):
    """An enabled restartPolicy. Exit code 0 is restarted like any other unless it is ignored."""

    ignored_exit_codes: frozenset[int] = frozenset()
    attempt_period_s: float = RESTART_ATTEMPT_PERIOD_DEFAULT_S


class ResourceNeed(Struct, frozen=True, kw_only=True):
    """A container may not enter `before` until the task's `resource` is ready."""

    resource: str
    before: ContainerStatus


class ContainerSpec(Struct, frozen=True, kw_only=True, dict=True):
    """One container as the lifecycle sees it.

    `start_timeout_s` belongs to the dependency: it bounds how long its dependants wait, from its own
    start. None means no limit, as in the agent. `stop_timeout_s` is never None: the default is filled in.
    """

    name: str
    image: str = ""
    kind: ContainerKind = ContainerKind.NORMAL
    essential: bool = True
    depends_on: tuple[Dependency, ...] = ()
    has_health_check: bool = False
    health_retries: int = 3
    start_timeout_s: float | None = None
    stop_timeout_s: float = STOP_TIMEOUT_DEFAULT_S
    restart: RestartPolicy | None = None
    needs: tuple[ResourceNeed, ...] = ()

    @cached_property
    def steady(self) -> ContainerStatus:
        """The status at which the container has arrived: only network pause containers go past RUNNING."""
        if self.kind is ContainerKind.CNI_PAUSE:
            return ContainerStatus.RESOURCES_PROVISIONED
        return ContainerStatus.RUNNING


class TaskSpec(Struct, frozen=True, kw_only=True, dict=True):
    """A task as the lifecycle sees it; `containers` in the order of the definition, pause containers first.

    `pull_upfront` is the agent's ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT: images are pulled without
    waiting for dependencies, so that a missing image is known early. Create and start still wait.
    """

    task_arn: str
    containers: tuple[ContainerSpec, ...]
    resources: tuple[str, ...] = ()
    pull_behavior: PullBehavior = PullBehavior.DEFAULT
    pull_upfront: bool = True

    @cached_property
    def _by_name(self) -> Mapping[str, ContainerSpec]:
        return {spec.name: spec for spec in self.containers}

    def container(self, name: str) -> ContainerSpec:
        """Return the container of that name; KeyError if the task has none."""
        return self._by_name[name]

    def has_container(self, name: str) -> bool:
        """Say whether the task has a container of that name."""
        return name in self._by_name

    @cached_property
    def dependants(self) -> Mapping[str, tuple[str, ...]]:
        """For each container the names of those that declare a dependency on it."""
        found: dict[str, list[str]] = {spec.name: [] for spec in self.containers}
        for spec in self.containers:
            for dependency in spec.depends_on:
                if dependency.container in found and spec.name not in found[dependency.container]:
                    found[dependency.container].append(spec.name)
        return {name: tuple(names) for name, names in found.items()}

    @cached_property
    def network_holder(self) -> str | None:
        """The container that owns the task's network namespace (awsvpc), if there is one."""
        return self._of_kind(ContainerKind.CNI_PAUSE)

    @cached_property
    def namespace_holder(self) -> str | None:
        """The container that owns the task's PID and IPC namespaces, if there is one."""
        return self._of_kind(ContainerKind.NAMESPACE_PAUSE)

    def _of_kind(self, kind: ContainerKind) -> str | None:
        return next((spec.name for spec in self.containers if spec.kind is kind), None)
