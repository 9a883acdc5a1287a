"""Each condition with each status of the dependency; order of the tests; the agent's texts."""

import pytest

from core.lifecycle.making import at, container, task
from pillion.core.lifecycle.conditions import Answer, Never, NotYet, Satisfied, describe, judge, judge_all
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.state import ContainerState, HealthState
from pillion.core.lifecycle.states import CONTAINER_PROGRESS, Condition, ContainerStatus, HealthStatus

STOPPED = ContainerStatus.STOPPED
HEALTHY = HealthState(status=HealthStatus.HEALTHY)
UNHEALTHY = HealthState(status=HealthStatus.UNHEALTHY)


def ask(
    condition: str,
    db: ContainerState,
    *,
    web: ContainerState | None = None,
    spec: ContainerSpec | None = None,
) -> Answer:
    """Ask one condition of `web` on `db`."""
    other = spec or container("db", has_health_check=True, start_timeout_s=20.0)
    definition = task(other, container("web", waits={"db": condition}))
    states = {"db": db, "web": web or at("PULLED")}
    target = definition.container("web")
    return judge(definition, states, target, target.depends_on[0])


def words(answer: Answer) -> str:
    return {Satisfied: "satisfied", NotYet: "not yet", Never: "never"}[type(answer)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("CREATE", ["not yet", "not yet", "not yet", *["satisfied"] * 4]),
        ("START", [*["not yet"] * 4, *["satisfied"] * 3]),
        ("COMPLETE", [*["not yet"] * 6, "satisfied"]),
        ("SUCCESS", [*["not yet"] * 6, "satisfied"]),
        ("HEALTHY", ["not yet"] * 7),
    ],
)
def test_a_condition_looks_at_the_status_of_the_dependency(condition: str, expected: list[str]) -> None:
    answers = [words(ask(condition, at(status.value))) for status in CONTAINER_PROGRESS]
    assert answers == expected


@pytest.mark.parametrize(
    ("condition", "exit_code", "expected"),
    [
        ("START", 0, "satisfied"),
        ("START", 9, "satisfied"),
        ("START", None, "satisfied"),
        ("COMPLETE", 0, "satisfied"),
        ("COMPLETE", 9, "satisfied"),
        ("COMPLETE", None, "not yet"),
        ("SUCCESS", 0, "satisfied"),
        ("SUCCESS", 9, "never"),
        ("SUCCESS", 143, "never"),
        ("SUCCESS", None, "never"),
        ("HEALTHY", 0, "not yet"),
        ("HEALTHY", 9, "not yet"),
        ("CREATE", 9, "satisfied"),
    ],
)
def test_a_condition_looks_at_the_exit_code(condition: str, exit_code: int | None, expected: str) -> None:
    assert words(ask(condition, at("STOPPED", exit_code=exit_code))) == expected


@pytest.mark.parametrize(
    ("health", "checked", "expected"),
    [(HEALTHY, True, "satisfied"), (UNHEALTHY, True, "not yet"), (HEALTHY, False, "not yet")],
)
def test_healthy_asks_the_health_check_of_the_definition(
    health: HealthState, checked: bool, expected: str
) -> None:
    spec = container("db", has_health_check=checked)
    assert words(ask("HEALTHY", at("RUNNING", health=health), spec=spec)) == expected


@pytest.mark.parametrize("condition", [item.value for item in Condition])
@pytest.mark.parametrize("status", ["NONE", "MANIFEST_PULLED", "PULLED", "CREATED"])
def test_one_that_will_never_start_satisfies_nobody(condition: str, status: str) -> None:
    answer = ask(condition, at(status, desired=STOPPED))
    assert words(answer) == "never"


@pytest.mark.parametrize("in_flight", [ContainerStatus.CREATED, ContainerStatus.RUNNING, STOPPED])
def test_one_with_an_operation_under_way_may_still_start(in_flight: ContainerStatus) -> None:
    db = at("PULLED", desired=STOPPED, in_flight=in_flight)
    assert words(ask("START", db)) == "not yet"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("COMPLETE", "never"), ("SUCCESS", "never"), ("HEALTHY", "never"), ("START", "satisfied")],
)
def test_a_start_timeout_ends_every_wait_but_that_for_the_start(condition: str, expected: str) -> None:
    assert words(ask(condition, at("RUNNING", start_timed_out=True))) == expected


