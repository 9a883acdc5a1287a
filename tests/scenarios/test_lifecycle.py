"""The promises of the lifecycle, on a real engine."""

from __future__ import annotations

import pytest

from scenarios.running import UNTIL_TOLD, Pillion, container, definition, docker, eventually, of, tell

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def waits(name: str, condition: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": condition}]


def test_a_loader_that_succeeds_lets_the_app_start_and_the_apps_exit_code_is_the_runs(
    pillion: Pillion,
) -> None:
    run = pillion.run(
        definition(
            container("loader", "echo loaded", essential=False),
            container("app", "echo up; exit 3", dependsOn=waits("loader", "SUCCESS")),
        )
    )
    assert run.exit_code == 3
    assert run.messages("loader") == ["loaded"]
    assert run.messages("app") == ["up"]
    assert run.statuses("app") == ["MANIFEST_PULLED", "PULLED", "CREATED", "RUNNING", "STOPPED"]
    assert run.cause("app", "RUNNING") == "loader exited with 0 (SUCCESS)"
    assert run.moment("loader", "STOPPED") <= run.moment("app", "CREATED")
    assert run.task_statuses() == ["PENDING", "RUNNING", "STOPPED"]
    assert (run.task["stopCode"], run.task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )


def test_a_container_that_waits_is_made_meanwhile_and_not_told_of(pillion: Pillion) -> None:
    task = definition(
        container("loader", f"echo up; {UNTIL_TOLD}", essential=False),
        container("app", "true", dependsOn=waits("loader", "SUCCESS")),
    )
    with pillion.session(task) as session:
        session.until(type="log", message="up")
        app = eventually(lambda: docker("ps", "-aq", *of(pillion, "app")))
        assert docker("inspect", "-f", "{{.State.Status}}", app) == "created"
        tell(pillion, "loader")
        run = session.finish()
    steps = [(line["container"], line["to"]) for line in run.lines if line["type"] == "container"]
    before = steps[: steps.index(("loader", "STOPPED"))]
    assert [status for name, status in before if name == "app"] == ["MANIFEST_PULLED", "PULLED"]
    assert run.exit_code == 0
    assert run.container("app")["runtimeId"].startswith(app)
    assert run.moment("loader", "STOPPED") <= run.moment("app", "CREATED")


def test_a_loader_that_fails_keeps_the_app_from_ever_running(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("loader", "exit 4", essential=False),
            container("app", dependsOn=waits("loader", "SUCCESS")),
        )
    )
    app = run.container("app")
    assert run.exit_code == 125
    assert app["exitCode"] == 143
    assert "runtimeId" not in app
    assert app["reason"].startswith(
        "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency "
        "[loader(pillion-local/busybox:1) (STOPPED->RUNNING) - Exit: 4] for target [app("
    )
    assert app["reason"].endswith("as dependency did not exit successfully.")
    assert run.task["stopCode"] == "TaskFailedToStart"
    assert run.task_statuses() == ["PENDING", "STOPPED"]


def test_complete_takes_any_exit_code(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("loader", "exit 4", essential=False),
            container("app", "exit 0", dependsOn=waits("loader", "COMPLETE")),
        )
    )
    assert (run.exit_code, run.container("loader")["exitCode"]) == (0, 4)
    assert run.cause("app", "RUNNING") == "loader completed with exit code 4"


def test_an_app_waits_for_a_health_check_of_the_definition(pillion: Pillion) -> None:
    check = {"command": ["CMD-SHELL", "test -f /tmp/ok"], "interval": 1, "timeout": 10, "retries": 9}
    run = pillion.run(
        definition(
            container("proxy", "sleep 1; touch /tmp/ok; sleep 60", healthCheck=check, stopTimeout=1),
            container("app", "exit 0", dependsOn=waits("proxy", "HEALTHY")),
        )
    )
    health = next(line for line in run.lines if line["type"] == "health")
    assert (health["container"], health["status"]) == ("proxy", "HEALTHY")
    assert run.cause("app", "RUNNING") == "proxy is HEALTHY"
    assert health["at"] <= run.moment("app", "CREATED")


def test_an_essential_exit_with_zero_stops_the_task_in_reverse_order(pillion: Pillion) -> None:
    task = definition(
        container("first"),
        container("second", dependsOn=waits("first", "START")),
        container("third", UNTIL_TOLD, dependsOn=waits("second", "START")),
    )
    with pillion.session(task) as session:
        session.until_running()
        tell(pillion, "third")
        run = session.finish()
    assert run.exit_code == 0
    moments = [run.moment(name, "STOPPED") for name in ("third", "second", "first")]
    assert moments == sorted(moments)
    assert [run.container(name)["exitCode"] for name in ("first", "second")] == [0, 0]


def test_a_container_that_is_not_essential_may_crash(pillion: Pillion) -> None:
    with pillion.session(
        definition(container("app"), container("reader", "exit 9", essential=False))
    ) as session:
        session.until(type="container", container="reader", to="STOPPED")
        session.interrupt()
        run = session.finish()
    assert run.exit_code == 130
    assert run.container("reader")["exitCode"] == 9
    assert (run.task["stopCode"], run.task["stoppedReason"]) == ("UserInitiated", "Task stopped by user")


def test_stop_after_ends_with_zero(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app")), "--stop-after", "4s")
    assert (run.exit_code, run.container("app")["exitCode"]) == (0, 0)


def test_a_container_that_ignores_the_signal_is_killed_after_its_stop_timeout(pillion: Pillion) -> None:
    run = pillion.run(
        definition(container("app", "trap '' TERM; while :; do sleep 1; done", stopTimeout=1)),
        "--stop-after",
        "4s",
    )
    assert run.container("app")["exitCode"] == 137


def test_an_image_that_is_not_there_ends_the_task_before_anything_ran(pillion: Pillion) -> None:
    run = pillion.run(
        definition({"name": "app", "image": "pillion-local/none:1", "memory": 64}), "--pull", "never"
    )
    assert run.exit_code == 125
    assert run.container("app")["reason"].startswith("CannotPullContainerError: ")
    assert run.task["stopCode"] == "TaskFailedToStart"
