"""Random tasks from a seed: a legal definition, how its containers behave, what is asked and what goes wrong.

One integer is a whole story: the same seed gives the same task, scripts, faults and asks, on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pillion.core.lifecycle.events import KillRequested, StopRequested
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, ResourceNeed, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import Condition, ContainerKind, ContainerStatus, PullBehavior
from pillion.core.plan.model import HealthProbe
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.drive import Ask, Run, drive
from pillion.engines.simulated.faults import NO_FAULTS, Faults, draw_faults
from pillion.engines.simulated.scene import Scene, scene_of_spec

_NAMES = ("app", "envoy", "router", "loader", "agent", "cache", "proxy")


@dataclass(frozen=True, kw_only=True)
class Story:
    """Everything that a seed stands for."""

    seed: int
    spec: TaskSpec
    scene: Scene
    asks: tuple[Ask, ...]
    faults: Faults

    def run(self) -> Run:
        return drive(
            self.spec, self.scene, asks=self.asks, faults=self.faults, horizon_s=2 * 3600.0, drain=True
        )


def story(seed: int, *, with_faults: bool = True) -> Story:
    random = Random(seed)
    spec = _spec(random)
    names = [item.name for item in spec.containers]
    behaviours = {
        item.name: _behaviour(random) for item in spec.containers if item.kind is ContainerKind.NORMAL
    }
    probes = {item.name: _probe(random, item) for item in spec.containers if item.has_health_check}
    broken = {name: "no space left on device" for name in spec.resources if random.random() < 0.05}
    scene = scene_of_spec(spec, behaviours, probes=probes, resource_errors=broken)
    asks = _asks(random)
    faults = draw_faults(seed, names, until_s=120.0) if with_faults else NO_FAULTS
    return Story(seed=seed, spec=spec, scene=scene, asks=asks, faults=faults)


def _spec(random: Random) -> TaskSpec:
    names = random.sample(_NAMES, random.randint(1, len(_NAMES)))
    essential = {name: random.random() < 0.5 for name in names}
    essential[random.choice(names)] = True
    checked = {name: random.random() < 0.5 for name in names}
    resources = tuple(name for name in ("network", "volume data") if random.random() < 0.4)
    containers = [
        _container(random, name, names[:place], essential, checked, resources)
        for place, name in enumerate(names)
    ]
    random.shuffle(containers)
    pauses = [
        ContainerSpec(name=f"~{kind.value}", kind=kind, stop_timeout_s=5.0)
        for kind in (ContainerKind.CNI_PAUSE, ContainerKind.NAMESPACE_PAUSE)
        if random.random() < 0.4
    ]
    return TaskSpec(
        task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/0",
        containers=(*pauses, *containers),
        resources=resources,
        pull_behavior=random.choice(tuple(PullBehavior)),
        pull_upfront=random.random() < 0.7,
    )


def _container(
    random: Random,
    name: str,
    earlier: Sequence[str],
    essential: Mapping[str, bool],
    checked: Mapping[str, bool],
    resources: Sequence[str],
) -> ContainerSpec:
    """Return a container that depends on some earlier ones, which keeps the graph without cycles."""
    edges = tuple(
        Dependency(container=other, condition=random.choice(_conditions(essential[other], checked[other])))
        for other in earlier
        if random.random() < 0.4
    )
    policy = RestartPolicy(
        ignored_exit_codes=frozenset(random.sample((0, 1, 3, 143), random.randint(0, 2))),
        attempt_period_s=random.choice((60.0, 300.0)),
    )
    return ContainerSpec(
        name=name,
        essential=essential[name],
        depends_on=edges,
        has_health_check=checked[name],
        start_timeout_s=random.choice((None, 2.0, 20.0, 120.0)),
        stop_timeout_s=random.choice((2.0, 30.0, 120.0)),
        restart=policy if random.random() < 0.3 else None,
        needs=tuple(
            ResourceNeed(
                resource=item, before=random.choice((ContainerStatus.PULLED, ContainerStatus.CREATED))
            )
            for item in resources
            if random.random() < 0.5
        ),
    )


def _conditions(essential: bool, checked: bool) -> list[Condition]:
    """Return the conditions that ECS allows on a container: COMPLETE and SUCCESS on no essential one."""
    allowed = [Condition.START, Condition.CREATE]
    allowed += [] if essential else [Condition.COMPLETE, Condition.SUCCESS]
    return [*allowed, *([Condition.HEALTHY] * 2 if checked else [])]


def _behaviour(random: Random) -> Behaviour:
    def now_and_then(text: str, chance: float = 0.04) -> str | None:
        return text if random.random() < chance else None

    return Behaviour(
        image_present=random.random() < 0.4,
        manifest_error=now_and_then("registry did not answer"),
        pull_s=random.choice((0.0, 2.0, 90.0)),
        pull_error=now_and_then("not found"),
        create_s=random.choice((0.0, 0.01, 3.0)),
        create_error=now_and_then("no space left on device"),
        start_s=random.choice((0.0, 0.1, 5.0)),
        start_error=now_and_then("exec: no such file or directory"),
        lives=tuple(_life(random) for _ in range(random.randint(1, 3))),
    )


def _life(random: Random) -> Life:
    healthy_after_s = random.choice((0.0, 0.0, 15.0, 200.0, None))
    return Life(
        exits_after_s=random.choice((None, 0.0, 0.2, 5.0, 61.0, 400.0)),
        exit_code=random.choice((0, 0, 1, 3, 139)),
        healthy_after_s=healthy_after_s,
        unhealthy_after_s=random.choice((None, 30.0, 250.0)),
        probe_s=random.choice((0.05, 1.0, 10.0)),
        stops_after_s=random.choice((0.0, 0.1, 10.0, 60.0, None)),
        stop_exit_code=random.choice((0, 143)),
    )


def _probe(random: Random, item: ContainerSpec) -> HealthProbe:
    return HealthProbe(
        command=("CMD-SHELL", "true"),
        interval_s=random.choice((5.0, 30.0)),
        timeout_s=random.choice((2.0, 5.0)),
        retries=item.health_retries,
        start_period_s=random.choice((0.0, 10.0, 60.0)),
    )


def _asks(random: Random) -> tuple[Ask, ...]:
    asks = [Ask(at_s=random.choice((0.0, 0.01, 1.0, 20.0, 100.0, 600.0)), event=StopRequested())]
    if random.random() < 0.3:
        asks.append(Ask(at_s=random.uniform(0.0, 200.0), event=KillRequested()))
    return tuple(asks) if random.random() < 0.8 else ()
