"""What the loop around the machine adds to it: calls that outlive their task, ports that are told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle.events import Event, KillRequested, StopRequested
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.log_position import LogPosition
from pillion.core.plan.facts import ContainerFacts, PortBinding
from pillion.core.plan.model import Notice
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.engine import SimulatedEngine, SimulatedTask
from pillion.engines.simulated.virtual_time import VirtualClock, run_in_virtual_time
from pillion.ports.companion import NoCompanion, TaskCompanion
from pillion.ports.engine import CreateAnswer, EngineError, EngineTask, EngineUnreachableError, LogLine
from pillion.preparing import prepare_task
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import LOOK_WHEN_STEADY_S, TaskRunner
from pillion.stores.memory import MemoryJournal

BINDING = PortBinding(host_ip="127.0.0.1", host_port=8080, container_port=80, protocol="tcp")


class Engine(SimulatedEngine):
    """A simulated engine whose task is wrapped in another one."""

    def task(self) -> SimulatedTask:
        document = {
            "family": "shop",
            "networkMode": "bridge",
            "containerDefinitions": [
                {
                    "name": "web",
                    "image": "web:1",
                    "memory": 64,
                    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data"}],
        }
        return self._open(document)

    def restarted(self) -> SimulatedTask:
        """Return a task with one container that a policy restarts."""
        document = {
            "family": "shop",
            "containerDefinitions": [
                {"name": "web", "image": "web:1", "memory": 64, "restartPolicy": {"enabled": True}}
            ],
        }
        return self._open(document)

    def waiting(self) -> SimulatedTask:
        """Return a task whose web waits for init to succeed."""
        document = {
            "family": "shop",
            "networkMode": "bridge",
            "containerDefinitions": [
                {"name": "init", "image": "init:1", "memory": 64, "essential": False},
                {
                    "name": "web",
                    "image": "web:1",
                    "memory": 64,
                    "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}],
                },
            ],
        }
        return self._open(document)

    def _open(self, document: Mapping[str, object]) -> SimulatedTask:
        definition = parse_task_definition(document).definition
        assert definition is not None
        return self.open(prepare_task(definition, None, RunOptions(), cluster="default").plan)


class PortsToldTo(SilentObserver):
    """Remembers what was published."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[PortBinding, ...]]] = []

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        self.told.append((container, bindings))


def runner_of(
    task: EngineTask,
    clock: VirtualClock,
    observer: SilentObserver,
    *,
    companion: TaskCompanion | None = None,
) -> TaskRunner:
    return TaskRunner(task, clock=clock, journal=MemoryJournal(), observer=observer, companion=companion)


def test_a_network_that_is_still_made_when_the_task_has_ended_is_waited_for() -> None:
    made: list[str] = []

    async def prepare(resource: str) -> None:
        if resource.startswith("volume"):
            raise EngineError("CannotCreateVolumeError", "no such driver")
        await asyncio.sleep(3)
        made.append(resource)

    async def live() -> TaskStatus:
        clock = VirtualClock()
        task = Engine({}, clock=clock).task()
        task.prepare = prepare  # type: ignore[method-assign]  # one call of the simulated task, and no more
        state = await runner_of(task, clock, SilentObserver()).run()
        assert made == ["network"]
        return state.known

    assert run_in_virtual_time(live()) is TaskStatus.STOPPED


def test_a_container_that_is_still_made_when_the_task_has_ended_is_waited_for() -> None:
    """A call that was cancelled goes on in the engine, after everything else was removed."""
    made: list[str] = []

    async def create(container: str, *_: object, **__: object) -> CreateAnswer:
        await asyncio.sleep(3)
        made.append(container)
        return CreateAnswer(runtime_id="c0ffee", image_id=None)

    async def live() -> TaskStatus:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(pull_s=0.0)}, clock=clock).task()
        task.create = create  # type: ignore[method-assign]  # one call of the simulated task, and no more
        runner = runner_of(task, clock, SilentObserver())
        asyncio.get_running_loop().call_later(1.0, runner.submit, StopRequested())
        state = await runner.run()
        assert made == ["web"]
        return state.known

    assert run_in_virtual_time(live()) is TaskStatus.STOPPED


