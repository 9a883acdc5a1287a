"""Whole diagnoses: what is concluded from a task that ECS describes, with its definition or without."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pillion.core.diagnosis.definition import DefinitionFacts, definition_facts
from pillion.core.diagnosis.diagnose import diagnose
from pillion.core.diagnosis.evidence import evidence_of_shape, with_lines
from pillion.core.diagnosis.model import Diagnosis, Explanation
from pillion.core.findings import format_path
from pillion.core.lifecycle.explain import Waiting, WaitKind
from pillion.core.taskdef.parse import parse_task_definition

GRAPH = "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency"
ROUTER = {"firelensConfiguration": {"type": "fluentbit"}}
ROUTED = {"logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "stdout"}}}


def container(name: str, exit_code: int | None = None, **members: Any) -> dict[str, Any]:
    """Return a container that has ended, unless `lastStatus` says otherwise."""
    ended = {} if exit_code is None else {"exitCode": exit_code}
    return {"name": name, "image": f"{name}:1", "lastStatus": "STOPPED", **ended, **members}


def stopped(code: str, reason: str, *containers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a task that has stopped at 10:00:30, having begun to stop at 10:00:00."""
    return {
        "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/default/0123456789abcdef",
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": code,
        "stoppedReason": reason,
        "stoppingAt": "2026-09-01T10:00:00+00:00",
        "stoppedAt": "2026-09-01T10:00:30+00:00",
        "containers": list(containers),
        **members,
    }


