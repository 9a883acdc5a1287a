from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.states import HealthStatus, PullBehavior
from pillion.core.plan.model import HealthProbe
from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.faults import (
    NO_FAULTS,
    CallFault,
    EventFault,
    Faults,
    Outage,
    Removal,
    StartByHand,
)
from pillion.engines.simulated.scene import Role, Scene
from pillion.engines.simulated.world import World
from pillion.ports.engine import LogLine

PROBE = HealthProbe(command=("CMD", "x"), interval_s=10.0, timeout_s=2.0, retries=2)
QUICK = {"create_s": 0.0, "start_s": 0.0, "image_present": True}


def world(
    *lives: Life,
    faults: Faults = NO_FAULTS,
    behaviour: dict[str, Any] | None = None,
    pull_behavior: PullBehavior = PullBehavior.PREFER_CACHED,
    resource_errors: dict[str, str] | None = None,
    **role: Any,
) -> World:
    settled = Behaviour(**{**QUICK, **(behaviour or {})}, lives=lives or (Life(),))
    scene = Scene(
        roles=(Role(name="web", image="web:1", behaviour=settled, **role),),
        pull_behavior=pull_behavior,
        resource_errors=resource_errors or {},
    )
    return World(scene, faults)


def told(made: World, *commands: tuple[float, cmd.Command]) -> list[tuple[float, ev.Event | LogLine]]:
    """Give commands at their times and return all that is told until nothing more happens."""
    found = []
    todo = list(commands)
    while todo or made.next_at_s() is not None:
        next_s = made.next_at_s()
        if todo and (next_s is None or todo[0][0] <= next_s):
            at_s, command = todo.pop(0)
            made.perform(command, at_s)
        else:
            found += [(round(item.at_s, 3), item.what) for item in made.step()]
    return found


def create() -> cmd.Command:
    return cmd.CreateContainer(container="web", cause="test")


def start() -> cmd.Command:
    return cmd.StartContainer(container="web", cause="test")


def stop(timeout_s: float = 30.0) -> cmd.Command:
    return cmd.StopContainer(container="web", cause="test", timeout_s=timeout_s)


STARTING = ((0.0, create()), (0.0, start()))


def exits(found: Sequence[tuple[float, ev.Event | LogLine]]) -> list[tuple[float, int | None]]:
    return [(at_s, event.exit_code) for at_s, event in found if isinstance(event, ev.Exited)]


def health(found: Sequence[tuple[float, ev.Event | LogLine]]) -> list[tuple[float, str]]:
    return [
        (at_s, event.status.value if isinstance(event, ev.HealthChanged) else str(event.failing_streak))
        for at_s, event in found
        if isinstance(event, ev.HealthChanged | ev.HealthProbed)
    ]


def test_a_process_ends_by_itself_with_its_code() -> None:
    found = told(world(Life(exits_after_s=5.0, exit_code=3)), *STARTING)
    assert found[1:] == [
        (0.0, ev.Started(container="web", at_s=0.0)),
        (5.0, ev.Exited(container="web", exit_code=3, at_s=5.0)),
    ]


def test_calls_take_the_time_that_their_script_says() -> None:
    made = world(behaviour={"create_s": 2.0, "start_s": 3.0})
    assert [at_s for at_s, _ in told(made, (0.0, create()))] == [2.0]
    assert [at_s for at_s, _ in told(made, (10.0, start()))] == [13.0]


def test_output_is_written_at_its_times_while_the_process_runs() -> None:
    lines = (
        Line(message="one"),
        Line(message="two", after_s=1.0, stream="stderr"),
        Line(message="x", after_s=9.0),
    )
    found = told(world(Life(exits_after_s=5.0, output=lines)), *STARTING)
    assert [what for _, what in found if isinstance(what, LogLine)] == [
        LogLine(container="web", stream="stdout", message="one", at_s=0.0),
        LogLine(container="web", stream="stderr", message="two", at_s=1.0),
    ]


def test_each_start_begins_the_next_life_and_the_last_one_repeats() -> None:
    made = world(Life(exits_after_s=1.0, exit_code=1), Life(exits_after_s=2.0, exit_code=2))
    found = told(made, *STARTING, (10.0, start()), (20.0, start()))
    assert exits(found) == [(1.0, 1), (12.0, 2), (22.0, 2)]


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (Life(), (10.1, 143)),
        (Life(stops_after_s=4.0, stop_exit_code=0), (14.0, 0)),
        (Life(stops_after_s=31.0), (40.0, 137)),
        (Life(stops_after_s=None), (40.0, 137)),
        (Life(exits_after_s=12.0, exit_code=5, stops_after_s=None), (12.0, 5)),
    ],
)
def test_a_stop_signals_waits_and_kills(life: Life, expected: tuple[float, int]) -> None:
    assert exits(told(world(life), *STARTING, (10.0, stop(30.0)))) == [expected]