def test_ports_are_told_once_although_a_start_is_told_twice() -> None:
    observer = PortsToldTo()

    async def live() -> None:
        clock = VirtualClock()
        behaviour = Behaviour(lives=(Life(exits_after_s=5.0, exit_code=0),))
        task = Engine({"web": behaviour}, clock=clock).task()
        facts = ContainerFacts(bindings=(BINDING,))
        task.facts = lambda container: facts  # type: ignore[method-assign]  # as above
        await runner_of(task, clock, observer).run()

    run_in_virtual_time(live())
    assert observer.told == [("web", (BINDING,))]


def test_what_the_engine_warns_of_is_said_once_although_it_is_true_of_all_containers() -> None:
    told: list[Notice] = []

    class Warned(SilentObserver):
        def notice(self, notice: Notice) -> None:
            told.append(notice)

    async def live() -> None:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(lives=(Life(exits_after_s=1.0),))}, clock=clock).task()
        real = task.create

        async def create(
            container: str,
            extra_environment: Mapping[str, str],
            *,
            log_options: Mapping[str, str] | None = None,
        ) -> CreateAnswer:
            made = await real(container, extra_environment, log_options=log_options)
            return replace(made, warnings=("no swap", "no swap", "no cpu"))

        task.create = create  # type: ignore[method-assign]  # one call of the simulated task, and no more
        await runner_of(task, clock, Warned()).run()

    run_in_virtual_time(live())
    assert told == [
        Notice(code="engine-warning", text="the engine warns: no swap", container="web"),
        Notice(code="engine-warning", text="the engine warns: no cpu", container="web"),
    ]


class Hears(SilentObserver):
    """Remembers the lines and the troubles."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.troubles: list[str] = []

    def log(self, line: LogLine) -> None:
        self.lines.append(line.message)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)


def read_slowly(*, pauses_s: list[float], kill_after_s: float | None = None) -> Hears:
    """Run a task whose container exits at once and whose output then comes line by line after pauses."""
    heard = Hears()

    async def logs(container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        for number, pause_s in enumerate(pauses_s, start=1):
            await asyncio.sleep(pause_s)
            yield LogLine(container=container, stream="stdout", message=str(number), at_s=0.0)

    async def live() -> None:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(lives=(Life(exits_after_s=0.0),))}, clock=clock).task()
        task.logs = logs  # type: ignore[method-assign]  # one call of the simulated task, and no more
        runner = runner_of(task, clock, heard)
        if kill_after_s is not None:
            clock.call_later(kill_after_s, lambda: runner.submit(KillRequested()))
        await runner.run()

    run_in_virtual_time(live())
    return heard


def test_output_that_goes_on_coming_after_the_end_is_read_to_its_end() -> None:
    heard = read_slowly(pauses_s=[8.0] * 10)
    assert (heard.lines, heard.troubles) == ([str(number) for number in range(1, 11)], [])


def test_output_that_stands_still_after_the_end_is_given_up_and_that_is_said() -> None:
    heard = read_slowly(pauses_s=[1.0, 3600.0])
    trouble = "the last output of web was not read to its end: nothing more came for 10 s"
    assert (heard.lines, heard.troubles) == (["1"], [trouble])


def test_a_kill_after_the_end_gives_up_the_rest_of_the_output() -> None:
    heard = read_slowly(pauses_s=[8.0] * 10, kill_after_s=30.0)
    trouble = "the last output of web was not read to its end: you asked not to wait for it"
    assert (heard.lines, heard.troubles) == (["1", "2", "3"], [trouble])


def run_restarted(heard: Hears, *, start_takes_s: float) -> None:
    """Run a task whose container lives three times: the last time it fails too fast to be restarted."""

    class Slow(NoCompanion):
        """Takes its time before every start."""

        async def before_start(self, container: str, runtime_id: str) -> None:
            await asyncio.sleep(start_takes_s)

    async def live() -> None:
        clock = VirtualClock()
        behaviour = Behaviour(
            lives=tuple(
                Life(
                    exits_after_s=400.0 if number < 3 else 0.5,
                    exit_code=number,
                    output=(
                        Line(message=f"first of {number}"),
                        Line(message=f"last of {number}", after_s=0.4),
                    ),
                )
                for number in (1, 2, 3)
            )
        )
        task = Engine({"web": behaviour}, clock=clock).restarted()
        state = await runner_of(task, clock, heard, companion=Slow()).run()
        assert state.containers["web"].exit_code == 3

    run_in_virtual_time(live())


@pytest.mark.parametrize("start_takes_s", [0.0, 30.0])
def test_output_is_read_after_every_restart_however_long_it_takes(start_takes_s: float) -> None:
    heard = Hears()
    run_restarted(heard, start_takes_s=start_takes_s)
    expected = [f"{place} of {number}" for number in (1, 2, 3) for place in ("first", "last")]
    assert (heard.lines, heard.troubles) == (expected, [])


class Beside(NoCompanion):
    """Remembers whose output was cut short, and who has ended."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def log_cut(self, container: str) -> None:
        self.told.append(("cut", container))

    def stopped(self, container: str) -> None:
        self.told.append(("stopped", container))

    def read_before(self, container: str, lines: int) -> None:
        self.told.append((f"{lines} before", container))


