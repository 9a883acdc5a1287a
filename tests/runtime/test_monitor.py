"""Tasks that are watched while they run: when they are looked at, what is noticed, noted and written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.alarms import Alarm, AlarmState
from pillion.core.monitoring.metrics import Machine
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.monitoring.sample import Sample
from pillion.core.monitoring.settings import MonitorSettings, read_monitor_settings
from pillion.core.monitoring.spread import Spread
from pillion.core.monitoring.watched import watch_task
from pillion.core.plan.model import Notice
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.usage import Observed
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.ports.aws import AwsCallError
from pillion.ports.engine import EngineUnreachableError
from pillion.ports.metrics import MetricSink, Minute
from pillion.preparing import prepare_task
from pillion.runtime.monitor import Monitor
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.runtime.task_watch import TaskWatch, WatchPlan
from pillion.stores.memory import MemoryJournal

MACHINE = Machine(cpu_units=2048, memory_mib=4096)
ROUTED = {"logDriver": "awsfirelens", "options": {"Name": "null"}}
CONTAINERS: list[dict[str, Any]] = [
    {"name": "app", "image": "a:1", "memory": 64, "logConfiguration": ROUTED},
    {"name": "init", "image": "i:1", "memory": 64, "essential": False},
    {
        "name": "router",
        "image": "fluent-bit:1",
        "memory": 64,
        "essential": False,
        "firelensConfiguration": {"type": "fluentbit"},
    },
]


class Ears(SilentObserver):
    """Hears the notices."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str | None]] = []
        self.troubles: list[str] = []

    def notice(self, notice: Notice) -> None:
        self.heard.append((notice.code, notice.container))

    def trouble(self, text: str) -> None:
        self.troubles.append(text)


class Watched(SimulatedEngine):
    """A simulated engine that notes what it is asked, and whose containers may answer over HTTP."""

    answers: Mapping[int, str] = {}
    is_away = False

    def __init__(self, behaviours: Mapping[str, Behaviour], clock: VirtualClock) -> None:
        super().__init__(behaviours, clock=clock)
        self.looks: list[int] = []

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        if self.is_away:
            raise EngineUnreachableError("gone")
        self.looks.append(len(runtime_ids))
        return await super().sample(runtime_ids)

    async def fetch(self, runtime_id: str, port: int, path: str) -> str | None:
        return self.answers.get(port)