def test_a_start_timeout_comes_before_a_condition_that_holds() -> None:
    assert words(ask("HEALTHY", at("RUNNING", start_timed_out=True, health=HEALTHY))) == "never"


def test_a_dependency_that_has_stopped_cannot_time_out() -> None:
    assert words(ask("COMPLETE", at("STOPPED", start_timed_out=True))) == "satisfied"


@pytest.mark.parametrize(("status", "expected"), [("PULLED", "never"), ("CREATED", "satisfied")])
def test_a_dependant_that_was_created_is_not_timed_out(status: str, expected: str) -> None:
    db = at("RUNNING", start_timed_out=True, health=HEALTHY)
    assert words(ask("HEALTHY", db, web=at(status))) == expected


def test_the_text_of_a_failed_success_is_the_agents() -> None:
    answer = ask("SUCCESS", at("STOPPED", exit_code=3))
    assert isinstance(answer, Never)
    assert answer.detail == (
        "failed to resolve container ordering dependency [db(db:1) (STOPPED->RUNNING) - Exit: 3] "
        "for target [web(web:1) (PULLED->RUNNING)] as dependency did not exit successfully."
    )
    assert answer.because == "db exited with code 3, and SUCCESS asks for 0"


def test_the_text_of_a_timeout_is_the_agents() -> None:
    answer = ask("HEALTHY", at("RUNNING", start_timed_out=True))
    assert isinstance(answer, Never)
    assert answer.detail == (
        "container ordering dependency [db(db:1) (RUNNING->RUNNING)] for target "
        "[web(web:1) (PULLED->RUNNING)] has timed out."
    )
    assert answer.because == "the startTimeout of db (20 s) has passed"


def test_the_text_of_one_that_never_starts_is_the_agents() -> None:
    answer = ask("START", at("CREATED", desired=STOPPED))
    assert isinstance(answer, Never)
    assert answer.detail == (
        "failed to resolve container ordering dependency [db(db:1) (CREATED->STOPPED)] "
        "for target [web(web:1) (PULLED->RUNNING)] because dependency will never start"
    )


def test_the_text_of_a_missing_container_is_the_agents() -> None:
    web = container("web", waits={"ghost": "START"})
    answer = judge(task(web), {"web": at("PULLED")}, web, web.depends_on[0])
    assert answer == Never(
        Dependency(container="ghost", condition=Condition.START),
        because="there is no container ghost",
        detail=(
            "container ordering dependency [<nil>] for target [web(web:1) (PULLED->RUNNING)] does not exist."
        ),
    )


def test_a_brace_in_an_image_stands_as_it_is() -> None:
    spec = ContainerSpec(name="db", image="{names}{}")
    answer = ask("SUCCESS", at("STOPPED", exit_code=3), spec=spec)
    assert isinstance(answer, Never)
    assert "[db({names}{}) (STOPPED->RUNNING) - Exit: 3]" in answer.detail


def test_every_dependency_is_answered_in_the_order_of_the_definition() -> None:
    web = container("web", waits={"a": "START", "b": "SUCCESS", "c": "COMPLETE"})
    definition = task(container("a"), container("b"), container("c"), web)
    states = {"a": at("RUNNING"), "b": at("STOPPED", exit_code=1), "c": at("RUNNING"), "web": at("PULLED")}
    answers = [words(answer) for answer in judge_all(definition, states, web)]
    assert answers == ["satisfied", "never", "not yet"]


def test_what_is_satisfied_says_why() -> None:
    assert ask("START", at("RUNNING")) == Satisfied("db has started")
    assert ask("START", at("STOPPED")) == Satisfied("db has already ended")
    assert ask("CREATE", at("CREATED")) == Satisfied("db was created")
    assert ask("COMPLETE", at("STOPPED", exit_code=7)) == Satisfied("db completed with exit code 7")
    assert ask("SUCCESS", at("STOPPED")) == Satisfied("db exited with 0 (SUCCESS)")
    assert ask("HEALTHY", at("RUNNING", health=HEALTHY)) == Satisfied("db is HEALTHY")


def test_a_container_is_described_as_the_agent_prints_it() -> None:
    spec = ContainerSpec(name="db", image="postgres:16")
    assert describe(spec, at("RUNNING")) == "db(postgres:16) (RUNNING->RUNNING)"
    assert describe(spec, at("STOPPED", exit_code=0)) == "db(postgres:16) (STOPPED->RUNNING) - Exit: 0"
