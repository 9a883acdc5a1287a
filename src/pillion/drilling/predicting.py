"""What the simulation says to the same fault at the same age of the process. Pure; some milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.plan.model import ContainerPlan, TaskPlan
from pillion.drilling.faults import Case, Fault
from pillion.drilling.recording import Recording
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.drive import drive
from pillion.engines.simulated.scene import scene_of_plan

HORIZON_S = 3600.0
_KILLED = 137
_TOO_MUCH = 2.0
"""How many times its limit a container needs that is to run out of memory."""


class Blow(Struct, frozen=True, kw_only=True):
    """How the fault is made: at which age of the process, for how long, or how late the start is."""

    age_s: float = 0.0
    held_s: float = 0.0
    delay_s: float = 0.0


def predict(plan: TaskPlan, behaviours: Mapping[str, Behaviour], case: Case, blow: Blow) -> Recording:
    """Return the simulated run of a task in which the fault is made; times begin with the task at 0.

    Args:
        plan: the task, as its definition has it.
        behaviours: how its containers behave when all is well.
        case: the fault. A full volume and a cut network change nothing here: how a program takes them, no
            simulation knows, and ECS watches neither.
        blow: how the fault is made.
    """
    struck = dict(behaviours)
    if case.container is not None:
        item = plan.container(case.container)
        struck[case.container] = _struck(struck.get(case.container, Behaviour()), item, case.fault, blow)
    run = drive(plan.spec, scene_of_plan(plan, struck), horizon_s=HORIZON_S)
    history = [(moment.at_s, moment.state) for moment in run.moments]
    started_s = run.state.containers[case.container].started_at_s if case.container else None
    struck_s = (started_s or 0.0) + blow.age_s if case.container else blow.age_s
    if case.fault is Fault.DELAY and started_s is not None:
        struck_s = started_s - blow.delay_s
    held = blow.held_s > 0.0
    return Recording(
        history=tuple(history),
        commands=tuple((moment.at_s, command) for moment in run.moments for command in moment.commands),
        struck_at_s=struck_s,
        lifted_at_s=struck_s + blow.held_s if held else None,
        age_s=blow.age_s,
        ended_at_s=max(run.ended_at_s, struck_s),
    )


def _struck(well: Behaviour, item: ContainerPlan, fault: Fault, blow: Blow) -> Behaviour:
    if fault is Fault.DELAY:
        return replace(well, start_s=well.start_s + blow.delay_s)
    first = _struck_life(well.life(0), item, fault, blow)
    if fault is Fault.NEVER_HEALTHY:  # a restart does not make its check a better one
        return replace(well, lives=(first,))
    return replace(well, lives=(first, *well.lives))


def _struck_life(life: Life, item: ContainerPlan, fault: Fault, blow: Blow) -> Life:
    ends = {Fault.KILL: _KILLED, Fault.EXIT_0: 0, Fault.EXIT_1: 1}
    if fault in ends:
        return replace(life, exits_after_s=blow.age_s, exit_code=ends[fault])
    match fault:
        case Fault.MEMORY:
            limit_bytes = item.limits.memory_bytes or 0
            needed_mib = _TOO_MUCH * limit_bytes / 1024 / 1024
            return replace(life, memory_mib=needed_mib, memory_after_s=blow.age_s)
        case Fault.NEVER_HEALTHY:
            return replace(life, healthy_after_s=None)
        case Fault.UNHEALTHY:
            return _ill(life, blow)
        case Fault.FREEZE:
            later_s = None if life.exits_after_s is None else life.exits_after_s + blow.held_s
            return replace(_ill(life, blow), exits_after_s=later_s)
        case _:
            return life


def _ill(life: Life, blow: Blow) -> Life:
    return replace(life, unhealthy_after_s=blow.age_s, healthy_again_after_s=blow.age_s + blow.held_s)


def last_change_after_s(recording: Recording) -> float:
    """Return how long after the fault something changed for the last time, in seconds."""
    changes = [at_s for at_s, _ in recording.history]
    return max(max(changes, default=0.0) - (recording.struck_at_s or 0.0), 0.0)
