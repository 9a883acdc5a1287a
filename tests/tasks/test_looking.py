"""Live figures of tasks, out of their journals and an engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.figures import ContainerFigures
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.options import RunOptions
from pillion.core.record import Standing, encode_record
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.engine import SimulatedEngine, SimulatedTask
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.preparing import PreparedTask, prepare_task
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.sqlite import SqliteStore
from pillion.tasks.journals import HistoryError
from pillion.tasks.looking import TaskLooker

MIB = 1024 * 1024
BUSY = Behaviour(lives=(Life(memory_mib=30, memory_after_s=1.0, cpu_units=256),))


def prepared(family: str) -> PreparedTask:
    parsed = parse_task_definition(
        {
            "family": family,
            "networkMode": "host",
            "containerDefinitions": [{"name": "app", "image": "a:1", "memory": 64}],
        }
    )
    assert parsed.definition is not None
    return prepare_task(parsed.definition, None, RunOptions(), cluster="default")


def runner_of(
    engine: SimulatedEngine, store: SqliteStore, clock: VirtualClock, task: PreparedTask
) -> TaskRunner:
    """Return the runner of a task whose journal is on disk, as another process would write it."""
    about = encode_record(
        Standing(plan=task.plan, ids=EndpointIds(containers={})),
        task.definition,
        running=task.running,
        overrides={},
        source=None,
        process_id=1,
    )
    journal = store.begin(task.plan.identity.task_id, about, clock.now_s())
    opened = engine.open(task.plan)
    assert isinstance(opened, SimulatedTask)
    return TaskRunner(opened, clock=clock, journal=journal, observer=SilentObserver())


def app(found: tuple[ContainerFigures, ...]) -> ContainerFigures:
    (only,) = found
    return only


def test_tasks_of_another_process_are_looked_at_through_their_journals(tmp_path: Path) -> None:
    async def live() -> None:
        clock = VirtualClock()
        engine = SimulatedEngine({"app": BUSY}, clock=clock)
        store = SqliteStore(tmp_path)
        runners = [runner_of(engine, store, clock, prepared(family)) for family in ("shop", "crm")]
        jobs = [asyncio.create_task(item.run()) for item in runners]
        with TaskLooker(tmp_path, engine, now_s=clock.now_s) as looker:
            await asyncio.sleep(10)
            first = await looker.look()
            assert [task.watched.identity.family for task in first] == ["crm", "shop"]
            assert app(first[0].containers).rates is None
            await asyncio.sleep(10)
            (shop,) = await looker.look(["shop"])
            container = app(shop.containers)
            assert container.sample is not None
            assert (container.sample.memory_bytes, container.memory_limit_bytes) == (30 * MIB, 64 * MIB)
            assert container.cpu_percent == pytest.approx(25.0)
            assert container.written is not None
            for item in runners:
                item.submit(ev.StopRequested())
            await asyncio.gather(*jobs)
            assert await looker.look() == ()
            with pytest.raises(HistoryError, match="knows no task nothing"):
                await looker.look(["nothing"])
        store.close()

    run_in_virtual_time(live())
