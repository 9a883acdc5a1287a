"""What the conformance suite leaves open: the whole runtime on this engine, faults, ports, progress."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, RestartPolicy, TaskSpec
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, TaskStatus
from pillion.core.plan.facts import NetworkAddress, PortBinding
from pillion.core.plan.model import (
    ContainerPlan,
    ImagePlan,
    NetworkMode,
    PortRequest,
    TaskIdentity,
    TaskPlan,
)
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.faults import EventFault, Faults, Outage
from pillion.engines.simulated.virtual_time import EPOCH_S, VirtualClock, run_in_virtual_time
from pillion.ports.engine import LogLine, PullProgress
from pillion.runtime.observer import SilentObserver
from pillion.runtime.runner import TaskRunner
from pillion.stores.memory import MemoryJournal

ARN = "arn:aws:ecs:us-east-1:123456789012"


def plan(*specs: ContainerSpec, **fields: Any) -> TaskPlan:
    """Return a plan of some containers; `fields` are those of each ContainerPlan."""
    identity = TaskIdentity(
        task_id="0123456789abcdef",
        task_arn=f"{ARN}:task/default/0123456789abcdef",
        cluster="default",
        cluster_arn=f"{ARN}:cluster/default",
        family="web",
        revision=1,
        definition_arn=f"{ARN}:task-definition/web:1",
        region="us-east-1",
        account="123456789012",
    )
    containers = tuple(
        ContainerPlan(
            name=item.name,
            engine_name=f"ecs-{item.name}",
            arn=f"{ARN}:container/{item.name}",
            kind=item.kind,
            image=ImagePlan(reference=f"{item.name}:1", local=item.kind is not ContainerKind.NORMAL),
            **fields,
        )
        for item in specs
    )
    return TaskPlan(
        identity=identity,
        network_mode=NetworkMode.AWSVPC,
        containers=containers,
        spec=TaskSpec(task_arn=identity.task_arn, containers=specs),
    )


class Notebook(SilentObserver):
    """An observer that writes down lines and troubles."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.troubles: list[str] = []

    def log(self, line: LogLine) -> None:
        self.lines.append(line.message)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)


def run(
    what: TaskPlan, behaviours: Mapping[str, Behaviour], faults: Faults | None = None
) -> tuple[TaskState, Notebook, float]:
    """Run a task with the real runtime; return its end, what was seen, and how long it took virtually."""

    async def work() -> tuple[TaskState, Notebook, float]:
        clock, notebook = VirtualClock(), Notebook()
        engine = SimulatedEngine(behaviours, clock=clock, faults=faults or Faults())
        runner = TaskRunner(engine.open(what), clock=clock, journal=MemoryJournal(), observer=notebook)
        state = await runner.run()
        await engine.close()
        return state, notebook, clock.now_s() - EPOCH_S

    return run_in_virtual_time(work())


def living(*lives: Life) -> Behaviour:
    return Behaviour(image_present=True, lives=lives)


def test_the_real_runtime_runs_a_task_of_ten_minutes_in_no_time() -> None:
    lines = (Line(message="first"), Line(message="last", after_s=599.0))
    web = living(Life(exits_after_s=600.0, exit_code=4, output=lines))
    state, notebook, took_s = run(plan(ContainerSpec(name="web")), {"web": web})
    assert state.known is TaskStatus.STOPPED
    assert (state.containers["web"].exit_code, notebook.lines) == (4, ["first", "last"])
    assert notebook.troubles == []
    assert 600.0 < took_s < 605.0


def test_output_is_followed_across_restarts_and_still_ends() -> None:
    spec = ContainerSpec(name="web", restart=RestartPolicy(attempt_period_s=60.0))
    first = Life(exits_after_s=70.0, output=(Line(message="one"),))
    second = Life(exits_after_s=5.0, output=(Line(message="two"),))
    state, notebook, _ = run(plan(spec), {"web": living(first, second)})
    assert state.containers["web"].restart_count == 1
    assert (notebook.lines, notebook.troubles) == (["one", "two"], [])


def test_a_lost_exit_is_found_by_the_runtimes_own_look() -> None:
    faults = Faults(events=(EventFault(event=ev.Exited, container="web"),))
    state, _, took_s = run(
        plan(ContainerSpec(name="web")), {"web": living(Life(exits_after_s=10.0, exit_code=7))}, faults
    )
    assert (state.known, state.containers["web"].exit_code) == (TaskStatus.STOPPED, 7)
    assert 290.0 < took_s < 310.0


def test_a_restart_of_the_engine_ends_the_task_with_what_really_happened() -> None:
    faults = Faults(outages=(Outage(at_s=30.0, for_s=8.0),))
    state, _, took_s = run(plan(ContainerSpec(name="web")), {"web": living(Life())}, faults)
    assert state.containers["web"].exit_code == 137
    assert 38.0 <= took_s < 40.0


def test_a_resource_that_fails_stops_the_task() -> None:
    what = plan(ContainerSpec(name="web"))
    spec = TaskSpec(task_arn=what.spec.task_arn, containers=what.spec.containers, resources=("volume data",))

    async def work() -> TaskState:
        clock = VirtualClock()
        engine = SimulatedEngine(clock=clock, resource_errors={"volume data": "disk full"})
        changed = TaskPlan(
            identity=what.identity,
            network_mode=what.network_mode,
            containers=what.containers,
            spec=spec,
        )
        runner = TaskRunner(engine.open(changed), clock=clock, journal=MemoryJournal(), observer=Notebook())
        return await runner.run()

    assert run_in_virtual_time(work()).stopped_reason == "Disk full"


def test_ports_and_addresses_are_those_of_the_pause_container() -> None:
    ports = (PortRequest(container_port=80), PortRequest(container_port=443, host_port=8443))
    what = plan(ContainerSpec(name="~pause", kind=ContainerKind.CNI_PAUSE), ports=ports)

    async def work() -> None:
        facts = SimulatedEngine(clock=VirtualClock()).open(what).facts("~pause")
        assert facts.addresses == (NetworkAddress(network="default", ipv4="10.0.0.2", prefix_length=16),)
        assert facts.bindings == (
            PortBinding(host_ip="127.0.0.1", host_port=32768, container_port=80, protocol="tcp"),
            PortBinding(host_ip="127.0.0.1", host_port=8443, container_port=443, protocol="tcp"),
        )

    run_in_virtual_time(work())


def test_a_pull_tells_when_it_begins_and_one_that_is_not_needed_does_not() -> None:
    async def pull(behaviour: Behaviour) -> list[str]:
        told: list[str] = []

        def progress(now: PullProgress) -> None:
            told.append(now.status)

        task = SimulatedEngine({"web": behaviour}, clock=VirtualClock()).open(plan(ContainerSpec(name="web")))
        answer = await task.pull("web", lambda: told.append("started"), progress)
        return [*told, f"pulled={answer.pulled}"]

    assert run_in_virtual_time(pull(Behaviour())) == ["started", "Pulling", "pulled=True"]
    assert run_in_virtual_time(pull(Behaviour(image_present=True))) == ["pulled=False"]


def test_it_runs_in_real_time_too() -> None:
    async def work() -> list[str]:
        web = living(Life(exits_after_s=0.02, output=(Line(message="hello"),)))
        task = SimulatedEngine({"web": web}, clock=VirtualClock()).open(plan(ContainerSpec(name="web")))
        await task.create("web", {})
        await task.start("web", restart=False)
        lines = [line.message async for line in task.logs("web")]
        await task.clean_up(keep=False)
        return lines

    assert asyncio.run(work()) == ["hello"]
