"""What everyone waits for, as values and words."""

from typing import Any

import pytest
from msgspec.structs import replace

from core.lifecycle.making import at, container, pause, state_of, task
from pillion.core.lifecycle.events import Exited
from pillion.core.lifecycle.explain import Waiting, WaitKind, waiting
from pillion.core.lifecycle.spec import ResourceNeed, TaskSpec
from pillion.core.lifecycle.state import ContainerState, HealthState, TaskState, initial_state
from pillion.core.lifecycle.states import (
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    ResourceStatus,
    TaskStatus,
)

STOPPED = ContainerStatus.STOPPED
ENVOY = container("envoy", has_health_check=True, health_retries=3)


def texts(state: TaskState) -> list[str]:
    return [item.text for item in waiting(state)]


def one(spec: TaskSpec, **containers: ContainerState) -> Waiting:
    """Return the only wait of a state."""
    (found,) = waiting(state_of(spec, **containers))
    return found


def stopping(state: TaskState, **changes: Any) -> TaskState:
    return replace(state, desired=TaskStatus.STOPPED, **changes)


def test_a_task_that_was_not_started_is_waited_for() -> None:
    assert waiting(initial_state(task(container("web")))) == (
        Waiting(container="web", kind=WaitKind.TASK, text="web waits for the task to be started"),
    )


@pytest.mark.parametrize(
    ("status", "in_flight", "text"),
    [
        ("NONE", "MANIFEST_PULLED", "web waits for the image to be looked up"),
        ("MANIFEST_PULLED", "PULLED", "web waits for the image to be pulled"),
        ("PULLED", "CREATED", "web is being created"),
        ("CREATED", "RUNNING", "web is being started"),
    ],
)
def test_an_operation_under_way_is_named(status: str, in_flight: str, text: str) -> None:
    found = one(task(container("web")), web=at(status, in_flight=ContainerStatus(in_flight)))
    assert found == Waiting(container="web", kind=WaitKind.OPERATION, text=text)


def test_a_network_being_set_up_and_those_who_wait_for_it() -> None:
    spec = task(pause(), container("web"))
    state = state_of(spec, pause=at("RUNNING", in_flight=ContainerStatus.RESOURCES_PROVISIONED))
    assert texts(state) == [
        "pause is setting up the task's network",
        "web waits for the task's network to be ready",
    ]
    assert waiting(state)[1].on == ("pause",)


def test_shared_namespaces_are_waited_for_before_the_pull() -> None:
    spec = task(pause("ns", ContainerKind.NAMESPACE_PAUSE), container("web"))
    state = state_of(spec, ns=at("CREATED", in_flight=ContainerStatus.RUNNING), web=at("MANIFEST_PULLED"))
    assert texts(state)[1] == "web waits for the task's shared PID and IPC namespaces to be ready"


def test_resources_are_named() -> None:
    needs = tuple(ResourceNeed(resource=name, before=ContainerStatus.PULLED) for name in ("a", "b", "c"))
    state = state_of(
        task(container("web", needs=needs), resources=("a", "b", "c")), web=at("MANIFEST_PULLED")
    )
    ready = {"a": ResourceStatus.PREPARING, "b": ResourceStatus.READY, "c": ResourceStatus.PREPARING}
    assert waiting(replace(state, resources=ready)) == (
        Waiting(
            container="web", kind=WaitKind.RESOURCE, text="web waits for a and c to be ready", on=("a", "c")
        ),
    )


@pytest.mark.parametrize(
    ("condition", "db", "text"),
    [
        ("START", at("CREATED"), "web waits for db to start"),
        ("CREATE", at("PULLED"), "web waits for db to be created"),
        ("COMPLETE", at("RUNNING"), "web waits for db to exit (COMPLETE)"),
        ("SUCCESS", at("RUNNING"), "web waits for db to exit with 0 (SUCCESS)"),
        ("HEALTHY", at("CREATED"), "web waits for db to be HEALTHY"),
    ],
)
def test_a_dependency_is_named_with_what_it_has_to_do(condition: str, db: ContainerState, text: str) -> None:
    spec = task(container("db", has_health_check=True), container("web", waits={"db": condition}))
    state = state_of(spec, db=replace(db, in_flight=None), web=at("PULLED"))
    assert waiting(state)[-1] == Waiting(
        container="web", kind=WaitKind.DEPENDENCY, text=text, on=("db",), for_ever=False
    )


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (HealthState(), "probe 1 of 3"),
        (HealthState(failing_streak=1), "probe 2 of 3"),
        (HealthState(failing_streak=2), "probe 3 of 3"),
        (HealthState(failing_streak=9), "probe 3 of 3"),
        (
            HealthState(status=HealthStatus.UNHEALTHY, failing_streak=3),
            "which is UNHEALTHY after 3 failed probes",
        ),
        (
            HealthState(status=HealthStatus.UNHEALTHY, failing_streak=5),
            "which is UNHEALTHY after 5 failed probes",
        ),
    ],
)
def test_health_is_told_with_its_probes(health: HealthState, words: str) -> None:
    spec = task(ENVOY, container("web", waits={"envoy": "HEALTHY"}))
    found = one(spec, envoy=at("RUNNING", health=health), web=at("PULLED"))
    assert found.text == f"web waits for envoy to be HEALTHY, {words}"