def test_a_kill_waits_for_nothing() -> None:
    kill = cmd.KillContainer(container="web", cause="test")
    assert exits(told(world(Life(stops_after_s=None)), *STARTING, (10.0, kill))) == [(10.01, 137)]


def test_stopping_what_does_not_run_is_answered_with_what_is_true() -> None:
    assert told(world(), (0.0, stop())) == [(0.0, ev.Vanished(container="web"))]
    assert exits(told(world(), (0.0, create()), (1.0, stop()))) == [(1.0, None)]
    assert exits(told(world(Life(exits_after_s=1.0)), *STARTING, (5.0, stop()))) == [(1.0, 0), (5.0, 0)]


def test_the_first_probe_begins_one_interval_after_the_start_and_the_next_one_after_its_end() -> None:
    found = told(world(Life(healthy_after_s=15.0, probe_s=1.0), probe=PROBE), *STARTING)
    assert health(found) == [(11.0, "1"), (22.0, "HEALTHY")]


def test_retries_failures_in_a_row_make_it_unhealthy_and_probing_then_settles() -> None:
    found = told(world(Life(healthy_after_s=None, probe_s=0.0), probe=PROBE), *STARTING)
    assert health(found) == [(10.0, "1"), (20.0, "UNHEALTHY")]


def test_health_begins_anew_with_every_process() -> None:
    lives = (Life(exits_after_s=15.0, probe_s=0.0), Life(healthy_after_s=None, probe_s=0.0))
    found = told(world(*lives, probe=PROBE), *STARTING, (100.0, start()))
    assert health(found) == [(10.0, "HEALTHY"), (110.0, "1"), (120.0, "UNHEALTHY")]


def test_more_memory_than_the_limit_kills_the_process() -> None:
    made = world(Life(memory_mib=300, memory_after_s=4.0), memory_limit_mib=256)
    assert told(made, *STARTING)[-1] == (
        4.0,
        ev.Exited(container="web", exit_code=137, at_s=4.0, out_of_memory=True),
    )
    assert exits(told(world(Life(memory_mib=256), memory_limit_mib=256), *STARTING)) == []


def test_more_memory_than_the_task_has_kills_its_biggest_process() -> None:
    def role(name: str, mib: float, after_s: float) -> Role:
        life = Life(memory_mib=mib, memory_after_s=after_s)
        return Role(name=name, image=name, behaviour=Behaviour(image_present=True, lives=(life,)))

    made = World(Scene(roles=(role("big", 300, 1.0), role("small", 250, 2.0)), memory_limit_mib=512))
    for name in ("big", "small"):
        made.perform(cmd.CreateContainer(container=name, cause="test"), 0.0)
        made.perform(cmd.StartContainer(container=name, cause="test"), 1.0)
    found = told(made)
    assert [event.container for _, event in found if isinstance(event, ev.Exited)] == ["big"]


@pytest.mark.parametrize(
    ("pull_behavior", "here", "expected"),
    [
        (PullBehavior.DEFAULT, True, "pulled"),
        (PullBehavior.ALWAYS, True, "pulled"),
        (PullBehavior.ONCE, True, "pulled"),
        (PullBehavior.PREFER_CACHED, True, "here"),
        (PullBehavior.PREFER_CACHED, False, "pulled"),
        (PullBehavior.NEVER, True, "here"),
        (PullBehavior.NEVER, False, "failed"),
    ],
)
def test_the_pull_behaviour_says_whether_the_registry_is_asked(
    pull_behavior: PullBehavior, here: bool, expected: str
) -> None:
    made = world(behaviour={"image_present": here}, pull_behavior=pull_behavior)
    found = [event for _, event in told(made, (0.0, cmd.PullImage(container="web", cause="test")))]
    answers = {
        "pulled": [ev.PullStarted, ev.Pulled],
        "here": [ev.Pulled],
        "failed": [ev.PullFailed],
    }
    assert [type(event) for event in found] == answers[expected]


def test_a_failed_pull_says_whether_an_older_image_is_here() -> None:
    def pull(here: bool) -> ev.Event | LogLine:
        made = world(
            behaviour={"image_present": here, "pull_error": "not found", "pull_s": 3.0},
            pull_behavior=PullBehavior.DEFAULT,
        )
        return told(made, (0.0, cmd.PullImage(container="web", cause="test")))[-1][1]

    error = ev.NamedError(name="CannotPullContainerError", text="not found")
    assert pull(here=True) == ev.PullFailed(container="web", error=error, cached=True)
    assert pull(here=False) == ev.PullFailed(container="web", error=error, cached=False)