def essential_exit(*containers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a task that ended because an essential container did."""
    reason = "Essential container in task exited"
    return stopped("EssentialContainerExited", reason, *containers, **members)


def alive(status: str, *containers: dict[str, Any]) -> dict[str, Any]:
    """Return a task that has not ended."""
    return {"lastStatus": status, "desiredStatus": "RUNNING", "containers": list(containers)}


def facts(*containers: dict[str, Any]) -> DefinitionFacts:
    """Return a definition of these containers."""
    full = [{"image": f"{item['name']}:1", "memory": 64, **item} for item in containers]
    parsed = parse_task_definition({"family": "web", "networkMode": "awsvpc", "containerDefinitions": full})
    assert parsed.definition is not None
    return definition_facts(parsed.definition)


def told(shape: dict[str, Any], known: DefinitionFacts | None = None) -> Diagnosis:
    return diagnose(evidence_of_shape(shape), known)


def brief(diagnosis: Diagnosis) -> list[tuple[str, str, str | None]]:
    """Return each finding as code, role and container."""
    return [(item.code, item.role.value, item.container) for item in diagnosis.findings]


def chain(diagnosis: Diagnosis) -> list[tuple[str | None, str]]:
    return [(link.container, link.text) for link in diagnosis.chain]


def finding(diagnosis: Diagnosis, code: str) -> Explanation:
    return next(item for item in diagnosis.findings if item.code == code)


def test_out_of_memory_names_the_container_its_limit_and_the_member_to_change() -> None:
    shape = essential_exit(
        container("side", 143),
        container("app", 137, reason="OutOfMemoryError: Container killed due to memory usage", memory="128"),
    )
    found = told(shape, facts({"name": "side"}, {"name": "app", "memory": 128}))
    assert brief(found) == [("out-of-memory", "fault", "app")]
    first = found.findings[0]
    assert first.evidence == (
        "app reason: OutOfMemoryError: Container killed due to memory usage",
        "app exitCode: 137",
        "its limit is 128 MiB",
    )
    assert format_path(first.path) == "containerDefinitions[1].memory"
    assert chain(found) == [
        ("app", "the kernel killed it because it used more memory than it may"),
        (None, "app is essential, so ECS stops the task"),
        (None, "told to stop with it: side"),
        (None, "the task is STOPPED (EssentialContainerExited: Essential container in task exited)"),
    ]


def test_a_sidecar_that_needed_its_whole_stop_timeout_was_killed_by_it() -> None:
    shape = essential_exit(container("app", 1), container("side", 137))
    found = told(shape, facts({"name": "app"}, {"name": "side", "essential": False, "stopTimeout": 29}))
    assert brief(found) == [("exit-1", "fault", "app"), ("killed-after-stop-timeout", "note", "side")]
    assert finding(found, "killed-after-stop-timeout").evidence == (
        "side exitCode: 137",
        "stopTimeout 29 s; the stop took 30 s",
    )


def test_137_long_before_the_stop_timeout_was_somebody_elses_doing() -> None:
    shape = essential_exit(container("app", 1), container("side", 137), stoppedAt="2026-09-01T10:00:03+00:00")
    found = told(shape, facts({"name": "app"}, {"name": "side", "essential": False}))
    side = finding(found, "exit-137")
    assert side.container == "side"
    assert side.evidence[-1] == "it ended 3 s after the stop began; its stopTimeout is 30 s"
    assert not side.is_certain


def test_without_the_definition_the_default_stop_timeout_is_said_to_be_assumed() -> None:
    found = told(essential_exit(container("app", 1), container("side", 137)))
    words = finding(found, "killed-after-stop-timeout").evidence[-1]
    assert words == ("stopTimeout 30 s (the default; the definition is not known); the stop took 30 s")


@pytest.mark.parametrize(
    ("exit_code", "code"),
    [
        (0, "exit-0"),
        (1, "exit-1"),
        (7, "exit-other"),
        (126, "exit-126"),
        (127, "exit-127"),
        (134, "exit-134"),
        (137, "exit-137"),
        (139, "exit-139"),
        (143, "exit-143"),
        (131, "exit-131"),
        (255, "exit-255"),
    ],
)
def test_the_exit_code_of_the_container_that_ended_the_task_is_explained(exit_code: int, code: str) -> None:
    found = told(essential_exit(container("app", exit_code)))
    assert brief(found) == [(code, "fault", "app")]
    assert found.findings[0].is_certain


def test_the_exit_that_a_stop_explains_least_is_taken_for_the_cause() -> None:
    found = told(essential_exit(container("a", 143), container("b", 139), container("c", 137)))
    assert found.findings[0].container == "b"
    assert found.findings[0].is_certain


def test_where_any_exit_may_have_been_first_the_answer_says_that_it_is_likely_only() -> None:
    found = told(essential_exit(container("a", 143), container("b", 0)))
    assert (found.findings[0].container, found.findings[0].is_certain) == ("b", False)
    assert found.summary == "task 01234567 (web:7) is STOPPED. most likely: b: it ended by itself with 0"


def test_a_container_that_is_not_essential_is_not_suspected() -> None:
    shape = essential_exit(container("side", 139), container("app", 0))
    found = told(shape, facts({"name": "side", "essential": False}, {"name": "app"}))
    assert brief(found) == [("exit-0", "fault", "app"), ("exit-139", "note", "side")]


def test_a_loader_that_failed_is_the_beginning_of_the_chain_and_143_is_no_exit() -> None:
    reason = (
        f"{GRAPH} [loader(loader:1) (STOPPED->RUNNING) - Exit: 4] for target "
        "[app(app:1) (PULLED->RUNNING)] as dependency did not exit successfully."
    )
    shape = stopped(
        "TaskFailedToStart",
        "Task failed to start",
        container("app", 143, reason=reason),
        container("loader", 4),
    )
    edge = {"containerName": "loader", "condition": "SUCCESS"}
    found = told(shape, facts({"name": "app", "dependsOn": [edge]}, {"name": "loader", "essential": False}))
    assert brief(found) == [
        ("exit-other", "fault", "loader"),
        ("dependency-not-successful", "consequence", "app"),
    ]
    assert format_path(found.findings[1].path) == "containerDefinitions[0].dependsOn[0]"
    assert chain(found) == [
        ("loader", "it ended by itself with 4"),
        ("app", "it cannot start: loader did not exit with 0, and SUCCESS asks for that"),
        (None, "app is essential, so ECS stops the task"),
        (None, "the task is STOPPED (TaskFailedToStart: Task failed to start)"),
    ]
    assert found.summary == "task 01234567 (web:7) is STOPPED. loader: it ended by itself with 4"


def test_a_chain_of_dependencies_is_told_from_its_beginning() -> None:
    def because(dependency: str, target: str) -> str:
        return (
            f"{GRAPH} [{dependency}(x:1) (PULLED->STOPPED)] for target [{target}(y:1) (PULLED->RUNNING)] "
            "because dependency will never start"
        )

    shape = stopped(
        "TaskFailedToStart",
        "Task failed to start",
        container("c", 143, reason=because("b", "c")),
        container("b", 143, reason=because("a", "b")),
        container(
            "a", reason="CannotStartContainerError: Bind for 0.0.0.0:80 failed: port is already allocated"
        ),
    )
    found = told(shape)
    assert chain(found)[:3] == [
        ("a", "the host port 80 is taken"),
        ("b", "it cannot start: a will never start"),
        ("c", "it cannot start: b will never start"),
    ]
    assert found.findings[0].code == "port-taken"


def test_a_dependency_that_was_late_is_the_beginning_of_the_chain_and_its_exit_is_not() -> None:
    reason = (
        "CannotStartContainerError: dependency graph: container ordering dependency "
        "[db(db:1) (RUNNING->RUNNING)] for target [app(app:1) (PULLED->RUNNING)] has timed out."
    )
    shape = stopped(
        "TaskFailedToStart",
        "Task failed to start",
        container("db", 0, healthStatus="UNKNOWN"),
        container("app", 143, reason=reason),
    )
    check = {"command": ["CMD-SHELL", "pg_isready"], "interval": 5}
    found = told(
        shape,
        facts(
            {"name": "db", "essential": False, "startTimeout": 20, "healthCheck": check},
            {"name": "app", "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
        ),
    )
    assert brief(found) == [("not-in-time", "fault", "db"), ("dependency-timed-out", "consequence", "app")]
    assert found.findings[0].evidence == (
        "db healthStatus: UNKNOWN",
        (
            "without a startPeriod, 3 failed probes in a row make it UNHEALTHY; one is made every 5 s, "
            "with 5 s to answer"
        ),
    )
    assert format_path(found.findings[0].path) == "containerDefinitions[0].startTimeout"
    assert chain(found) == [
        ("db", "it did not get to HEALTHY within its startTimeout (20 s)"),
        ("app", "it cannot start: db did not get there within its startTimeout"),
        (None, "app is essential, so ECS stops the task"),
        (None, "the task is STOPPED (TaskFailedToStart: Task failed to start)"),
    ]


def test_a_dependency_that_was_late_and_runs_on_is_told_without_a_definition_too() -> None:
    reason = (
        "CannotStartContainerError: dependency graph: container ordering dependency "
        "[db(db:1) (RUNNING->RUNNING)] for target [side(side:1) (PULLED->RUNNING)] has timed out."
    )
    found = told(
        alive("RUNNING", container("db", lastStatus="RUNNING"), container("side", 143, reason=reason))
    )
    assert brief(found) == [("not-in-time", "fault", "db"), ("dependency-timed-out", "consequence", "side")]
    assert found.findings[0].what == "it did not get to what others wait for within its startTimeout"


def test_a_reason_that_fargate_copied_into_the_task_is_told_once_and_of_the_container() -> None:
    reason = "CannotPullContainerError: manifest for app:9 not found: manifest unknown"
    shape = stopped("TaskFailedToStart", reason, container("app", reason=reason), container("side"))
    assert brief(told(shape)) == [("image-not-found", "fault", "app")]


def test_a_secret_that_is_missing_is_found_in_the_definition_by_its_name() -> None:
    reason = (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
        "failed: unable to retrieve secrets from ssm: invalid ssm parameters: /app/database-url"
    )
    secrets = [
        {"name": "A", "valueFrom": "/app/other"},
        {"name": "B", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/app/database-url"},
    ]
    shape = stopped("TaskFailedToStart", reason, container("side"), container("app"))
    found = told(shape, facts({"name": "side", "essential": False}, {"name": "app", "secrets": secrets}))
    assert brief(found) == [("secret-missing", "fault", None)]
    assert format_path(found.findings[0].path) == "containerDefinitions[1].secrets[1]"


def test_where_pillion_ran_the_task_the_advice_begins_with_what_helps_here() -> None:
    reason = "CannotPullContainerError: manifest for app:9 not found: manifest unknown"
    task = evidence_of_shape(stopped("TaskFailedToStart", reason, container("app", reason=reason)))
    (there,) = diagnose(task).findings
    (here,) = diagnose(replace(task, is_local=True)).findings
    assert here.advice[0].startswith("On this machine another image can stand in: pillion run --image")
    assert here.advice[1:] == there.advice


def test_where_the_times_are_known_it_is_said_when_a_container_became_unhealthy() -> None:
    task = evidence_of_shape(alive("RUNNING", container("app", lastStatus="RUNNING")))
    (app,) = task.containers
    sick = replace(
        app,
        health_status="UNHEALTHY",
        started_at_s=10.0,
        health_since_s=25.5,
        health_output="no\ncurl: not found\n",
    )
    (found,) = diagnose(replace(task, containers=(sick,))).findings
    assert found.evidence == (
        "app healthStatus: UNHEALTHY",
        "it became UNHEALTHY 15.5 s after its start",
        "its last output: no\ncurl: not found",
    )
    assert found.advice[0] == "Install it in the image, or use what is there."


def test_a_pull_error_on_a_container_that_runs_is_an_old_story() -> None:
    shape = alive("RUNNING", container("app", lastStatus="RUNNING", reason="CannotPullContainerError: x"))
    found = told(shape)
    assert brief(found) == [("stale-pull-error", "note", "app")]
    assert "nothing is wrong" in found.summary


@pytest.mark.parametrize(
    ("code", "reason", "found"),
    [
        ("UserInitiated", "deploying v2", "stopped-by-user"),
        ("ServiceSchedulerInitiated", "something new", "stopped-by-service"),
        ("SpotInterruption", "", "spot-interrupted"),
        ("TerminationNotice", "", "maintenance"),
        ("InfrastructureHealth", "", "infrastructure-unhealthy"),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by deployment ecs-svc/1", "scaled-in"),
    ],
)
def test_a_stop_that_was_asked_for_is_no_fault_and_neither_are_the_exits_after_it(
    code: str, reason: str, found: str
) -> None:
    diagnosis = told(stopped(code, reason, container("app", 143), container("side", 0)))
    assert brief(diagnosis) == [(found, "expected", None)]


def test_somebodys_stop_is_the_answer_also_where_something_else_was_wrong() -> None:
    shape = stopped("UserInitiated", "Task stopped by user", container("app", 143, healthStatus="UNHEALTHY"))
    assert told(shape).summary == "task 01234567 (web:7) is STOPPED. somebody stopped it"


def test_a_health_check_that_fails_is_told_with_its_timing() -> None:
    shape = alive("RUNNING", container("app", lastStatus="RUNNING", healthStatus="UNHEALTHY"))
    check = {"command": ["CMD-SHELL", "curl localhost"], "interval": 10, "startPeriod": 20}
    found = told(shape, facts({"name": "app", "healthCheck": check}))
    assert brief(found) == [("unhealthy", "fault", "app")]
    assert found.findings[0].evidence == (
        "app healthStatus: UNHEALTHY",
        (
            "after 20 s of startPeriod, 3 failed probes in a row make it UNHEALTHY; one is made every 10 s, "
            "with 5 s to answer"
        ),
    )
    assert format_path(found.findings[0].path) == "containerDefinitions[0].healthCheck"


def test_a_service_that_replaced_an_unhealthy_task_leads_to_the_container() -> None:
    shape = stopped(
        "ServiceSchedulerInitiated",
        "Task failed container health checks",
        container("app", 143, healthStatus="UNHEALTHY"),
    )
    found = told(shape)
    assert brief(found) == [("unhealthy", "fault", "app"), ("health-check-failed", "fault", None)]
    assert chain(found)[0] == ("app", "its health check fails")


def test_a_router_that_dies_alone_takes_the_output_of_others_along() -> None:
    shape = alive("RUNNING", container("log_router", 139), container("app", lastStatus="RUNNING"))
    known = facts({"name": "log_router", "essential": False, **ROUTER}, {"name": "app", **ROUTED})
    found = told(shape, known)
    assert brief(found) == [
        ("exit-139", "fault", "log_router"),
        ("log-router-ended", "fault", "log_router"),
    ]
    assert found.findings[1].what == "the log router ended and took the output of app along"


def test_a_router_is_known_by_its_image_without_a_definition() -> None:
    router = container("logs", 1, image="amazon/aws-for-fluent-bit:stable")
    found = told(alive("RUNNING", router, container("app", lastStatus="RUNNING")))
    assert ("log-router-ended", "fault", "logs") in brief(found)
    assert not finding(found, "log-router-ended").is_certain


def test_a_router_that_stops_with_its_task_has_not_died() -> None:
    known = facts({"name": "log_router", **ROUTER}, {"name": "app", **ROUTED})
    shape = essential_exit(container("log_router", 143), container("app", 1))
    assert brief(told(shape, known)) == [("exit-1", "fault", "app")]


def waiting_for(condition: str, **side: Any) -> DefinitionFacts:
    edge = {"containerName": "side", "condition": condition}
    return facts({"name": "side", "essential": False, **side}, {"name": "app", "dependsOn": [edge]})


def test_a_task_that_is_pending_says_on_whom_it_waits() -> None:
    check = {"command": ["CMD-SHELL", "true"]}
    shape = alive("PENDING", container("side", lastStatus="RUNNING"), container("app", lastStatus="PENDING"))
    found = told(shape, waiting_for("HEALTHY", healthCheck=check))
    assert brief(found) == [("waits", "expected", "app")]
    assert found.findings[0].what == "waits for side to be HEALTHY, probe 1 of 3"
    assert found.findings[0].evidence == ("side is RUNNING",)
    assert format_path(found.findings[0].path) == "containerDefinitions[1].dependsOn[0]"
    assert found.summary == "task is PENDING. app: waits for side to be HEALTHY, probe 1 of 3"


def test_a_wait_that_can_never_end_is_a_fault() -> None:
    check = {"command": ["CMD-SHELL", "true"]}
    shape = alive("PENDING", container("side", 0), container("app", lastStatus="PENDING"))
    found = told(shape, waiting_for("HEALTHY", healthCheck=check))
    assert brief(found)[0] == ("waits-for-ever", "fault", "app")
    assert "startTimeout" in found.findings[0].advice[1]


def test_a_pending_task_without_a_definition_says_that_the_definition_would_help() -> None:
    found = told(alive("PENDING", container("app", lastStatus="PENDING")))
    assert (found.findings, found.summary) == (
        (),
        "task is PENDING; the definition would tell who waits for whom: give it with --definition",
    )


def test_a_pending_task_in_which_nobody_waits_is_being_pulled_or_started() -> None:
    found = told(alive("PENDING", container("app", lastStatus="PENDING")), facts({"name": "app"}))
    assert found.summary.endswith("an image is being pulled, or a container created or started")


def test_what_nobody_knows_is_said_to_be_unknown_with_everything_that_there_is() -> None:
    found = told(stopped("TaskFailedToStart", "Purple elephants: 7", container("app")))
    assert brief(found) == [("unknown", "fault", None)]
    assert found.findings[0].evidence == (
        "stopCode: TaskFailedToStart",
        "stoppedReason: Purple elephants: 7",
    )
    assert not found.findings[0].is_certain
    assert found.summary == "task 01234567 (web:7) is STOPPED. why it stopped is not known here"


def test_a_containers_reason_that_nobody_knows_is_shown_as_it_is() -> None:
    found = told(stopped("TaskFailedToStart", "", container("app", reason="NewError: odd")))
    assert brief(found) == [("unknown-reason", "fault", "app")]
    assert found.findings[0].evidence == ("app reason: NewError: odd",)


def test_the_last_output_adds_its_hint_to_the_exit() -> None:
    shape = essential_exit(container("app", 1))
    task = with_lines(evidence_of_shape(shape), {"app": ("starting", "DATABASE_URL is not set")})
    found = diagnose(task)
    assert brief(found) == [("exit-1", "fault", "app"), ("output-variable", "note", "app")]
    assert found.findings[0].evidence[-1] == "app wrote: DATABASE_URL is not set"
    assert found.findings[0].advice[0] == "Add it to environment or secrets of the container."


def test_a_sidecar_that_crashed_while_the_task_runs_is_told() -> None:
    found = told(alive("RUNNING", container("side", 139), container("app", lastStatus="RUNNING")))
    assert brief(found) == [("exit-139", "fault", "side")]
    assert chain(found) == [
        ("side", "it crashed (SIGSEGV, a bad memory access)"),
        (None, "the task is RUNNING"),
    ]


def test_nothing_is_made_up_for_an_empty_shape() -> None:
    assert told({}).findings == ()


def test_a_task_that_is_stopping_is_told_from_the_stop_on() -> None:
    shape = stopped("UserInitiated", "Task stopped by user", container("app", lastStatus="RUNNING"))
    del shape["stoppedAt"]
    shape["lastStatus"] = "RUNNING"
    wait = Waiting(
        container="app", kind=WaitKind.OPERATION, on=(), text="app is being stopped and has 8 s for it"
    )
    found = diagnose(evidence_of_shape(shape), facts({"name": "app"}), (wait,))
    assert chain(found) == [
        (None, "somebody stopped it"),
        (None, "told to stop with it: app"),
        ("app", "is being stopped and has 8 s for it"),
        (None, "the task is stopping"),
    ]