class Books(MetricSink):
    """Keeps what is written."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.minutes: list[Minute] = []
        self.alarms: list[tuple[str, Mapping[str, str]]] = []
        self.states: list[tuple[str, AlarmState]] = []
        self.is_closed = is_closed

    async def write(self, minute: Minute) -> None:
        if self.is_closed:
            raise AwsCallError("PutMetricData", "AccessDenied", "no")
        self.minutes.append(minute)

    async def put_alarms(self, alarms: Sequence[Alarm], dimensions: Sequence[Mapping[str, str]]) -> None:
        self.alarms += [
            (alarm.definition.name, found) for alarm, found in zip(alarms, dimensions, strict=True)
        ]

    async def tell_states(self, alarms: Sequence[Alarm]) -> None:
        self.states += [(alarm.definition.metric.name, alarm.state) for alarm in alarms]


class Stage:
    """One task that runs while a monitor watches it."""

    def __init__(
        self,
        *,
        settings: MonitorSettings | None = None,
        sink: MetricSink | None = None,
        **lives: Life,
    ) -> None:
        parsed = parse_task_definition(
            {"family": "shop", "networkMode": "host", "containerDefinitions": CONTAINERS}
        )
        assert parsed.definition is not None
        plan = prepare_task(parsed.definition, None, RunOptions(), cluster="prod").plan
        usual = {
            "app": Life(memory_mib=30, memory_after_s=7.0, cpu_units=512),
            "init": Life(exits_after_s=1.0, exit_code=0),
        }
        self.clock = VirtualClock()
        behaviours = {
            name: Behaviour(image_present=True, create_s=0.0, start_s=0.0, lives=(life,))
            for name, life in {**usual, **lives}.items()
        }
        self.engine = Watched(behaviours, self.clock)
        self.ears = Ears()
        self.notes: list[WatchNotes] = []
        self.monitor = Monitor(now_s=self.clock.now_s)
        watched = WatchPlan(
            task=watch_task(plan.identity, parsed.definition),
            settings=settings or MonitorSettings(),
            machine=MACHINE,
        )
        self.watch: TaskWatch = self.monitor.watch(
            self.ears, watched, engine=self.engine, sink=sink, keep=self.notes.append
        )
        self._runner = TaskRunner(
            self.engine.open(plan), clock=self.clock, journal=MemoryJournal(), observer=self.watch
        )
        self._job = asyncio.create_task(self._runner.run())

    async def end(self) -> None:
        self._runner.submit(ev.StopRequested())
        await self._job
        await self.monitor.forget(self.watch)


def on_stage(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    run_in_virtual_time(run())


def test_containers_are_looked_at_when_they_begin_and_then_at_every_interval() -> None:
    async def work() -> None:
        stage = Stage()
        await asyncio.sleep(25)
        assert max(stage.engine.looks) == 3
        assert len(stage.engine.looks) == 5
        usage = stage.watch.usage
        assert (usage["app"].memory_mib, usage["app"].cpu_units) == (30, 512)
        assert usage["init"].memory == Spread(counts={0: 1})
        await stage.end()
        assert stage.notes[-1].usage == stage.watch.usage

    on_stage(work)


def test_tasks_of_one_engine_are_looked_at_together() -> None:
    async def work() -> None:
        stage = Stage()
        parsed = parse_task_definition({"family": "crm", "containerDefinitions": CONTAINERS})
        assert parsed.definition is not None
        plan = prepare_task(parsed.definition, None, RunOptions(), cluster="prod").plan
        other = stage.monitor.watch(
            Ears(),
            WatchPlan(
                task=watch_task(plan.identity, parsed.definition), settings=MonitorSettings(), machine=MACHINE
            ),
            engine=stage.engine,
            sink=None,
            keep=lambda notes: None,
        )
        runner = TaskRunner(
            stage.engine.open(plan), clock=stage.clock, journal=MemoryJournal(), observer=other
        )
        job = asyncio.create_task(runner.run())
        await asyncio.sleep(15)
        stage.engine.looks.clear()
        await asyncio.sleep(20)
        assert stage.engine.looks == [6, 6]
        runner.submit(ev.StopRequested())
        await job
        await stage.monitor.forget(other)
        text = stage.monitor.prometheus()
        assert 'family="shop"' in text
        assert 'family="crm"' not in text
        await stage.end()
        assert stage.monitor.prometheus() == ""

    on_stage(work)


ALARM = {
    "container": "app",
    "metric": "ContainerMemoryUtilization",
    "threshold": 40,
    "period": "10s",
    "statistic": "Maximum",
}


def test_an_alarm_is_told_noted_and_written_when_its_state_changes() -> None:
    async def work() -> None:
        books = Books()
        settings = read_monitor_settings({"alarms": [ALARM, {**ALARM, "container": "ap"}]})
        stage = Stage(settings=settings, sink=books)
        await asyncio.sleep(40)
        assert stage.ears.heard == [("alarm-of-nobody", None), ("alarm", "app")]
        name = "shop-app-ContainerMemoryUtilization"
        dimensions = {"ClusterName": "prod", "TaskDefinitionFamily": "shop"}
        assert books.alarms == [
            (name, {**dimensions, "ContainerName": "app"}),
            ("shop-router-ContainerMemoryUtilization", {**dimensions, "ContainerName": "router"}),
        ]
        assert ("ContainerMemoryUtilization", AlarmState.ALARM) in books.states
        app, _ = stage.notes[-1].alarms
        assert (app.state, app.value) == (AlarmState.ALARM, 30 / 64 * 100)
        assert f'alarm="{name}",state="ALARM"}} 1' in stage.monitor.prometheus()
        await stage.end()

    on_stage(work)


def test_every_minute_has_its_records_and_metrics_and_the_last_one_its_rest() -> None:
    async def work() -> None:
        books = Books()
        stage = Stage(sink=books)
        await asyncio.sleep(125)
        first, second = books.minutes[:2]
        assert (first.group, first.stream) == (
            "/aws/ecs/containerinsights/prod/performance",
            "AgentTelemetry-pillion",
        )
        assert second.at_s - first.at_s == 60
        assert first.at_s % 60 == 0
        task, app, router = second.records
        assert (task["Type"], app["ContainerName"], router["ContainerName"]) == ("Task", "app", "router")
        assert round(app["CpuUtilized"]) == 512
        assert app["MemoryUtilized"] == 30
        values = {(item.name, item.dimensions.get("ContainerName")): item.values for item in second.measured}
        assert values["ContainerMemoryReserved", "app"] == (64.0,) * 6
        written = len(books.minutes)
        await stage.end()
        assert len(books.minutes) == written + 1
        assert books.minutes[-1].records == ()

    on_stage(work)


def test_metrics_that_nobody_takes_are_told_once() -> None:
    async def work() -> None:
        stage = Stage(sink=Books(is_closed=True))
        await asyncio.sleep(200)
        assert stage.ears.heard == [("no-insights", None)]
        await stage.end()

    on_stage(work)


def test_an_engine_that_is_away_costs_the_figures_and_not_the_watch() -> None:
    async def work() -> None:
        stage = Stage()
        await asyncio.sleep(25)
        stage.engine.is_away = True
        await asyncio.sleep(30)
        assert stage.watch.figures is not None
        assert stage.watch.figures.container("app").sample is None
        stage.engine.is_away = False
        await asyncio.sleep(30)
        assert stage.watch.figures.container("app").sample is not None
        await stage.end()

    on_stage(work)


def test_a_bug_costs_the_watch_over_one_task_and_is_said() -> None:
    async def work() -> None:
        stage = Stage()
        await asyncio.sleep(15)

        def broken(samples: Mapping[str, Sample], now_s: float) -> None:
            raise KeyError("app")

        stage.watch.look = broken  # type: ignore[method-assign] # a bug, made on purpose
        await asyncio.sleep(60)
        (trouble,) = stage.ears.troubles
        assert trouble.startswith("the task is not watched any more: KeyError (")
        await stage.end()

    on_stage(work)


def test_a_bug_in_a_look_at_the_engine_is_said_and_costs_nothing_else() -> None:
    async def work() -> None:
        stage = Stage()
        await asyncio.sleep(15)

        async def broken(runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
            raise KeyError("app")

        stage.engine.sample = broken  # type: ignore[method-assign] # a bug, made on purpose
        await asyncio.sleep(60)
        (trouble,) = stage.ears.troubles
        assert trouble.startswith("the task is not watched any more: KeyError (")
        await stage.end()

    on_stage(work)


RETRY = "[2026/11/24 10:00:00] [ warn] [engine] failed to flush chunk '1-1.flb', retry in 9 seconds"


def test_a_router_that_does_not_deliver_is_named_and_so_is_its_recovery() -> None:
    async def work() -> None:
        lines = tuple(Line(message=RETRY, after_s=20.0 + number) for number in range(4))
        stage = Stage(router=Life(output=lines))
        await asyncio.sleep(35)
        assert stage.ears.heard == [("silent-sidecar", "router")]
        assert stage.notes[-1].silent["router"].startswith("4 flushes failed in the last")
        await asyncio.sleep(120)
        assert stage.ears.heard == [("silent-sidecar", "router"), ("silent-sidecar-over", "router")]
        assert stage.notes[-1].silent == {}
        await stage.end()

    on_stage(work)


def test_a_router_that_delivers_nothing_of_what_is_written_is_named() -> None:
    async def work() -> None:
        lines = tuple(Line(message="hello", after_s=float(number)) for number in range(0, 150, 2))
        stage = Stage(app=Life(output=lines))
        metrics = '{"output": {"null.0": {"proc_records": 7, "retries": 0, "retries_failed": 0}}}'
        stage.engine.answers = {2020: metrics}
        await asyncio.sleep(120)
        assert stage.ears.heard == [("silent-sidecar", "router")]
        assert "it delivered nothing for" in stage.notes[-1].silent["router"]
        await stage.end()

    on_stage(work)


def test_what_was_seen_before_a_task_was_taken_over_still_counts() -> None:
    async def work() -> None:
        stage = Stage()
        await asyncio.sleep(15)
        plan = WatchPlan(
            task=stage.watch._plan.task,
            settings=MonitorSettings(),
            machine=MACHINE,
            usage={"app": Observed(memory_mib=99)},
        )
        again = stage.monitor.watch(Ears(), plan, engine=stage.engine, sink=None, keep=lambda notes: None)
        again.take(stage._runner.state)
        await asyncio.sleep(15)
        assert again.usage["app"].memory_mib == 99
        assert again.usage["app"].memory.size > 0
        await stage.monitor.forget(again)
        await stage.end()

    on_stage(work)
