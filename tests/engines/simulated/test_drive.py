from __future__ import annotations

import pytest

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import Condition, TaskStatus
from pillion.engines.simulated import drive as module
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.drive import Ask, Outcome, Run, drive
from pillion.engines.simulated.faults import EventFault, Faults
from pillion.engines.simulated.scene import scene_of_spec
from pillion.runtime import runner

STOP = Ask(at_s=100.0, event=ev.StopRequested())


def container(name: str, *, on: tuple[str, Condition] | None = None, **fields: object) -> ContainerSpec:
    edges = (Dependency(container=on[0], condition=on[1]),) if on else ()
    return ContainerSpec(name=name, depends_on=edges, **fields)  # type: ignore[arg-type] # fields by name


def task(*containers: ContainerSpec) -> TaskSpec:
    return TaskSpec(task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/1", containers=containers)


def run(
    spec: TaskSpec,
    behaviours: dict[str, Behaviour] | None = None,
    *asks: Ask,
    faults: Faults | None = None,
    horizon_s: float = 3600.0,
) -> Run:
    scene = scene_of_spec(spec, behaviours or {})
    return drive(spec, scene, asks=asks, faults=faults or Faults(), horizon_s=horizon_s)


def life(**fields: object) -> Behaviour:
    return Behaviour(image_present=True, lives=(Life(**fields),))  # type: ignore[arg-type] # fields by name


def test_a_task_is_followed_until_it_is_stopped() -> None:
    found = run(task(container("web")), {"web": life(exits_after_s=50.0, exit_code=2)})
    assert found.outcome is Outcome.STOPPED
    assert found.state.known is TaskStatus.STOPPED
    assert found.state.containers["web"].exit_code == 2
    assert found.ended_at_s == pytest.approx(52.267)


def test_a_healthy_service_is_steady_and_time_does_not_run_on() -> None:
    found = run(task(container("web")))
    assert (found.outcome, found.state.known) == (Outcome.STEADY, TaskStatus.RUNNING)
    assert found.ended_at_s < 5.0


def test_what_waits_for_ever_is_stuck() -> None:
    web = container("web", on=("envoy", Condition.HEALTHY))
    envoy = container("envoy", essential=False, has_health_check=True)
    found = run(task(web, envoy), {"envoy": life(healthy_after_s=None)})
    assert (found.outcome, found.state.known) == (Outcome.STUCK, TaskStatus.MANIFEST_PULLED)


def test_a_container_that_is_restarted_for_ever_is_unfinished() -> None:
    web = container("web", restart=RestartPolicy(attempt_period_s=60.0))
    found = run(task(web), {"web": life(exits_after_s=70.0)}, horizon_s=1000.0)
    assert found.outcome is Outcome.UNFINISHED
    assert found.state.containers["web"].restart_count == 14


def test_asks_come_at_their_time() -> None:
    found = run(task(container("web")), {"web": life(stops_after_s=7.0)}, STOP)
    stops = [at_s for at_s, _ in found.moments_with(cmd.StopContainer)]
    assert (stops, found.ended_at_s) == ([100.0], 107.0)


def test_a_start_timeout_comes_when_the_machine_has_asked_for_it() -> None:
    web = container("web", on=("loader", Condition.COMPLETE))
    found = run(task(web, container("loader", essential=False, start_timeout_s=20.0)))
    asked = [(at_s, command) for at_s, command in found.moments_with(cmd.SetStartTimeout)]
    timeout = next(item for item in found.moments if isinstance(item.event, ev.StartTimeoutElapsed))
    assert timeout.at_s == pytest.approx(asked[0][0] + 20.0)
    assert found.state.containers["web"].exit_code == 143


def test_lines_are_kept_with_their_times() -> None:
    web = life(output=(Line(message="hello", after_s=2.0),), exits_after_s=3.0)
    found = run(task(container("web")), {"web": web})
    started_s = found.state.containers["web"].started_at_s or 0.0
    assert [(line.message, round(line.at_s - started_s, 6)) for line in found.lines] == [("hello", 2.0)]


def test_a_lost_exit_is_found_by_looking() -> None:
    faults = Faults(events=(EventFault(event=ev.Exited, container="web"),))
    found = run(task(container("web")), {"web": life(exits_after_s=10.0)}, faults=faults)
    assert found.outcome is Outcome.STOPPED
    assert found.ended_at_s == pytest.approx(module.LOOK_WHEN_STEADY_S, abs=5.0)


def test_whoever_is_waited_for_is_looked_at_more_often() -> None:
    faults = Faults(events=(EventFault(event=ev.Exited, container="loader"),))
    spec = task(container("web", on=("loader", Condition.SUCCESS)), container("loader", essential=False))
    found = run(spec, {"loader": life(exits_after_s=10.0)}, faults=faults)
    started_s = found.state.containers["web"].started_at_s
    assert started_s is not None
    assert started_s < 10.0 + 2 * module.LOOK_WHILE_BLOCKED_S


def test_the_driver_looks_as_often_as_the_runtime_does() -> None:
    assert (module.LOOK_WHILE_BLOCKED_S, module.LOOK_WHEN_STEADY_S) == (
        runner.LOOK_WHILE_BLOCKED_S,
        runner.LOOK_WHEN_STEADY_S,
    )


def test_times_begin_where_they_are_told_to() -> None:
    spec = task(container("web"))
    scene = scene_of_spec(spec, {})
    moved = drive(spec, scene, asks=(STOP,), begins_at_s=1000.0)
    assert moved.ended_at_s - 1000.0 == pytest.approx(drive(spec, scene, asks=(STOP,)).ended_at_s)
