"""What no transcript shows: fields of the state, times, limits, and states that should not come up."""

import pytest
from msgspec.structs import replace

from core.lifecycle.making import at, container, pause, state_of, task
from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.fold import task_status
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import RestartPolicy, TaskSpec
from pillion.core.lifecycle.state import HealthState, TaskState, initial_state
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, ResourceStatus, StopCode, TaskStatus

STOPPED = ContainerStatus.STOPPED


def run(spec: TaskSpec, *events: tuple[float, ev.Event]) -> TaskState:
    state = initial_state(spec)
    for now_s, event in events:
        state = handle(state, event, now_s).state
    return state


def upto_running(name: str = "web") -> tuple[tuple[float, ev.Event], ...]:
    return (
        (1.0, ev.StartRequested()),
        (2.0, ev.ManifestResolved(container=name, digest="sha256:1")),
        (3.0, ev.PullStarted(container=name)),
        (4.0, ev.Pulled(container=name)),
        (5.0, ev.Created(container=name, runtime_id="id", image_id="sha256:2")),
        (6.5, ev.Started(container=name, at_s=6.0)),
    )


def test_the_times_of_a_task_are_those_of_its_events() -> None:
    exited = ev.Exited(container="web", exit_code=0, at_s=9.0)
    state = run(task(container("web")), *upto_running(), (9.5, exited))
    assert {name: getattr(state, name) for name in state.__struct_fields__ if name.endswith("_at_s")} == {
        "created_at_s": 1.0,
        "pull_started_at_s": 3.0,
        "pull_stopped_at_s": 4.0,
        "started_at_s": 6.5,
        "stopping_at_s": 9.5,
        "execution_stopped_at_s": 9.5,
        "stopped_at_s": 9.5,
    }


def test_the_record_of_a_container_is_what_the_engine_said() -> None:
    exited = ev.Exited(container="web", exit_code=7, at_s=9.0)
    state = run(task(container("web")), *upto_running(), (9.5, exited))
    assert state.containers["web"] == at(
        "STOPPED",
        desired=STOPPED,
        cause="the task was started",
        exit_code=7,
        image_digest="sha256:1",
        image_id="sha256:2",
        runtime_id="id",
        created_at_s=5.0,
        started_at_s=6.0,
        process_started_at_s=6.0,
        finished_at_s=9.0,
    )


def test_a_container_that_ends_by_itself_is_still_wanted_to_run() -> None:
    spec = task(container("web"), container("loader", essential=False))
    loader = tuple((now_s, event) for now_s, event in upto_running("loader"))
    state = run(spec, *loader, (9.0, ev.Exited(container="loader", exit_code=0)))
    assert state.containers["loader"].known is STOPPED
    assert state.containers["loader"].desired is ContainerStatus.RUNNING


def test_the_first_start_stays_and_the_process_start_follows_restarts() -> None:
    spec = task(container("web", restart=RestartPolicy(attempt_period_s=60.0)))
    again = (ev.Exited(container="web", exit_code=1, at_s=99.0), ev.Started(container="web", at_s=100.0))
    web = run(spec, *upto_running(), (99.0, again[0]), (101.0, again[1])).containers["web"]
    assert (web.started_at_s, web.process_started_at_s) == (6.0, 100.0)
    assert (web.restart_count, web.last_restart_at_s, web.exit_code) == (1, 101.0, None)
    assert (web.restarting, web.in_flight, web.known) == (None, None, ContainerStatus.RUNNING)


def test_the_first_times_of_a_task_stay() -> None:
    spec = task(container("web", has_health_check=True), container("other"))
    both = [pair for name in ("web", "other") for pair in upto_running(name)]
    later = (
        (20.0, ev.HealthProbed(container="web", failing_streak=1)),
        (30.0, ev.Exited(container="web", exit_code=0)),
        (40.0, ev.Exited(container="other", exit_code=0)),
    )
    state = run(spec, *both, *later)
    assert (state.started_at_s, state.execution_stopped_at_s, state.stopped_at_s) == (6.5, 30.0, 40.0)


def test_the_status_of_a_task_does_not_go_back_when_a_container_would_pull_it() -> None:
    state = replace(state_of(task(container("a"), container("b"))), known=TaskStatus.RUNNING)
    after = handle(state, ev.ManifestResolved(container="a"), 5.0).state
    assert after.known is TaskStatus.RUNNING


