"""What a simulated world is made of: the task's containers with their scripts, limits and probes.

A scene can be made from a plan, which says everything, or from a bare `TaskSpec`, where health checks get
Docker's default timing and memory has no limit.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.states import Condition, ContainerKind, PullBehavior
from pillion.core.plan.model import HealthProbe, TaskPlan
from pillion.core.units import BYTES_PER_MIB
from pillion.engines.simulated.behaviour import PAUSE, Behaviour, Life


class Role(Struct, frozen=True, kw_only=True):
    """One container of the scene. `memory_limit_mib` is its hard limit; None: no limit of its own."""

    name: str
    image: str
    behaviour: Behaviour
    probe: HealthProbe | None = None
    memory_limit_mib: float | None = None
    local_image: bool = False


class Scene(Struct, frozen=True, kw_only=True):
    """All containers of one task and what they share. Ids of containers are derived from `identity`.

    `resource_errors` holds the text for each resource of the task that cannot be prepared.
    `memory_limit_mib` is the task's own; the biggest process is killed where all together need more.
    """

    roles: tuple[Role, ...]
    identity: str = ""
    pull_behavior: PullBehavior = PullBehavior.DEFAULT
    memory_limit_mib: float | None = None
    resource_errors: Mapping[str, str] = field(default_factory=dict)


LIKELY_TASK_S = 3.0
"""How long a container works that others wait for to end, where nobody says how long."""


def likely_behaviours(spec: TaskSpec) -> dict[str, Behaviour]:
    """Return how containers most likely behave, as far as the definition shows it.

    Whoever is waited for with COMPLETE or SUCCESS does its work and ends with 0: an init container. All
    others are services, which is what a container without a behaviour is.
    """
    awaited = {
        edge.container
        for item in spec.containers
        for edge in item.depends_on
        if edge.condition in (Condition.COMPLETE, Condition.SUCCESS)
    }
    work = Behaviour(lives=(Life(exits_after_s=LIKELY_TASK_S),))
    return {item.name: work for item in spec.containers if item.name in awaited}


def scene_of_plan(
    plan: TaskPlan,
    behaviours: Mapping[str, Behaviour],
    *,
    resource_errors: Mapping[str, str] | None = None,
) -> Scene:
    """Return the scene of a plan. A container without a behaviour is a plain healthy service."""
    roles = tuple(
        Role(
            name=item.name,
            image=item.image.used,
            behaviour=behaviours.get(item.name, _usual(item.kind)),
            probe=item.health,
            memory_limit_mib=_mib(item.limits.memory_bytes),
            local_image=item.image.local,
        )
        for item in plan.containers
    )
    return Scene(
        roles=roles,
        identity=plan.identity.task_id,
        pull_behavior=plan.pull_behavior,
        memory_limit_mib=_mib(plan.limits.memory_bytes) if plan.limits else None,
        resource_errors=resource_errors or {},
    )


def scene_of_spec(
    spec: TaskSpec,
    behaviours: Mapping[str, Behaviour],
    *,
    probes: Mapping[str, HealthProbe] | None = None,
    resource_errors: Mapping[str, str] | None = None,
) -> Scene:
    """Return the scene of a bare specification; `probes` replaces the default timing of health checks."""
    roles = tuple(
        Role(
            name=item.name,
            image=item.image or item.name,
            behaviour=behaviours.get(item.name, _usual(item.kind)),
            probe=_probe(item.health_retries, (probes or {}).get(item.name))
            if item.has_health_check
            else None,
            local_image=item.kind is not ContainerKind.NORMAL,
        )
        for item in spec.containers
    )
    return Scene(
        roles=roles,
        identity=spec.task_arn,
        pull_behavior=spec.pull_behavior,
        resource_errors=resource_errors or {},
    )


def _usual(kind: ContainerKind) -> Behaviour:
    return Behaviour() if kind is ContainerKind.NORMAL else PAUSE


def _probe(retries: int, given: HealthProbe | None) -> HealthProbe:
    return given or HealthProbe(command=("CMD-SHELL", "true"), retries=retries)


def _mib(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else size_bytes / BYTES_PER_MIB