def test_a_container_without_an_image_cannot_be_created() -> None:
    found = told(world(behaviour={"image_present": False}), (0.0, create()))
    text = "Error response from daemon: No such image: web:1"
    error = ev.NamedError(name="CannotCreateContainerError", text=text)
    assert found == [(0.0, ev.CreateFailed(container="web", error=error))]


def test_a_scripted_error_can_carry_its_own_name() -> None:
    found = told(world(behaviour={"start_error": "DockerTimeoutError: no answer"}), *STARTING)
    error = ev.NamedError(name="DockerTimeoutError", text="no answer")
    assert found[-1] == (0.0, ev.StartFailed(container="web", error=error))


def test_a_resource_that_cannot_be_prepared_says_why() -> None:
    made = world(resource_errors={"volume data": "disk full"})
    commands = [
        (0.0, cmd.PrepareResource(resource=name, cause="test")) for name in ("network", "volume data")
    ]
    error = ev.NamedError(name="ResourceInitializationError", text="disk full")
    assert [event for _, event in told(made, *commands)] == [
        ev.ResourceReady(resource="network"),
        ev.ResourceFailed(resource="volume data", error=error),
    ]


def test_a_look_says_what_is_true_at_each_point_of_a_life() -> None:
    made = world(Life(probe_s=0.0), probe=PROBE)
    assert made.look("web") == ()
    told(made, (0.0, create()))
    assert made.look("web") == ()
    told(made, (0.0, start()))
    assert made.look("web") == (
        ev.Started(container="web", at_s=0.0),
        ev.HealthChanged(container="web", status=HealthStatus.HEALTHY, exit_code=0),
    )
    told(made, (20.0, stop()))
    assert made.look("web") == (ev.Exited(container="web", exit_code=143, at_s=20.1),)
    made.remove("web")
    assert made.look("web") == (ev.Vanished(container="web"),)


def test_an_outage_kills_everything_and_answers_wait_until_it_is_over() -> None:
    made = world(faults=Faults(outages=(Outage(at_s=5.0, for_s=10.0),)))
    found = told(made, *STARTING, (7.0, start()))
    assert exits(found) == [(15.0, 137)]
    assert [at_s for at_s, event in found if isinstance(event, ev.Started)] == [0.0, 15.0]


def test_a_container_that_somebody_removes_has_ended_and_is_gone() -> None:
    made = world(faults=Faults(removals=(Removal(container="web", at_s=5.0),)))
    assert told(made, *STARTING)[2:] == [
        (5.0, ev.Exited(container="web", exit_code=137, at_s=5.0)),
        (5.0, ev.Vanished(container="web")),
    ]


def test_a_container_that_somebody_starts_again_is_told() -> None:
    made = world(
        Life(exits_after_s=1.0),
        Life(),
        faults=Faults(starts_by_hand=(StartByHand(container="web", at_s=5.0),)),
    )
    assert told(made, *STARTING)[-1] == (5.0, ev.Started(container="web", at_s=5.0))


def test_an_event_can_be_lost_late_or_told_twice() -> None:
    def times(*delays_s: float) -> list[float]:
        fault = EventFault(event=ev.Exited, container="web", delays_s=delays_s)
        found = told(world(Life(exits_after_s=1.0), faults=Faults(events=(fault,))), *STARTING)
        return [at_s for at_s, _ in exits(found)]

    assert (times(), times(4.0), times(0.0, 2.0)) == ([], [5.0], [1.0, 3.0])


def test_the_answer_to_a_call_cannot_get_lost() -> None:
    faults = Faults(
        events=(
            EventFault(event=ev.Created, container="web"),
            EventFault(event=ev.Exited, container="web"),
        )
    )
    found = told(world(faults=faults), *STARTING, (10.0, stop()))
    assert [type(event) for _, event in found] == [ev.Created, ev.Started, ev.Exited]


def test_a_failing_start_may_have_started_the_process_all_the_same() -> None:
    error = ev.NamedError(name="DockerTimeoutError", text="no answer")
    fault = CallFault(command=cmd.StartContainer, container="web", error=error, takes_effect=True)
    made = world(Life(exits_after_s=9.0), faults=Faults(calls=(fault,)))
    assert told(made, *STARTING)[1:] == [
        (0.0, ev.StartFailed(container="web", error=error, may_run=True)),
        (9.0, ev.Exited(container="web", exit_code=0, at_s=9.0)),
    ]