def test_execution_has_not_stopped_while_an_essential_container_is_only_wanted_to_stop() -> None:
    error = ev.NamedError(name="DockerTimeoutError", text="slow")
    failed = ev.StartFailed(container="web", error=error, may_run=True)
    state = run(task(container("web")), *upto_running()[:5], (7.0, failed))
    assert (state.is_stopping, state.execution_stopped_at_s) == (True, None)


def test_a_pull_that_failed_has_stopped_too() -> None:
    error = ev.NamedError(name="CannotPullContainerError", text="no")
    failed = ev.PullFailed(container="web", error=error, cached=True)
    begun = run(task(container("web")), *upto_running()[:3], (8.0, failed))
    refused = run(task(container("web")), *upto_running()[:2], (8.0, failed))
    assert (begun.pull_started_at_s, begun.pull_stopped_at_s) == (3.0, 8.0)
    assert (refused.pull_started_at_s, refused.pull_stopped_at_s) == (None, None)


def test_the_digest_that_was_pulled_is_the_one_that_counts() -> None:
    pulled = ev.Pulled(container="web", digest="sha256:9")
    again = run(task(container("web")), *upto_running()[:3], (4.0, pulled))
    same = run(task(container("web")), *upto_running()[:4])
    assert again.containers["web"].image_digest == "sha256:9"
    assert same.containers["web"].image_digest == "sha256:1"


def test_a_resource_that_failed_is_known_as_such() -> None:
    error = ev.NamedError(name="CannotCreateVolumeError", text="no")
    spec = task(container("web"), resources=("a", "b"))
    failed = ev.ResourceFailed(resource="a", error=error)
    state = run(spec, (1.0, ev.StartRequested()), (2.0, failed))
    assert state.resources == {"a": ResourceStatus.FAILED, "b": ResourceStatus.PREPARING}


def test_what_a_second_telling_of_an_exit_adds_is_kept() -> None:
    first = ev.Exited(container="web", exit_code=7)
    second = ev.Exited(container="web", exit_code=8, at_s=9.0)
    state = run(task(container("web")), *upto_running(), (9.5, first), (9.6, second))
    assert (state.containers["web"].exit_code, state.containers["web"].finished_at_s) == (7, 9.0)
    third = handle(state, first, 9.7).state
    assert third.containers["web"].finished_at_s == 9.0


def test_a_start_that_is_told_after_its_exit_sets_the_time_of_the_start() -> None:
    exited = ev.Exited(container="web", exit_code=7)
    started = ev.Started(container="web", at_s=6.0)
    unseen = run(task(container("web")), *upto_running()[:5], (8.0, exited))
    told = handle(unseen, started, 8.5).state
    assert unseen.containers["web"].started_at_s == 8.0
    assert told.containers["web"].started_at_s == 6.0


def test_a_restart_that_failed_is_over() -> None:
    spec = task(container("web", restart=RestartPolicy(attempt_period_s=60.0)))
    error = ev.NamedError(name="CannotStartContainerError", text="no")
    state = run(
        spec,
        *upto_running(),
        (100.0, ev.Exited(container="web", exit_code=1, at_s=99.0)),
        (101.0, ev.StartFailed(container="web", error=error)),
    )
    web = state.containers["web"]
    assert (web.restarting, web.in_flight, web.exit_code, web.finished_at_s) == (None, None, 1, 99.0)


def test_a_container_that_vanished_or_could_not_be_stopped_has_finished() -> None:
    spec = task(container("web", restart=RestartPolicy(attempt_period_s=60.0)))
    error = ev.NamedError(name="CannotStopContainerError", text="no")
    restarting = (100.0, ev.Exited(container="web", exit_code=1))
    gone = run(spec, *upto_running(), restarting, (101.0, ev.Vanished(container="web")))
    stuck = run(
        spec, *upto_running(), (8.0, ev.StopRequested()), (9.0, ev.StopFailed(container="web", error=error))
    )
    unmade = run(spec, *upto_running()[:5], (9.0, ev.Vanished(container="web")))
    assert (gone.containers["web"].finished_at_s, gone.containers["web"].restarting) == (101.0, None)
    assert stuck.containers["web"].finished_at_s == 9.0
    assert unmade.containers["web"].finished_at_s is None


def test_nothing_was_pulled_where_no_pull_began() -> None:
    spec = task(container("web"))
    state = run(
        spec,
        (1.0, ev.StartRequested()),
        (2.0, ev.ManifestResolved(container="web")),
        (3.0, ev.Pulled(container="web", pulled=False)),
    )
    assert (state.pull_started_at_s, state.pull_stopped_at_s) == (None, None)


