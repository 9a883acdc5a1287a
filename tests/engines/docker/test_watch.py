"""Messages and inspections as a Docker Engine 20.10 sent them, and what they mean to a task."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.lifecycle.events import Exited, HealthChanged, HealthProbed, Started, Vanished
from pillion.core.lifecycle.states import HealthStatus
from pillion.engines.docker import watch
from pillion.engines.docker.watch import Seen, Sighting

ID = "cd30741215012c94"
STARTED_S = watch.parse_time("2026-11-24T02:47:37.933197086Z") or 0.0
FINISHED_S = watch.parse_time("2026-11-24T02:47:41.438489118Z") or 0.0
NEVER = "0001-01-01T00:00:00Z"


def message(action: str, **attributes: str) -> dict[str, Any]:
    labels = {"dev.pillion.container": "web", "dev.pillion.task": "T", "image": "busybox", "name": "web-1"}
    return {
        "status": action,
        "id": ID,
        "Type": "container",
        "Action": action,
        "Actor": {"ID": ID, "Attributes": labels | attributes},
        "time": 1795488461,
        "timeNano": 1795488461462662894,
    }


def state(status: str, **changes: Any) -> dict[str, Any]:
    settled = {
        "Status": status,
        "Running": status == "running",
        "OOMKilled": False,
        "Pid": 1,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": "2026-11-24T02:47:37.933197086Z",
        "FinishedAt": NEVER if status in ("created", "running") else "2026-11-24T02:47:41.438489118Z",
    }
    return settled | changes


def health(status: str, streak: int, *probes: tuple[int, str]) -> dict[str, Any]:
    return {
        "Status": status,
        "FailingStreak": streak,
        "Log": [{"ExitCode": c, "Output": o} for c, o in probes],
    }


@pytest.mark.parametrize(
    ("action", "attributes", "kind", "exit_code"),
    [
        ("start", {}, Seen.START, None),
        ("die", {"exitCode": "3"}, Seen.DIE, 3),
        ("died", {"containerExitCode": "3"}, Seen.DIE, 3),
        ("health_status: unhealthy", {}, Seen.HEALTH, None),
        ("exec_die", {"exitCode": "1"}, Seen.PROBE, 1),
        ("destroy", {}, Seen.DESTROY, None),
    ],
)
def test_an_event_of_a_tasks_container_is_a_sighting(
    action: str, attributes: dict[str, str], kind: Seen, exit_code: int | None
) -> None:
    assert watch.sighting(message(action, **attributes)) == Sighting(
        kind=kind, task_id="T", container="web", runtime_id=ID, at_s=1795488461.462663, exit_code=exit_code
    )


@pytest.mark.parametrize("action", ["create", "attach", "oom", "kill", "exec_create: /bin/sh -c die", "stop"])
def test_events_that_change_nothing_are_passed_over(action: str) -> None:
    assert watch.sighting(message(action)) is None


def test_events_of_others_are_passed_over() -> None:
    foreign = message("die", exitCode="0")
    del foreign["Actor"]["Attributes"]["dev.pillion.task"]
    assert watch.sighting(foreign) is None
    assert watch.sighting(message("die") | {"Type": "network"}) is None
    assert watch.sighting({}) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-24T02:47:37.933197086Z", 1795488457.933197),
        ("2026-11-24T02:47:37Z", 1795488457.0),
        ("2026-11-24T03:47:37.5+01:00", 1795488457.5),
        ("2026-11-23T21:47:37.5-05:00", 1795488457.5),
        (NEVER, None),
        ("", None),
    ],
)
def test_times_of_the_api_are_posix_seconds(text: str, seconds: float | None) -> None:
    assert watch.parse_time(text) == pytest.approx(seconds, abs=1e-6)


def test_a_container_that_was_only_made_has_nothing_to_tell_even_after_a_failed_start() -> None:
    failed = state("created", ExitCode=127, Error="executable file not found", StartedAt=NEVER)
    assert watch.as_events("web", {"State": failed}, has_health=False) == ()


def test_a_running_container_has_started_and_says_how_healthy_it_is() -> None:
    running = state("running", Health=health("healthy", 0, (0, "fine\n")))
    assert watch.as_events("web", {"State": running}, has_health=True) == (
        Started(container="web", at_s=STARTED_S),
        HealthChanged(container="web", status=HealthStatus.HEALTHY, output="fine\n", exit_code=0),
    )


@pytest.mark.parametrize("status", ["paused", "stopping"])
def test_a_process_that_stands_still_or_was_asked_to_stop_goes_on(status: str) -> None:
    found = watch.as_events("web", {"State": state(status, FinishedAt=NEVER)}, has_health=False)
    assert found == (Started(container="web", at_s=STARTED_S),)


def test_a_health_check_that_is_not_the_definitions_is_not_told() -> None:
    running = state("running", Health=health("healthy", 0))
    assert len(watch.as_events("web", {"State": running}, has_health=False)) == 1


def test_a_check_that_has_not_decided_yet_changes_nothing() -> None:
    running = state("running", Health=health("starting", 1, (1, "no")))
    assert len(watch.as_events("web", {"State": running}, has_health=True)) == 1


def test_an_ended_container_says_how_it_ended() -> None:
    assert watch.as_events("web", {"State": state("exited", ExitCode=3)}, has_health=False) == (
        Exited(container="web", exit_code=3, at_s=FINISHED_S),
    )


def test_out_of_memory_and_the_engines_own_error_are_told_with_the_exit() -> None:
    killed = state("exited", ExitCode=137, OOMKilled=True, Error="shim died")
    assert watch.ended("web", killed) == Exited(
        container="web",
        exit_code=137,
        at_s=FINISHED_S,
        out_of_memory=True,
        error="shim died",
    )


def test_an_exit_without_a_finish_time_has_no_code() -> None:
    assert watch.ended("web", state("dead", FinishedAt=NEVER, ExitCode=128)).exit_code is None


def test_a_process_never_ends_before_it_started() -> None:
    quick = state("exited", FinishedAt="2026-11-24T02:47:37.900000000Z")
    assert watch.ended("web", quick).at_s == STARTED_S


def test_a_change_of_health_carries_the_last_probe() -> None:
    sick = state("running", Health=health("unhealthy", 2, (0, "ok"), (1, "refused")))
    assert watch.health_changed("web", sick) == HealthChanged(
        container="web", status=HealthStatus.UNHEALTHY, output="refused", exit_code=1
    )


def test_a_probe_tells_how_many_have_failed_in_a_row() -> None:
    failing = state("running", Health=health("starting", 2, (1, "refused")))
    assert watch.health_probed("web", failing) == HealthProbed(
        container="web", failing_streak=2, output="refused", exit_code=1
    )


def test_a_container_that_the_engine_does_not_know_has_vanished() -> None:
    assert watch.gone("web") == Vanished(container="web")
