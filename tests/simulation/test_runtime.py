"""The same random tasks through the real runtime in virtual time: event loop, performer, queues, looks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pillion.core.lifecycle.events import StopRequested
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.model import (
    ContainerPlan,
    ImagePlan,
    LimitsPlan,
    NetworkMode,
    TaskIdentity,
    TaskPlan,
)
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.memory import MemoryJournal
from pillion.testing.checkers import check_run, replay
from simulation.fleet import Story, story

PATIENCE_S = 1200.0
"""When a task is asked to stop for good: later than anything that a story asks for."""


def plan_of(tale: Story) -> TaskPlan:
    """Return a plan with the same containers as a story's specification."""
    arn = tale.spec.task_arn
    identity = TaskIdentity(
        task_id=f"{tale.seed:032x}",
        task_arn=arn,
        cluster="default",
        cluster_arn="arn:aws:ecs:us-east-1:123456789012:cluster/default",
        family="story",
        revision=1,
        definition_arn="arn:aws:ecs:us-east-1:123456789012:task-definition/story:1",
        region="us-east-1",
        account="123456789012",
    )
    kinds = {item.name: item.kind for item in tale.spec.containers}
    containers = tuple(
        ContainerPlan(
            name=role.name,
            engine_name=f"ecs-{role.name}",
            arn=f"{arn}/{role.name}",
            kind=kinds[role.name],
            image=ImagePlan(reference=role.image, local=role.local_image),
            health=role.probe,
            limits=LimitsPlan(),
        )
        for role in tale.scene.roles
    )
    return TaskPlan(
        identity=identity,
        network_mode=NetworkMode.AWSVPC,
        containers=containers,
        pull_behavior=tale.spec.pull_behavior,
        spec=tale.spec,
    )


async def _live(tale: Story) -> list[str]:
    """Run a story as the product would; return what is wrong with it."""
    clock, journal = VirtualClock(), MemoryJournal()
    behaviours = {role.name: role.behaviour for role in tale.scene.roles}
    engine = SimulatedEngine(
        behaviours, clock=clock, faults=tale.faults, resource_errors=tale.scene.resource_errors
    )
    task = engine.open(plan_of(tale))
    runner = TaskRunner(task, clock=clock, journal=journal, observer=SilentObserver())
    loop = asyncio.get_running_loop()
    timers = [loop.call_later(ask.at_s, runner.submit, ask.event) for ask in tale.asks]
    timers.append(loop.call_later(PATIENCE_S, runner.submit, StopRequested(reason="the story is over")))
    state = await runner.run()
    for timer in timers:
        timer.cancel()
    await task.clean_up(keep=False)
    found = [str(violation) for violation in check_run(tale.spec, replay(tale.spec, journal.read()))]
    if state.known is not TaskStatus.STOPPED:
        found.append(f"the task ended as {state.known.value}")
    if task.containers_left():
        found.append(f"left behind: {task.containers_left()}")
    return [f"seed {tale.seed}: {text}" for text in found]


async def _live_together(tales: Sequence[Story]) -> list[str]:
    found = await asyncio.gather(*(_live(tale) for tale in tales))
    return [problem for problems in found for problem in problems]


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_tasks_keep_the_promises_of_ecs_in_the_real_runtime(first: int) -> None:
    tales = [story(seed) for seed in range(first, first + 20)]
    assert run_in_virtual_time(_live_together(tales)) == []
