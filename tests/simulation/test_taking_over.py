"""A supervisor that dies at any write of the journal, and one that takes the task over in its place.

The first dies right after an event was stored, before anything that follows from it was done, or right before
an event is stored, when everything before it was done. The world goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from pillion.core.lifecycle.events import Event, StopRequested
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.model import TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.faults import NO_FAULTS, Faults
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.preparing import prepare_task
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.memory import MemoryJournal
from pillion.testing.checkers import check_run, replay
from simulation.fleet import Story, story
from simulation.test_runtime import PATIENCE_S, plan_of


class Killed(BaseException):
    """Stands for `kill -9`: nothing of the process goes on."""


class DeadlyJournal:
    """A journal whose process dies at one of its writes."""

    def __init__(self, kept: MemoryJournal, *, dies_at: int, after_the_write: bool) -> None:
        self._kept = kept
        self._left = dies_at
        self._after = after_the_write

    def append(self, event: Event, at_s: float) -> None:
        dies = self._left == 0
        self._left -= 1
        if dies and not self._after:
            raise Killed
        self._kept.append(event, at_s)
        if dies:
            raise Killed

    def read(self) -> Sequence[tuple[float, Event]]:
        return self._kept.read()

    def close(self) -> None:
        self._kept.close()


def state_of(plan: TaskPlan, journal: MemoryJournal) -> TaskState:
    state = initial_state(plan.spec)
    for at_s, event in journal.read():
        state, _ = handle(state, event, at_s)
    return state


@dataclass(frozen=True, kw_only=True)
class World:
    """A task, how its containers behave, what is asked of it and what goes wrong."""

    plan: TaskPlan
    behaviours: Mapping[str, Behaviour]
    asks: tuple[tuple[float, Event], ...] = ()
    faults: Faults = NO_FAULTS
    resource_errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Death:
    """When the first supervisor dies, and how long it takes until another one comes."""

    at_write: int
    after_it: bool = True
    gone_s: float = 0.0


async def live(world: World, death: Death | None = None) -> tuple[TaskState, MemoryJournal]:
    """Live a task to its end; return what it came to, and its journal."""
    clock, journal = VirtualClock(), MemoryJournal()
    engine = SimulatedEngine(
        world.behaviours, clock=clock, faults=world.faults, resource_errors=world.resource_errors
    )
    loop = asyncio.get_running_loop()
    begins_s = loop.time()
    if death is not None:
        deadly = DeadlyJournal(journal, dies_at=death.at_write, after_the_write=death.after_it)
        runner = TaskRunner(engine.open(world.plan), clock=clock, journal=deadly, observer=SilentObserver())
        with suppress(Killed):
            return await _run(world, runner, begins_s), journal
        await asyncio.sleep(death.gone_s)
    task = engine.open(world.plan)
    runner = TaskRunner(
        task,
        clock=clock,
        journal=journal,
        observer=SilentObserver(),
        taken_over=None if death is None else state_of(world.plan, journal),
    )
    state = await _run(world, runner, begins_s)
    await task.clean_up(keep=False)
    assert task.containers_left() == ()
    return state, journal


async def _run(world: World, runner: TaskRunner, begins_s: float) -> TaskState:
    loop = asyncio.get_running_loop()
    asks = [*world.asks, (PATIENCE_S, StopRequested(reason="the story is over"))]
    timers = [loop.call_at(begins_s + at_s, runner.submit, event) for at_s, event in asks]
    try:
        return await runner.run()
    finally:
        for timer in timers:
            timer.cancel()


def of_story(tale: Story) -> World:
    return World(
        plan=plan_of(tale),
        behaviours={role.name: role.behaviour for role in tale.scene.roles},
        asks=tuple((ask.at_s, ask.event) for ask in tale.asks),
        faults=tale.faults,
        resource_errors=tale.scene.resource_errors,
    )


def shape_of(state: TaskState) -> object:
    """Return what a task came to, without its times."""
    return (
        state.known,
        state.stop_code,
        state.stopped_reason,
        state.ended_by,
        {
            name: (item.known, item.exit_code, item.error, item.has_run, item.restart_count)
            for name, item in state.containers.items()
        },
    )


def waits_for(name: str, condition: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": condition}]


def world_of(behaviours: Mapping[str, Behaviour], *containers: Mapping[str, Any], **rest: Any) -> World:
    """Return a world of an awsvpc task with these containers. Everything is essential unless it says."""
    parsed = parse_task_definition(
        {
            "family": "shop",
            "networkMode": "awsvpc",
            "volumes": [{"name": "data"}],
            "containerDefinitions": [
                {"image": f"{item['name']}:1", "memory": 64, **item} for item in containers
            ],
        }
    )
    assert parsed.definition is not None, parsed.problems
    prepared = prepare_task(parsed.definition, None, RunOptions(), cluster="default", task_id="a" * 32)
    return World(plan=prepared.plan, behaviours=behaviours, **rest)


def ends(after_s: float, code: int) -> Behaviour:
    return Behaviour(lives=(Life(exits_after_s=after_s, exit_code=code),))


CHECK = {"command": ["CMD", "true"], "interval": 5, "retries": 2}
LOADER = {"name": "loader", "essential": False}
STOP = StopRequested(reason="enough")

WORLDS = {
    "a loader that succeeds, and an application that fails later": world_of(
        {"loader": ends(3.0, 0), "web": ends(60.0, 3)},
        LOADER,
        {"name": "web", "dependsOn": waits_for("loader", "SUCCESS")},
        {"name": "side", "essential": False},
    ),
    "a loader that fails": world_of(
        {"loader": ends(3.0, 1)}, LOADER, {"name": "web", "dependsOn": waits_for("loader", "SUCCESS")}
    ),
    "a proxy that is healthy late, and a stop in order": world_of(
        {"envoy": Behaviour(lives=(Life(healthy_after_s=12.0, stops_after_s=None),))},
        {"name": "envoy", "healthCheck": CHECK, "stopTimeout": 10},
        {"name": "web", "dependsOn": waits_for("envoy", "HEALTHY")},
        asks=((90.0, STOP),),
    ),
    "a proxy that is never healthy within its startTimeout": world_of(
        {"envoy": Behaviour(lives=(Life(healthy_after_s=None),))},
        {"name": "envoy", "healthCheck": CHECK, "startTimeout": 30, "essential": False},
        {"name": "web", "dependsOn": waits_for("envoy", "HEALTHY")},
    ),
    "a worker that is restarted until it is ignored": world_of(
        {
            "worker": Behaviour(
                lives=(
                    Life(exits_after_s=70.0, exit_code=1),
                    Life(exits_after_s=80.0, exit_code=2),
                    Life(exits_after_s=90.0, exit_code=7),
                )
            ),
            "web": ends(400.0, 0),
        },
        {
            "name": "worker",
            "essential": False,
            "restartPolicy": {"enabled": True, "ignoredExitCodes": [7], "restartAttemptPeriod": 60},
        },
        {"name": "web", "mountPoints": [{"sourceVolume": "data", "containerPath": "/d"}]},
    ),
    "an application that needs more memory than it may have": world_of(
        {"web": Behaviour(lives=(Life(memory_mib=500.0, memory_after_s=20.0),))},
        {"name": "web"},
        {"name": "router", "stopTimeout": 5},
    ),
    "an image that nobody has": world_of(
        {"web": Behaviour(pull_error="manifest unknown")},
        {"name": "web"},
        {"name": "side", "dependsOn": waits_for("web", "START")},
    ),
    "a stop before anything runs": world_of(
        {"web": Behaviour(pull_s=50.0)}, {"name": "web"}, asks=((20.0, STOP),)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("after_it", [True, False], ids=["after a write", "before a write"])
@pytest.mark.parametrize("name", WORLDS)
def test_a_task_comes_to_the_same_end_wherever_its_first_supervisor_dies(name: str, after_it: bool) -> None:
    world = WORLDS[name]
    whole, journal = run_in_virtual_time(live(world))
    ends_as = {
        write: shape_of(run_in_virtual_time(live(world, Death(at_write=write, after_it=after_it)))[0])
        for write in range(len(journal.read()))
    }
    assert ends_as == dict.fromkeys(ends_as, shape_of(whole))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 120, 20))
def test_tasks_keep_the_promises_of_ecs_when_their_supervisor_dies_and_things_go_wrong(first: int) -> None:
    problems: list[str] = []
    for seed in range(first, first + 20):
        tale = story(seed)
        world = of_story(tale)
        writes = len(run_in_virtual_time(live(world))[1].read())
        death = Death(
            at_write=(seed * 7) % max(writes, 1),
            after_it=bool(seed % 2),
            gone_s=(0.0, 0.3, 40.0)[seed % 3],
        )
        state, kept = run_in_virtual_time(live(world, death))
        found = [str(item) for item in check_run(tale.spec, replay(tale.spec, kept.read()))]
        if state.known is not TaskStatus.STOPPED:
            found.append(f"it ended as {state.known.value}")
        problems += [f"seed {seed}, {death}: {text}" for text in found]
    assert problems == []
