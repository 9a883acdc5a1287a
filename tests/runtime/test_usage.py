"""When containers are looked at, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pillion.core.monitoring.sample import Sample
from pillion.core.monitoring.spread import Spread
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.usage import Observed
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.ports.engine import EngineError
from pillion.preparing import prepare_task
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.runtime.usage import ReadSamples, UsageWatch
from pillion.stores.memory import MemoryJournal


def watched(read: ReadSamples | None = None, *, app_runs_s: float) -> Mapping[str, Observed]:
    """Run a task of `app` and `init`, which ends after a second, and return what was seen.

    Args:
        read: takes the samples; None: the engine does.
        app_runs_s: how long `app` runs, with half a CPU and, from its seventh second on, 30 MiB.
    """
    containers = [
        {"name": "app", "image": "a:1", "memory": 64},
        {"name": "init", "image": "i:1", "memory": 64, "essential": False},
    ]
    definition = parse_task_definition({"family": "shop", "containerDefinitions": containers}).definition
    assert definition is not None
    plan = prepare_task(definition, None, RunOptions(), cluster="default").plan
    app = Life(exits_after_s=app_runs_s, exit_code=0, memory_mib=30, memory_after_s=7.0, cpu_units=512)
    behaviours = {
        "app": Behaviour(lives=(app,)),
        "init": Behaviour(lives=(Life(exits_after_s=1.0, exit_code=0),)),
    }

    async def live() -> Mapping[str, Observed]:
        clock = VirtualClock()
        engine = SimulatedEngine(behaviours, clock=clock)
        watch = UsageWatch(read or engine.sample)
        await TaskRunner(
            engine.open(plan), clock=clock, journal=MemoryJournal(), observer=SilentObserver(), usage=watch
        ).run()
        return watch.seen

    return run_in_virtual_time(live())


def test_a_container_is_looked_at_when_it_runs_and_then_every_five_seconds() -> None:
    seen = watched(app_runs_s=12.0)
    app = seen["app"]
    assert (app.memory_mib, app.cpu_units) == (30, 512)
    assert (app.memory.size, app.cpu.size) == (3, 2)
    assert app.cpu.percentile(50) == 540  # where the bucket of 512 ends
    assert seen["init"] == Observed(memory_mib=0, memory=Spread(counts={0: 1}))


def test_an_engine_without_samples_is_asked_once_a_container() -> None:
    asked: list[str] = []

    async def read(runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        asked.extend(runtime_ids)
        return {}

    assert watched(read, app_runs_s=60.0) == {}
    assert len(asked) == len(set(asked)) == 2


def test_an_engine_that_fails_costs_the_numbers_and_not_the_run() -> None:
    async def read(runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        raise EngineError("CannotInspectContainerError", str(runtime_ids))

    assert watched(read, app_runs_s=60.0) == {}


def test_a_look_that_hangs_does_not_hold_up_the_end_of_the_task() -> None:
    async def read(runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        del runtime_ids
        await asyncio.Event().wait()
        return {}

    assert watched(read, app_runs_s=3.0) == {}