@pytest.mark.parametrize(
    "error", [EngineError("CannotReadLogsError", "no"), EngineUnreachableError("away"), None]
)
def test_the_companion_hears_of_ends_and_of_output_that_is_not_all(error: Exception | None) -> None:
    beside = Beside()

    async def logs(container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        yield LogLine(container=container, stream="stdout", message="x", at_s=0.0)
        if error is not None:
            raise error
        await asyncio.sleep(3600)

    async def live() -> None:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(lives=(Life(exits_after_s=1.0),))}, clock=clock).task()
        task.logs = logs  # type: ignore[method-assign]  # one call of the simulated task, and no more
        await runner_of(task, clock, SilentObserver(), companion=beside).run()

    run_in_virtual_time(live())
    assert sorted(beside.told) == [("cut", "web"), ("stopped", "web")]


def test_whoever_takes_a_task_over_tells_the_companion_what_was_read_and_who_has_ended() -> None:
    beside = Beside()

    async def live() -> None:
        clock = VirtualClock()
        behaviours = {"web": Behaviour(lives=(Life(exits_after_s=1.0),))}
        task = Engine(behaviours, clock=clock).task()
        ended = await runner_of(task, clock, SilentObserver()).run()
        runner = TaskRunner(
            task,
            clock=clock,
            journal=MemoryJournal(),
            observer=SilentObserver(),
            companion=beside,
            taken_over=replace(ended, known=TaskStatus.RUNNING),
            read_so_far=lambda _: LogPosition(lines=4),
        )
        clock.call_later(5.0, runner.leave)
        await runner.run()

    run_in_virtual_time(live())
    assert beside.told == [("stopped", "web"), ("4 before", "web")]


def test_what_waits_is_made_ahead_at_first_or_when_its_image_is_here_and_an_end_waits_for_that() -> None:
    foreseen: list[str] = []
    finished: list[str] = []

    async def live() -> None:
        clock = VirtualClock()
        behaviours = {
            "web": Behaviour(pull_s=1.0, lives=(Life(exits_after_s=0.0),)),
            "init": Behaviour(pull_s=0.0, lives=(Life(exits_after_s=9.0, exit_code=1),)),
        }
        task = Engine(behaviours, clock=clock).waiting()

        async def make_ahead(container: str, *_: object, **__: object) -> None:
            foreseen.append(f"{container} at {clock.now_s() - begin_s:.0f}")
            await asyncio.sleep(10)
            finished.append(container)

        begin_s = clock.now_s()
        task.make_ahead = make_ahead  # type: ignore[method-assign]  # as above
        await runner_of(task, clock, SilentObserver()).run()

    run_in_virtual_time(live())
    assert [item for item in foreseen if item.startswith("web")] == ["web at 0", "web at 1"]
    assert len(finished) == len(foreseen)


