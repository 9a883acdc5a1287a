"""When containers are looked at, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

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
from pillion.runtime.usage import ReadStats, UsageWatch
from pillion.stores.memory import MemoryJournal

MIB = 1024 * 1024


def watched(read: ReadStats, *, app_runs_s: float) -> Mapping[str, Observed]:
    """Run a task of `app` and `init`, which ends after a second, and return what was seen."""
    containers = [
        {"name": "app", "image": "a:1", "memory": 64},
        {"name": "init", "image": "i:1", "memory": 64, "essential": False},
    ]
    definition = parse_task_definition({"family": "shop", "containerDefinitions": containers}).definition
    assert definition is not None
    plan = prepare_task(definition, None, RunOptions(), cluster="default").plan
    lives = {
        name: Behaviour(lives=(Life(exits_after_s=after_s, exit_code=0),))
        for name, after_s in (("app", app_runs_s), ("init", 1.0))
    }

    async def live() -> Mapping[str, Observed]:
        clock = VirtualClock()
        watch = UsageWatch(read)
        task = SimulatedEngine(lives, clock=clock).open(plan)
        await TaskRunner(
            task, clock=clock, journal=MemoryJournal(), observer=SilentObserver(), usage=watch
        ).run()
        return watch.seen

    return run_in_virtual_time(live())


class Statistics:
    """Memory that grows and shrinks from look to look; half a CPU of `app`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def read(self, container: str) -> Mapping[str, Any] | None:
        number = self.asked.count(container)
        self.asked.append(container)
        second = number * 5
        return {
            "id": container,
            "read": f"2026-01-01T00:00:{second:02}Z",
            "cpu_stats": {"cpu_usage": {"total_usage": second * 500_000_000}},
            "memory_stats": {"usage": (10, 30, 20)[number % 3] * MIB},
        }


def test_a_container_is_looked_at_when_it_runs_and_then_every_five_seconds() -> None:
    statistics = Statistics()
    seen = watched(statistics.read, app_runs_s=12.0)
    assert sorted(statistics.asked) == ["app", "app", "app", "init"]
    assert seen == {"app": Observed(memory_mib=30, cpu_units=512), "init": Observed(memory_mib=10)}


def test_an_engine_without_statistics_is_asked_once_a_container() -> None:
    asked: list[str] = []

    async def read(container: str) -> None:
        asked.append(container)

    assert watched(read, app_runs_s=60.0) == {}
    assert sorted(asked) == ["app", "init"]


def test_an_engine_that_fails_costs_the_numbers_and_not_the_run() -> None:
    async def read(container: str) -> None:
        raise EngineError("CannotInspectContainerError", container)

    assert watched(read, app_runs_s=60.0) == {}


def test_a_look_that_hangs_does_not_hold_up_the_end_of_the_task() -> None:
    async def read(container: str) -> None:
        del container
        await asyncio.Event().wait()

    assert watched(read, app_runs_s=3.0) == {}
