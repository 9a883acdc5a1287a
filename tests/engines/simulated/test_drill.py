from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle.spec import ContainerSpec, Dependency, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import Condition, ContainerKind
from pillion.engines.simulated.drill import LATER_S, STOP_S, Effect, Mishap, Trial, drill, try_mishap
from pillion.engines.simulated.scene import likely_behaviours, scene_of_spec


def edge(container: str, condition: Condition) -> Dependency:
    return Dependency(container=container, condition=condition)


ROUTER = ContainerSpec(name="router", essential=False, has_health_check=True)
LOADER = ContainerSpec(name="loader", essential=False)
APP = ContainerSpec(
    name="app",
    depends_on=(edge("router", Condition.HEALTHY), edge("loader", Condition.SUCCESS)),
    stop_timeout_s=20.0,
)
TASK = TaskSpec(
    task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/1",
    containers=(ContainerSpec(name="~pause", kind=ContainerKind.CNI_PAUSE), ROUTER, LOADER, APP),
)


def trial(
    container: str, mishap: Mishap, task: TaskSpec = TASK, routes: Mapping[str, str] | None = None
) -> Trial:
    scene = scene_of_spec(task, likely_behaviours(task))
    return try_mishap(task, scene, container, mishap, log_routes=routes)


def test_every_container_meets_every_mishap_that_can_happen_to_it() -> None:
    found = drill(TASK, scene_of_spec(TASK, likely_behaviours(TASK)))
    assert {
        item.container: [one.mishap for one in found if one.container == item.container] for item in found
    } == {
        "router": [mishap for mishap in Mishap if mishap is not Mishap.NEVER_ENDS],
        "loader": [
            Mishap.FAILS_TO_PULL,
            Mishap.CRASHES_AT_START,
            Mishap.CRASHES_LATER,
            Mishap.NEVER_ENDS,
            Mishap.OUT_OF_MEMORY,
        ],
        "app": [
            mishap
            for mishap in Mishap
            if mishap not in (Mishap.NEVER_ENDS, Mishap.NEVER_HEALTHY, Mishap.TURNS_UNHEALTHY)
        ],
    }


@pytest.mark.parametrize(
    ("container", "mishap", "effect"),
    [
        ("router", Mishap.FAILS_TO_PULL, Effect.NEVER_RUNS),
        ("router", Mishap.CRASHES_AT_START, Effect.HANGS),
        ("router", Mishap.CRASHES_LATER, Effect.RUNS_ON),
        ("router", Mishap.EXITS_WITH_0, Effect.RUNS_ON),
        ("router", Mishap.NEVER_HEALTHY, Effect.HANGS),
        ("router", Mishap.TURNS_UNHEALTHY, Effect.RUNS_ON),
        ("router", Mishap.OUT_OF_MEMORY, Effect.HANGS),
        ("router", Mishap.HANGS_ON_STOP, Effect.RUNS_ON),
        ("loader", Mishap.CRASHES_LATER, Effect.NEVER_RUNS),
        ("loader", Mishap.NEVER_ENDS, Effect.HANGS),
        ("app", Mishap.FAILS_TO_PULL, Effect.NEVER_RUNS),
        ("app", Mishap.CRASHES_AT_START, Effect.STOPS),
        ("app", Mishap.EXITS_WITH_0, Effect.STOPS),
        ("app", Mishap.HANGS_ON_STOP, Effect.RUNS_ON),
    ],
)
def test_a_mishap_has_the_effect_that_ecs_gives_it(container: str, mishap: Mishap, effect: Effect) -> None:
    assert trial(container, mishap).effect is effect


def test_a_sidecar_that_takes_the_task_down_or_holds_it_for_ever_is_a_danger() -> None:
    assert trial("router", Mishap.FAILS_TO_PULL).danger == (
        "router is not essential and takes the task down all the same"
    )
    assert trial("router", Mishap.NEVER_HEALTHY).danger == "the task waits for ever, and nobody is told"
    assert trial("router", Mishap.CRASHES_LATER).danger is None
    assert trial("app", Mishap.CRASHES_LATER).danger is None


def test_an_init_container_that_takes_the_task_down_does_what_it_was_declared_for() -> None:
    found = trial("loader", Mishap.CRASHES_LATER)
    assert (found.effect, found.danger) == (Effect.NEVER_RUNS, None)


def test_an_image_that_fails_for_one_container_does_not_come_from_another() -> None:
    one, other = (ContainerSpec(name=name, image="same:1") for name in ("one", "other"))
    task = TaskSpec(task_arn="arn", containers=(one, other))
    assert trial("one", Mishap.FAILS_TO_PULL, task).effect is Effect.NEVER_RUNS


def test_the_time_until_the_task_is_stopped_counts_from_the_mishap() -> None:
    stopped = trial("app", Mishap.CRASHES_LATER)
    assert stopped.stopped_at_s is not None
    assert stopped.stopped_at_s > LATER_S
    assert stopped.until_stopped_s == pytest.approx(0.1 + 0.01)
    patient = replace(ROUTER, start_timeout_s=40.0)
    task = replace(TASK, containers=(TASK.containers[0], patient, LOADER, APP))
    never_healthy = trial("router", Mishap.NEVER_HEALTHY, task)
    assert never_healthy.effect is Effect.NEVER_RUNS
    assert never_healthy.until_stopped_s == pytest.approx(40.0 + 0.1 + 0.01)


def test_a_stop_that_is_ignored_takes_the_stop_timeout() -> None:
    assert trial("app", Mishap.HANGS_ON_STOP).until_stopped_s == pytest.approx(20.0 + 0.1 + 0.01)


def test_a_trial_says_when_the_task_began_to_stop_and_when_it_was_stopped() -> None:
    found = trial("app", Mishap.HANGS_ON_STOP)
    assert found.stopping_at_s == STOP_S
    assert found.stopped_at_s is not None
    assert found.stopped_at_s - STOP_S == pytest.approx(20.0 + 0.1 + 0.01)


def test_a_task_that_hangs_can_still_be_stopped() -> None:
    found = trial("router", Mishap.NEVER_HEALTHY)
    assert (found.effect, found.stopping_at_s) == (Effect.HANGS, STOP_S)
    assert found.stopped_at_s is not None


def test_a_restart_policy_heals_a_crash() -> None:
    healing = ContainerSpec(name="app", restart=RestartPolicy(attempt_period_s=60.0))
    task = TaskSpec(task_arn="arn", containers=(healing,))
    found = trial("app", Mishap.CRASHES_LATER, task)
    assert found.effect is Effect.RUNS_ON
    assert found.run.state.containers["app"].restart_count == 1
    assert trial("app", Mishap.CRASHES_AT_START, task).effect is Effect.STOPS


def test_output_is_lost_while_its_router_is_down() -> None:
    routes = {"app": "router"}
    assert trial("router", Mishap.CRASHES_LATER, routes=routes).lost_logs == ("app",)
    assert trial("app", Mishap.CRASHES_LATER, routes=routes).lost_logs == ()
    assert trial("router", Mishap.CRASHES_LATER).lost_logs == ()


def test_later_is_late_enough_for_a_slow_health_check() -> None:
    found = trial("router", Mishap.TURNS_UNHEALTHY)
    states = [moment.state.containers["router"].health.status.value for moment in found.run.moments]
    assert list(dict.fromkeys(states)) == ["UNKNOWN", "HEALTHY", "UNHEALTHY"]
    assert found.run.state.started_at_s is not None
    assert found.run.state.started_at_s < LATER_S