class Tells(SilentObserver):
    """Remembers notices and troubles."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, notice: Notice) -> None:
        self.said.append(notice.text)

    def trouble(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("call", ["prepare", "resolve_manifest", "pull", "create", "start", "stop"])
def test_a_failure_that_nobody_foresaw_ends_the_task_as_any_other_does(call: str) -> None:
    """Without an answer the task would wait for ever, and a server for the task."""
    told = Tells()

    async def gone(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'pillion.aws.secrets'")

    async def live() -> TaskStatus:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(pull_s=0.0)}, clock=clock).task()
        setattr(task, call, gone)
        runner = runner_of(task, clock, told)
        clock.call_later(60.0, lambda: runner.submit(StopRequested()))
        async with asyncio.timeout(600):
            return (await runner.run()).known

    assert run_in_virtual_time(live()) is TaskStatus.STOPPED
    (said,) = {text for text in told.said if "ModuleNotFoundError" in text}
    assert said.startswith(
        "what the task needs next cannot be done: ModuleNotFoundError: No module named 'pillion.aws.secrets'"
    )
    assert said.endswith("was pillion removed or replaced while it ran?")


@pytest.mark.parametrize(("call", "within_s"), [("events", 2.0), ("look", LOOK_WHEN_STEADY_S + 2.0)])
def test_a_task_that_cannot_be_heard_of_any_more_is_not_waited_for(call: str, within_s: float) -> None:
    async def broken() -> None:
        raise KeyError("State")

    async def events() -> AsyncIterator[Event]:
        await asyncio.sleep(1)
        await broken()
        yield StopRequested()

    async def live() -> None:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(image_present=True)}, clock=clock).task()
        setattr(task, call, events if call == "events" else lambda _: broken())
        job = asyncio.create_task(runner_of(task, clock, SilentObserver()).run())
        done, _ = await asyncio.wait([job], timeout=within_s)
        assert done
        with pytest.raises(KeyError, match="State"):
            await job

    run_in_virtual_time(live())


def test_output_that_cannot_be_read_for_what_nobody_foresaw_costs_the_output_only() -> None:
    told = Tells()

    async def logs(container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        yield LogLine(container=container, stream="stdout", message="x", at_s=0.0)
        raise KeyError("a secret")

    async def live() -> TaskStatus:
        clock = VirtualClock()
        task = Engine({"web": Behaviour(lives=(Life(exits_after_s=1.0),))}, clock=clock).task()
        task.logs = logs  # type: ignore[method-assign]  # one call of the simulated task, and no more
        return (await runner_of(task, clock, told).run()).known

    assert run_in_virtual_time(live()) is TaskStatus.STOPPED
    (said,) = told.said
    assert said.startswith("the output of web cannot be read: KeyError (")
    assert "a secret" not in said


def test_a_task_that_is_over_is_not_left_but_finished() -> None:
    heard = Hears()

    async def logs(container: str, *, after: LogPosition | None = None) -> AsyncIterator[LogLine]:
        await asyncio.sleep(5)
        yield LogLine(container=container, stream="stdout", message="the last one", at_s=0.0)

    async def live() -> bool:
        clock = VirtualClock()
        behaviour = Behaviour(image_present=True, create_s=0.0, start_s=0.0, lives=(Life(exits_after_s=1.0),))
        task = Engine({"web": behaviour}, clock=clock).task()
        task.logs = logs  # type: ignore[method-assign]  # one call of the simulated task, and no more
        runner = runner_of(task, clock, heard)
        clock.call_later(3.0, runner.leave)
        await runner.run()
        return runner.has_left

    assert not run_in_virtual_time(live())
    assert heard.lines == ["the last one"]
