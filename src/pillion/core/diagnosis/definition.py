"""What the definition adds to the evidence: who is essential, who waits for whom, where things stand in it.

Everything here is optional for a diagnosis: without the definition the answers are vaguer, never wrong.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pillion.core.diagnosis.evidence import ContainerEvidence, TaskEvidence
from pillion.core.diagnosis.known import Scope
from pillion.core.findings import Path
from pillion.core.lifecycle.explain import Waiting, waiting
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import ContainerState, HealthState, TaskState
from pillion.core.lifecycle.states import (
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    ResourceStatus,
)
from pillion.core.plan.build import make_plan
from pillion.core.plan.dependencies import log_router, logs_through_firelens
from pillion.core.plan.model import TaskIdentity
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.model import HealthCheck, TaskDefinition
from pillion.core.taskdef.render import render_task_definition

_NOBODY = TaskIdentity(
    task_id="",
    task_arn="",
    cluster="",
    cluster_arn="",
    family="",
    revision=1,
    definition_arn="",
    region="us-east-1",
    account="",
)


class DefinitionFacts(Struct, frozen=True, kw_only=True):
    """A definition, and what the lifecycle makes of it (implicit dependencies and defaults included)."""

    definition: TaskDefinition
    spec: TaskSpec
    shape: dict[str, Any]

    def container(self, name: str) -> ContainerSpec | None:
        """Return a container as the lifecycle sees it, or None for one that the definition does not have."""
        return self.spec.container(name) if self.spec.has_container(name) else None

    def is_essential(self, name: str) -> bool | None:
        """Say whether a container is essential; None for one that the definition does not have."""
        found = self.container(name)
        return found.essential if found else None

    def health_check(self, name: str) -> HealthCheck | None:
        """Return a container's health check, as written."""
        found = (item.health_check for item in self.definition.container_definitions if item.name == name)
        return next(found, None)

    @property
    def log_router(self) -> str | None:
        """The container with a firelensConfiguration."""
        router = log_router(self.definition)
        return router.name if router else None

    @property
    def logging_through_router(self) -> tuple[str, ...]:
        """The containers whose log driver is awsfirelens."""
        return tuple(
            item.name or "" for item in self.definition.container_definitions if logs_through_firelens(item)
        )

    def dependency(self, target: str, name: str) -> Dependency | None:
        """Return the edge from `target` to `name`, if there is one."""
        spec = self.container(target)
        return next((edge for edge in spec.depends_on if edge.container == name), None) if spec else None

    def path(self, container: str | None, member: Path, scope: Scope, *, about: str = "") -> Path:
        """Return where to look in the definition.

        Args:
            container: the container, where it is about one.
            member: keys from the container or from the task; empty for neither.
            scope: what `member` belongs to.
            about: a text; the element of a list that is named in it is meant.
        """
        if scope is Scope.TASK or container is None:
            return member if scope is Scope.TASK else ()
        for index, item in enumerate(self.definition.container_definitions):
            if item.name == container:
                inner = self.shape["containerDefinitions"][index]
                base: Path = ("containerDefinitions", index)
                return (*base, *member, *_element(inner, member, about))
        return ()


def definition_facts(definition: TaskDefinition, *, spec: TaskSpec | None = None) -> DefinitionFacts:
    """Return what is to be known of a definition.

    Args:
        definition: with the overrides of the run applied, where they are known.
        spec: what ran, where that is known exactly; else it is made as ECS would.
    """
    made = spec or make_plan(definition, _NOBODY, RunOptions(pull_upfront=False)).spec
    return DefinitionFacts(definition=definition, spec=made, shape=render_task_definition(definition))


def _element(container: Any, member: Path, about: str) -> Path:  # noqa: ANN401 - a JSON value
    """Return the index of the list element that a text is about, or nothing."""
    found = container
    for key in member:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list) or not about:
        return ()
    for index, item in enumerate(found):
        words = item.values() if isinstance(item, dict) else (item,)
        if any(_is_named(str(word), about) for word in words):
            return (index,)
    return ()


_WORD_LENGTH_MIN = 4
"""Shorter values stand in any text by chance."""


def _is_named(word: str, about: str) -> bool:
    if word == about:
        return True
    tail = word.rpartition("secret:")[2].rpartition(":parameter/")[2].split(":")[0]
    return len(tail) >= _WORD_LENGTH_MIN and tail in about


def waits_of(task: TaskEvidence, facts: DefinitionFacts) -> tuple[Waiting, ...]:
    """Return what each container of a task waits for, by what DescribeTasks says of the others.

    ECS says PENDING for everything before RUNNING, so a container for which nothing is in the way is
    being pulled, created or started: that is said of none here.
    """
    if task.is_stopped or task.desired_status == "STOPPED":
        return ()
    known = {item.name: item for item in task.containers}
    if not known or task.last_status == "PROVISIONING":
        return ()
    spec = facts.spec
    state = TaskState(
        spec=spec,
        started=True,
        resources=dict.fromkeys(spec.resources, ResourceStatus.READY),
        containers={
            item.name: _state(item, known.get(item.name))
            if item.kind is ContainerKind.NORMAL
            else ContainerState(known=item.steady)
            for item in spec.containers
        },
    )
    return waiting(state)


def _state(spec: ContainerSpec, found: ContainerEvidence | None) -> ContainerState:
    if found is None:
        return ContainerState(known=ContainerStatus.PULLED)
    status = {"RUNNING": ContainerStatus.RUNNING, "STOPPED": ContainerStatus.STOPPED}.get(
        found.last_status, ContainerStatus.PULLED
    )
    health = found.health_status if found.health_status in HealthStatus.__members__ else "UNKNOWN"
    has_started = status is ContainerStatus.RUNNING or bool(found.has_run)
    return ContainerState(
        known=status,
        desired=spec.steady,
        exit_code=found.exit_code,
        started_at_s=(found.started_at_s or 0.0) if has_started else None,
        health=HealthState(status=HealthStatus(health), failing_streak=found.failing_streak),
    )
