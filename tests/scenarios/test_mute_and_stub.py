"""Leaving a sidecar out, and putting a stub in its place: it works, and it is said."""

from __future__ import annotations

import pytest

from scenarios.running import Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

CHECK = {"command": ["CMD-SHELL", "exit 0"], "interval": 30}

PROXY = {
    "name": "envoy",
    "image": "no/such:image",
    "memory": 64,
    "portMappings": [{"containerPort": 9901}, {"containerPort": 15000}],
    "healthCheck": CHECK,
}


def waiting_app(script: str) -> dict[str, object]:
    return container("app", script, dependsOn=[{"containerName": "envoy", "condition": "HEALTHY"}])


def test_a_muted_sidecar_does_not_run_and_releases_who_waits_for_it(pillion: Pillion) -> None:
    run = pillion.run(definition(waiting_app("echo up"), PROXY), "--mute", "envoy")
    assert (run.exit_code, run.messages("app")) == (0, ["up"])
    assert [item["name"] for item in run.task["containers"]] == ["app"]
    assert "note: envoy: envoy is muted and does not run; app no longer waits for it" in run.errors


def test_a_stub_is_healthy_accepts_connections_on_its_ports_and_is_said_loudly(pillion: Pillion) -> None:
    script = "for port in 9901 15000; do nc 127.0.0.1 $port </dev/null && echo $port; done"
    run = pillion.run(definition(waiting_app(script), PROXY), "--stub", "envoy")
    assert (run.exit_code, run.messages("app")) == (0, ["9901", "15000"])
    assert run.cause("app", "RUNNING") == "envoy is HEALTHY"
    assert run.container("envoy")["healthStatus"] == "HEALTHY"
    assert (
        "note: envoy: envoy is replaced by a stub that accepts connections on 9901, 15000; "
        "no/such:image does not run"
    ) in run.errors


def test_a_person_sees_notes_even_when_all_else_is_quiet(pillion: Pillion) -> None:
    done = pillion.run_text(definition(waiting_app("echo up"), PROXY), "--mute", "envoy", "--quiet")
    assert (done.returncode, done.stdout) == (0, "    app | up\n")
    assert done.stderr.splitlines() == [
        "pillion : note: envoy is muted and does not run; app no longer waits for it"
    ]
