"""Every checker notices a run in which its promise was broken, and none complains about a good one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.spec import ContainerSpec, Dependency, TaskSpec
from pillion.core.lifecycle.state import HealthState, TaskState
from pillion.core.lifecycle.states import (
    Condition,
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    TaskStatus,
)
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.drive import Ask, Moment, drive
from pillion.engines.simulated.scene import scene_of_spec
from pillion.testing import checkers
from pillion.testing.checkers import CHECKERS, Violation, check_run, replay

PAUSE = "~pause"
SPEC = TaskSpec(
    task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/1",
    containers=(
        ContainerSpec(name=PAUSE, kind=ContainerKind.CNI_PAUSE),
        ContainerSpec(name="loader", essential=False),
        ContainerSpec(
            name="app",
            depends_on=(Dependency(container="loader", condition=Condition.SUCCESS),),
        ),
    ),
)
LOADER = Behaviour(lives=(Life(exits_after_s=3.0),))
RUN = drive(SPEC, scene_of_spec(SPEC, {"loader": LOADER}), asks=[Ask(at_s=60.0, event=ev.StopRequested())])
GOOD = RUN.moments

Moments = list[Moment]
Doctor = Callable[[Moments], None]


def index(kind: type[cmd.Command], container: str) -> int:
    """Return the place of the moment in which something was asked for a container."""
    return next(
        place
        for place, moment in enumerate(GOOD)
        for command in moment.commands
        if isinstance(command, kind) and getattr(command, "container", None) == container
    )


STOPPING = index(cmd.StopContainer, "app")
STEADY = STOPPING - 1
CREATING = index(cmd.CreateContainer, "app")
CAUSE = "the doctor says so"


def ask(place: int, command: cmd.Command) -> Doctor:
    def doctor(moments: Moments) -> None:
        moments[place] = replace(moments[place], commands=(*moments[place].commands, command))

    return doctor


def put_task(place: int, **changes: Any) -> Doctor:
    def doctor(moments: Moments) -> None:
        moments[place] = replace(moments[place], state=replace(moments[place].state, **changes))

    return doctor


def put(place: int, name: str, **changes: Any) -> Doctor:
    def doctor(moments: Moments) -> None:
        state: TaskState = moments[place].state
        changed = {**state.containers, name: replace(state.containers[name], **changes)}
        moments[place] = replace(moments[place], state=replace(state, containers=changed))

    return doctor


def stop(name: str, timeout_s: float = 30.0, cause: str = CAUSE) -> cmd.Command:
    return cmd.StopContainer(container=name, cause=cause, timeout_s=timeout_s)


S = ContainerStatus
BROKEN: dict[checkers.Checker, Doctor] = {
    checkers.nothing_starts_before_its_dependencies_allow_it: ask(
        0, cmd.CreateContainer(container="app", cause=CAUSE)
    ),
    checkers.nothing_is_created_after_a_start_timeout: put(
        CREATING, "loader", known=S.RUNNING, start_timed_out=True
    ),
    checkers.namespaces_and_resources_come_first: ask(0, cmd.ResolveManifest(container="app", cause=CAUSE)),
    checkers.whoever_may_go_on_does: put(STEADY, "app", known=S.CREATED, in_flight=None),
    checkers.an_essential_container_takes_the_task_with_it: put(STEADY, "app", known=S.STOPPED),
    checkers.a_task_stops_for_a_reason: put_task(STOPPING, stop_code=None),
    checkers.containers_stop_in_reverse_order: ask(STOPPING, stop(PAUSE)),
    checkers.a_stopping_task_stops_whom_it_can: put(STOPPING, "app", in_flight=None),
    checkers.a_stop_waits_its_own_time: ask(STOPPING, stop("app", timeout_s=5.0)),
    checkers.no_status_goes_back: put(STOPPING, "app", known=S.PULLED),
    checkers.one_operation_at_a_time: ask(STOPPING, stop("app")),
    checkers.nothing_starts_once_the_task_is_stopping: ask(
        STOPPING, cmd.PullImage(container="app", cause=CAUSE)
    ),
    checkers.last_status_goes_pending_running_stopped: ask(
        -1, cmd.ReportTask(cause=CAUSE, last_status="RUNNING")
    ),
    checkers.a_stopped_task_has_only_stopped_containers: put_task(STOPPING, known=TaskStatus.STOPPED),
    checkers.every_command_says_why: ask(STOPPING, stop("app", cause=" ")),
    checkers.reports_follow_one_another: ask(
        STEADY, cmd.ReportContainer(container="app", cause=CAUSE, before=S.NONE, after=S.PULLED)
    ),
    checkers.health_is_that_of_the_definition: put(
        STEADY, "app", health=HealthState(status=HealthStatus.HEALTHY)
    ),
    checkers.what_never_ran_has_no_exit_code: put(-1, "app", started_at_s=None, exit_code=3),
    checkers.times_go_forward: put_task(-1, stopped_at_s=-1.0),
}


def test_a_good_run_keeps_every_promise() -> None:
    assert check_run(SPEC, GOOD) == []


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_a_broken_promise_is_noticed(checker: checkers.Checker) -> None:
    moments = list(GOOD)
    BROKEN[checker](moments)
    promise = checker.__name__.replace("_", " ")
    assert promise in {violation.promise for violation in check_run(SPEC, moments)}


def test_143_without_a_reason_is_noticed_and_with_its_reason_it_is_fine() -> None:
    def found(error: ev.NamedError | None) -> list[Violation]:
        moments = list(GOOD)
        put(-1, "app", started_at_s=None, exit_code=143, error=error)(moments)
        return check_run(SPEC, moments)

    detail = "dependency graph: failed to resolve container ordering dependency"
    assert len(found(None)) == 1
    assert found(ev.NamedError(name="CannotStartContainerError", text=detail)) == []


def test_a_journal_can_be_checked_too() -> None:
    journal = [(moment.at_s, moment.event) for moment in GOOD]
    assert check_run(SPEC, replay(SPEC, journal)) == []


def test_a_violation_reads_as_a_sentence() -> None:
    violation = Violation(promise="no status goes back", at_s=2.5, text="web went back")
    assert str(violation) == "at 2.5 s: web went back [no status goes back]"
