"""Every container with every mishap, one run each: what would become of the task?

A drill takes a task that is well and lets one thing go wrong at a time. It says what follows from ECS's own
rules; whether that is wanted is said by `Trial.danger`: a task should not hang for ever, and a container that
is not essential should not take it down. An init container may: ECS does not let a container be essential
that others wait for with COMPLETE or SUCCESS, and who declares that says that the task is nothing without it.
How the matrix looks is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import Condition, ContainerKind, TaskStatus
from pillion.engines.simulated.behaviour import Life
from pillion.engines.simulated.drive import Ask, Outcome, Run, drive
from pillion.engines.simulated.scene import Role, Scene

CRASH_S = 0.5
"""When a container crashes that crashes at its start."""

LATER_S = 120.0
"""When something happens to a container that was well before."""

STOP_S = 3600.0
"""When a task that runs on is asked to stop, to see how long that takes."""

_CRASH_EXIT_CODE = 1
_LITTLE_MIB = 4.0


class Mishap(Enum):
    """What goes wrong with one container."""

    FAILS_TO_PULL = "fails to pull"
    CRASHES_AT_START = "crashes at start"
    CRASHES_LATER = "crashes later"
    EXITS_WITH_0 = "exits with 0"
    NEVER_ENDS = "never ends"
    NEVER_HEALTHY = "never gets healthy"
    TURNS_UNHEALTHY = "turns unhealthy"
    OUT_OF_MEMORY = "runs out of memory"
    HANGS_ON_STOP = "ignores the stop signal"


class Effect(Enum):
    """What becomes of the task."""

    RUNS_ON = "the task runs on"
    STOPS = "the task stops"
    NEVER_RUNS = "the task stops before it ever ran"
    HANGS = "the task waits in PENDING for ever"


class Trial(Struct, frozen=True, kw_only=True):
    """One mishap of one container. Times are seconds from the start of the task.

    Attributes:
        container: who had the mishap.
        mishap: what went wrong.
        effect: what became of the task, before anybody asked it to stop.
        stopping_at_s: when the task began to stop, by itself or because it was asked to; None: never.
        stopped_at_s: when it was STOPPED; None: never.
        until_stopped_s: how long that took from the mishap, or from the stop where it had no effect before.
        lost_logs: containers that ran for a while without the router that delivers their output.
        danger: why this is nothing that a team should live with; None where it is.
        run: all that happened.
    """

    container: str
    mishap: Mishap
    effect: Effect
    stopping_at_s: float | None
    stopped_at_s: float | None
    until_stopped_s: float | None
    lost_logs: tuple[str, ...]
    danger: str | None
    run: Run


def drill(spec: TaskSpec, scene: Scene, *, log_routes: Mapping[str, str] | None = None) -> tuple[Trial, ...]:
    """Try every container of the definition with every mishap that can happen to it.

    Args:
        spec: the task as the lifecycle sees it.
        scene: how its containers behave when all is well.
        log_routes: for each container whose output goes through a log router, the router's name.
    """
    return tuple(
        try_mishap(spec, scene, item.name, mishap, log_routes=log_routes)
        for item in spec.containers
        if item.kind is ContainerKind.NORMAL
        for mishap in mishaps_of(item, _role(scene, item.name))
    )


def mishaps_of(item: ContainerSpec, role: Role) -> Iterator[Mishap]:
    """Yield what can happen to a container: no health without a check, no exit of what ends anyway.

    Only what ends when all is well can fail to end.
    """
    ends_anyway = role.behaviour.life(0).exits_after_s is not None
    for mishap in Mishap:
        about_health = mishap in (Mishap.NEVER_HEALTHY, Mishap.TURNS_UNHEALTHY)
        about_later = mishap in (Mishap.EXITS_WITH_0, Mishap.HANGS_ON_STOP)
        cannot = (
            (about_health and not item.has_health_check)
            or (about_later and ends_anyway)
            or (mishap is Mishap.NEVER_ENDS and not ends_anyway)
        )
        if not cannot:
            yield mishap


def try_mishap(
    spec: TaskSpec,
    scene: Scene,
    container: str,
    mishap: Mishap,
    *,
    log_routes: Mapping[str, str] | None = None,
) -> Trial:
    """Let one thing go wrong with one container and say what follows."""
    troubled = replace(
        scene,
        roles=tuple(_troubled(role, mishap) if role.name == container else role for role in scene.roles),
    )
    by_itself = drive(spec, troubled, horizon_s=STOP_S)
    effect = _effect(by_itself)
    run = by_itself
    if effect is not Effect.STOPS and effect is not Effect.NEVER_RUNS:
        run = drive(spec, troubled, asks=(Ask(at_s=STOP_S, event=ev.StopRequested()),), horizon_s=2 * STOP_S)
    return Trial(
        container=container,
        mishap=mishap,
        effect=effect,
        stopping_at_s=run.state.stopping_at_s,
        stopped_at_s=run.state.stopped_at_s,
        until_stopped_s=_until_stopped_s(run, container, effect),
        lost_logs=lost_logs(run.state, log_routes or {}, until_s=run.ended_at_s),
        danger=danger_of(spec, spec.container(container), effect),
        run=run,
    )


def lost_logs(state: TaskState, log_routes: Mapping[str, str], *, until_s: float) -> tuple[str, ...]:
    """Return the containers that ran at a time when the router that delivers their output did not."""
    return tuple(
        name
        for name, router in log_routes.items()
        if _ran_without(_span(state, name, until_s), _span(state, router, until_s))
    )


def _span(state: TaskState, name: str, until_s: float) -> tuple[float, float] | None:
    container = state.containers[name]
    if container.started_at_s is None:
        return None
    ended_s = container.finished_at_s
    return container.started_at_s, until_s if ended_s is None else ended_s


def _ran_without(mine: tuple[float, float] | None, routers: tuple[float, float] | None) -> bool:
    if mine is None:
        return False
    return routers is None or mine[0] < routers[0] or mine[1] > routers[1]


def _effect(run: Run) -> Effect:
    ran = run.state.started_at_s is not None
    if run.outcome is Outcome.STOPPED:
        return Effect.STOPS if ran else Effect.NEVER_RUNS
    if run.outcome is Outcome.STUCK or run.state.known is not TaskStatus.RUNNING:
        return Effect.HANGS
    return Effect.RUNS_ON


def _until_stopped_s(run: Run, container: str, effect: Effect) -> float | None:
    stopped_s, stopping_s = run.state.stopped_at_s, run.state.stopping_at_s
    if stopped_s is None or stopping_s is None:
        return None
    if effect in (Effect.RUNS_ON, Effect.HANGS):
        return stopped_s - stopping_s
    failed = (ev.Exited, ev.PullFailed, ev.ManifestFailed)
    struck = (
        moment.at_s
        for moment in run.moments
        if isinstance(moment.event, failed) and moment.event.container == container
    )
    struck_s = next(struck, None)
    if struck_s is None or struck_s > stopping_s:  # its end came after the mishap: it was never healthy
        struck_s = run.state.containers[container].started_at_s
    return stopped_s - (stopping_s if struck_s is None else struck_s)


def danger_of(spec: TaskSpec, item: ContainerSpec, effect: Effect) -> str | None:
    """Say why the effect of a mishap of this container is nothing to live with; None where it is."""
    if effect is Effect.HANGS:
        return "the task waits for ever, and nobody is told"
    if effect is not Effect.RUNS_ON and not item.essential and not _is_awaited_to_end(spec, item.name):
        return f"{item.name} is not essential and takes the task down all the same"
    return None


def _is_awaited_to_end(spec: TaskSpec, name: str) -> bool:
    return any(
        edge.container == name and edge.condition in (Condition.COMPLETE, Condition.SUCCESS)
        for other in spec.containers
        for edge in other.depends_on
    )


def _role(scene: Scene, name: str) -> Role:
    return next(role for role in scene.roles if role.name == name)


_ONCE = frozenset({Mishap.CRASHES_LATER, Mishap.EXITS_WITH_0})
"""What happens to the first process only: a restart finds the container well again."""


def _troubled(role: Role, mishap: Mishap) -> Role:
    well = role.behaviour
    if mishap is Mishap.FAILS_TO_PULL:
        error = "pull access denied, repository does not exist"
        missing = f"{role.image} of {role.name}"  # not one that another container has pulled
        return replace(role, image=missing, behaviour=replace(well, image_present=False, pull_error=error))
    troubled = tuple(_troubled_life(life, mishap) for life in well.lives)
    lives = (troubled[0], *well.lives) if mishap in _ONCE else troubled
    limit_mib = _LITTLE_MIB if mishap is Mishap.OUT_OF_MEMORY else role.memory_limit_mib
    return replace(role, behaviour=replace(well, lives=lives), memory_limit_mib=limit_mib)


def _troubled_life(life: Life, mishap: Mishap) -> Life:
    match mishap:
        case Mishap.CRASHES_AT_START:
            return replace(life, exits_after_s=CRASH_S, exit_code=_CRASH_EXIT_CODE)
        case Mishap.CRASHES_LATER:
            when_s = LATER_S if life.exits_after_s is None else life.exits_after_s
            return replace(life, exits_after_s=when_s, exit_code=_CRASH_EXIT_CODE)
        case Mishap.EXITS_WITH_0:
            return replace(life, exits_after_s=LATER_S, exit_code=0)
        case Mishap.NEVER_ENDS:
            return replace(life, exits_after_s=None)
        case Mishap.NEVER_HEALTHY:
            return replace(life, healthy_after_s=None)
        case Mishap.TURNS_UNHEALTHY:
            return replace(life, unhealthy_after_s=LATER_S)
        case Mishap.OUT_OF_MEMORY:
            return replace(life, memory_mib=2 * _LITTLE_MIB, memory_after_s=CRASH_S)
        case Mishap.HANGS_ON_STOP:
            return replace(life, stops_after_s=None)
        case _:
            return life