def test_several_dependencies_are_one_sentence() -> None:
    spec = task(
        ENVOY,
        container("db"),
        container("log"),
        container("web", waits={"envoy": "HEALTHY", "db": "COMPLETE", "log": "COMPLETE"}),
    )
    found = one(spec, envoy=at("RUNNING"), db=at("RUNNING"), log=at("RUNNING"), web=at("PULLED"))
    assert found.text == (
        "web waits for envoy to be HEALTHY, probe 1 of 3, db to exit (COMPLETE) and log to exit (COMPLETE)"
    )
    assert found.on == ("envoy", "db", "log")


def test_a_wait_for_health_of_a_container_that_ended_is_said_to_last_for_ever() -> None:
    spec = task(ENVOY, container("web", waits={"envoy": "HEALTHY"}))
    found = one(spec, envoy=at("STOPPED", exit_code=1), web=at("PULLED"))
    assert found == Waiting(
        container="web",
        kind=WaitKind.DEPENDENCY,
        text=(
            "web waits for envoy to be HEALTHY, but it has ended with code 1: "
            "this wait lasts for ever, as it would on ECS"
        ),
        on=("envoy",),
        for_ever=True,
    )


def test_a_wait_for_an_exit_code_that_nobody_knows_is_said_to_last_for_ever() -> None:
    spec = task(container("db"), container("web", waits={"db": "COMPLETE"}))
    found = one(spec, db=at("STOPPED", exit_code=None), web=at("PULLED"))
    assert found.for_ever
    assert found.text.startswith("web waits for db to exit (COMPLETE), but it has ended: this wait lasts")


def test_while_images_are_pulled_ahead_the_pull_is_what_is_waited_for() -> None:
    spec = task(ENVOY, container("web", waits={"envoy": "HEALTHY"}))
    state = state_of(spec, envoy=at("RUNNING"), web=at("MANIFEST_PULLED", in_flight=ContainerStatus.PULLED))
    assert texts(state) == ["web waits for the image to be pulled"]


def test_who_has_arrived_or_ended_waits_for_nothing() -> None:
    spec = task(container("web"), container("loader", essential=False))
    assert waiting(state_of(spec, web=at("RUNNING"), loader=at("STOPPED"))) == ()


def test_a_restart_is_told() -> None:
    exited = Exited(container="web", exit_code=1)
    web = at("RUNNING", in_flight=ContainerStatus.RUNNING, restarting=exited)
    assert one(task(container("web")), web=web).text == "web is being restarted"


def test_while_stopping_everyone_says_whom_it_waits_for() -> None:
    spec = task(
        pause(),
        container("db", stop_timeout_s=5.0),
        container("api", waits={"db": "START"}),
        container("web", waits={"api": "START"}, stop_timeout_s=12.5),
    )
    state = state_of(
        spec,
        pause=at("RESOURCES_PROVISIONED", desired=STOPPED),
        db=at("RUNNING", desired=STOPPED),
        api=at("RUNNING", desired=STOPPED),
        web=at("RUNNING", desired=STOPPED, in_flight=STOPPED),
    )
    assert texts(stopping(state)) == [
        "pause waits for db, api and web to stop first",
        "db waits for api to stop first",
        "api waits for web to stop first",
        "web is being stopped and has 12.5 s for it (stopTimeout)",
    ]
    assert [item.kind for item in waiting(stopping(state))] == [
        *[WaitKind.STOP_ORDER] * 3,
        WaitKind.OPERATION,
    ]


def test_a_kill_has_no_time_limit() -> None:
    state = state_of(task(container("web")), web=at("RUNNING", desired=STOPPED, in_flight=STOPPED))
    assert texts(stopping(state, killed=True)) == ["web is being stopped"]


def test_a_start_that_a_stop_waits_for_is_told() -> None:
    web = at("CREATED", desired=STOPPED, in_flight=ContainerStatus.RUNNING)
    state = stopping(state_of(task(container("web")), web=web))
    assert texts(state) == ["web is being started and is stopped after that"]