def test_health_is_kept_with_its_time_its_output_and_an_exit_code_only_while_unhealthy() -> None:
    spec = task(container("web", has_health_check=True, health_retries=4))
    bad = ev.HealthChanged(container="web", status=HealthStatus.UNHEALTHY, output="x" * 2000, exit_code=7)
    good = ev.HealthChanged(container="web", status=HealthStatus.HEALTHY, output="fine", exit_code=0)
    unhealthy = run(spec, *upto_running(), (20.0, bad))
    healthy = run(spec, *upto_running(), (20.0, bad), (30.0, good))
    assert unhealthy.containers["web"].health == HealthState(
        status=HealthStatus.UNHEALTHY, since_s=20.0, output="x" * 1024, exit_code=7, failing_streak=4
    )
    assert healthy.containers["web"].health == HealthState(
        status=HealthStatus.HEALTHY, since_s=30.0, output="fine"
    )


def test_a_probe_changes_the_streak_and_nothing_that_is_reported() -> None:
    spec = task(container("web", has_health_check=True))
    before = run(spec, *upto_running())
    state, commands = handle(before, ev.HealthProbed(container="web", failing_streak=2), 20.0)
    assert state.containers["web"].health == HealthState(failing_streak=2)
    assert (commands, state.version) == ((), before.version)


def test_the_version_counts_events_that_were_reported() -> None:
    spec = task(container("web"))
    versions = [run(spec, *upto_running()[:count]).version for count in range(7)]
    assert versions == [0, 1, 2, 2, 3, 4, 5]


def test_a_reason_is_cut_at_what_the_agent_sends() -> None:
    error = ev.NamedError(name="CannotPullContainerError", text="x" * 5000)
    spec = task(container("web"))
    failed = ev.PullFailed(container="web", error=error, cached=True)
    state = run(spec, *upto_running()[:2], (4.0, failed))
    assert len(str(state.containers["web"].error)) == 1024


def test_a_task_that_cannot_stop_in_order_is_given_up() -> None:
    """The graph is checked before a start, so such a state has to be made by hand."""
    spec = task(container("a", waits={"b": "START"}), container("b", waits={"a": "START"}))
    state, commands = handle(state_of(spec, a=at("RUNNING"), b=at("RUNNING")), ev.StopRequested(), 5.0)
    assert state.known is TaskStatus.STOPPED
    assert state.stopped_reason == "TaskStateError: Agent could not progress task's state to stopped"
    assert state.stop_code is StopCode.USER_INITIATED
    assert [type(command) for command in commands] == [
        cmd.ReportStopping,
        cmd.ReportContainer,
        cmd.ReportContainer,
        cmd.ReportTask,
    ]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("NONE", "RUNNING"), TaskStatus.NONE),
        (("MANIFEST_PULLED", "RUNNING"), TaskStatus.MANIFEST_PULLED),
        (("PULLED", "RUNNING"), TaskStatus.MANIFEST_PULLED),
        (("CREATED", "RUNNING"), TaskStatus.CREATED),
        (("RUNNING", "RUNNING"), TaskStatus.RUNNING),
        (("STOPPED", "RUNNING"), TaskStatus.RUNNING),
        (("STOPPED", "CREATED"), TaskStatus.CREATED),
        (("STOPPED", "STOPPED"), TaskStatus.STOPPED),
    ],
)
def test_the_status_of_a_task_is_that_of_its_least_advanced_container(
    statuses: tuple[str, str], expected: TaskStatus
) -> None:
    spec = task(container("a"), container("b"))
    assert task_status(spec, {"a": at(statuses[0]), "b": at(statuses[1])}) is expected


def test_a_pause_container_that_only_runs_has_not_arrived() -> None:
    spec = task(pause(), container("a"))
    assert task_status(spec, {"pause": at("RUNNING"), "a": at("RUNNING")}) is TaskStatus.CREATED
    arrived = {"pause": at("RESOURCES_PROVISIONED"), "a": at("RUNNING")}
    assert task_status(spec, arrived) is TaskStatus.RUNNING


def test_a_task_without_containers_ends_with_its_first_event() -> None:
    assert run(task(), (1.0, ev.StartRequested())).known is TaskStatus.STOPPED


def test_a_state_is_a_value_that_handling_does_not_change() -> None:
    before = run(task(container("web")), *upto_running())
    copy = replace(before, containers=dict(before.containers))
    handle(before, ev.Exited(container="web", exit_code=1), 9.0)
    assert before == copy
