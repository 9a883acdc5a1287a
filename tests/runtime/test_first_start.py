"""Time that is the task's own begins when its first container runs."""

from __future__ import annotations

from pillion.core.lifecycle.events import StopRequested
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.preparing import prepare_task
from pillion.runtime.first_start import FirstStart
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.memory import MemoryJournal


def containers(*names: str) -> list[dict[str, object]]:
    waits = {"dependsOn": [{"containerName": names[0], "condition": "START"}]}
    return [
        {"name": name, "image": f"{name}:1", "memory": 64, **({} if name == names[0] else waits)}
        for name in names
    ]


def test_it_begins_once_after_all_images_are_here_and_not_with_the_pause_container() -> None:
    document = {
        "family": "shop",
        "networkMode": "awsvpc",
        "containerDefinitions": containers("web", "agent"),
    }
    definition = parse_task_definition(document).definition
    assert definition is not None
    began: list[float] = []

    async def live() -> float:
        clock = VirtualClock()
        pulls_long = Behaviour(pull_s=600.0, lives=(Life(),))
        engine = SimulatedEngine({"web": pulls_long, "agent": pulls_long}, clock=clock)
        task = engine.open(prepare_task(definition, None, RunOptions(), cluster="default").plan)
        begin_s = clock.now_s()

        def begin() -> None:
            began.append(clock.now_s() - begin_s)
            clock.call_later(10.0, lambda: runner.submit(StopRequested()))

        observer = FirstStart(SilentObserver(), begin)
        runner = TaskRunner(task, clock=clock, journal=MemoryJournal(), observer=observer)
        state = await runner.run()
        assert state.known is TaskStatus.STOPPED
        return clock.now_s() - begin_s

    took_s = run_in_virtual_time(live())
    assert len(began) == 1
    assert 600 < began[0] < 602
    assert began[0] + 10 < took_s < began[0] + 12
