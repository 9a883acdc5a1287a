"""`pillion drill` on a real engine: every fault once, a real difference, a URL, Ctrl-C; nothing left."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenarios.running import BUSYBOX, SERVE, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TIME_LIMIT_S = 150

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="most faults are made on processes and cgroups, as root")

CHECK = {
    "command": ["CMD-SHELL", "kill -0 1 && ! grep -q '^State:.T' /proc/1/status"],
    "interval": 1,
    "timeout": 3,
}
"""Notices that the main process stands still."""

LOADER = ["sh", "-c", "sleep 2; echo loaded > /config/x"]
WEB = ["sh", "-c", "mkdir /www; echo hi > /www/index.html; exec httpd -f -p 8080 -h /www"]
CACHE = [*WEB[:2], WEB[2].replace("8080", "6379")]
ASK = "wget -q -O /dev/null http://127.0.0.1:6379/"
FRAGILE = ["sh", "-c", f"until {ASK}; do sleep 0.1; done; while {ASK}; do sleep 0.1; done; exit 3"]


def container(name: str, command: list[str], **members: Any) -> dict[str, Any]:
    return {"name": name, "image": BUSYBOX, "memory": 32, "stopTimeout": 2, "command": command, **members}


def after(**conditions: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": word} for name, word in conditions.items()]


@dataclass
class Drill:
    """What a drill printed, and how it ended."""

    exit_code: int
    report: dict[str, Any]
    errors: str

    def case(self, name: str) -> dict[str, Any]:
        """One case of the report."""
        found: dict[str, Any] = next(item for item in self.report["cases"] if item["case"] == name)
        return found

    def effects(self) -> dict[str, str]:
        """What became of the task in each case, or why that is not known."""
        return {
            item["case"]: item["observed"]["effect"]
            if item["observed"]
            else f"{item['verdict']}: {item['reason']}"
            for item in self.report["cases"]
        }


class Driller:
    """Runs `pillion drill` on tasks of a family of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.family = f"drill-{secrets.token_hex(4)}"
        self.names: list[str] = []

    def start(
        self, *containers: Mapping[str, Any], options: tuple[str, ...], **members: Any
    ) -> subprocess.Popen[str]:
        """Start a drill of these containers."""
        value = {
            "family": self.family,
            "networkMode": "awsvpc",
            "containerDefinitions": list(containers),
            **members,
        }
        path = self.folder / "task.json"
        path.write_text(json.dumps(value))
        return subprocess.Popen(
            [sys.executable, "-m", "pillion", "drill", str(path), "--format", "json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={
                **os.environ,
                "PILLION_STATE_DIR": str(self.folder / "state"),
                "TMPDIR": str(self.folder),
            },
        )

    def finish(self, process: subprocess.Popen[str]) -> Drill:
        """Wait for the end of a drill."""
        try:
            output, errors = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        report = json.loads(output) if output else {}
        self.names += [report["drill"]] if report else []
        return Drill(process.returncode, report, errors)

    def run(self, *containers: Mapping[str, Any], options: tuple[str, ...] = (), **members: Any) -> Drill:
        """Run a drill from its beginning to its end."""
        return self.finish(self.start(*containers, options=options, **members))

    def left_behind(self) -> list[str]:
        """Return all that tasks of this family, and drills of these names, have left."""
        family = f"label=com.amazonaws.ecs.task-definition-family={self.family}"
        found = docker("ps", "-aq", "--filter", family).split()
        found += docker("volume", "ls", "-q", "--filter", f"name={self.family}").split()
        for name in self.names:
            found += docker("network", "ls", "-q", "--filter", f"name=pillion-{name}").split()
        return [*found, *(str(path) for path in self.folder.glob("pillion-drill-*"))]


@pytest.fixture
def driller(tmp_path: Path) -> Iterator[Driller]:
    """Return what runs drills; afterwards nothing of them may be left."""
    made = Driller(tmp_path)
    yield made
    assert made.left_behind() == []


def _surprises(case: Mapping[str, Any]) -> list[str]:
    """Return the differences of a case, without the one that is Docker 20.10's own.

    It sometimes tells nothing of an out-of-memory kill when a container dies right after its start.
    """
    forgotten = "The engine did not say that the kernel killed it for its memory."
    return [
        f"{item['what']}: {item['observed']}, not {item['predicted']}"
        for item in case["differences"]
        if item["why"] != forgotten
    ]


@ROOT
def test_every_fault_is_made_and_seen_to_do_what_the_simulation_predicts(driller: Driller) -> None:
    found = driller.run(
        container(
            "loader",
            LOADER,
            essential=False,
            mountPoints=[{"sourceVolume": driller.family, "containerPath": "/config"}],
        ),
        container("side", SERVE, essential=False, healthCheck={**CHECK, "retries": 2}),
        container("web", SERVE, dependsOn=after(loader="SUCCESS", side="HEALTHY")),
        volumes=[{"name": driller.family}],
        options=("--delay", "2s", "-j", "4", "--after", "0s"),
    )
    assert found.effects() == {
        "loader:kill": "NEVER_RUNS",
        "loader:exit-0": "RUNS_ON",
        "loader:exit-1": "NEVER_RUNS",
        "loader:memory": "NEVER_RUNS",
        "loader:freeze": "RUNS_ON",
        "loader:delay": "RUNS_ON",
        "loader:volume": "NEVER_RUNS",
        "side:kill": "RUNS_ON",
        "side:exit-0": "RUNS_ON",
        "side:exit-1": "RUNS_ON",
        "side:memory": "RUNS_ON",
        "side:freeze": "RUNS_ON",
        "side:never-healthy": "HANGS",
        "side:unhealthy": "RUNS_ON",
        "side:delay": "RUNS_ON",
        "web:kill": "STOPS",
        "web:exit-0": "STOPS",
        "web:exit-1": "STOPS",
        "web:memory": "STOPS",
        "web:freeze": "RUNS_ON",
        "web:delay": "RUNS_ON",
        "task:network": "RUNS_ON",
    }
    # ECS watches no volume: that the loader ends for want of room is the program's own doing.
    surprises = {item["case"]: _surprises(item) for item in found.report["cases"] if _surprises(item)}
    assert list(surprises) == ["loader:volume"], surprises
    codes = {name: found.case(f"web:{name}")["observed"]["exitCode"] for name in ("kill", "exit-0", "exit-1")}
    assert codes == {"kill": 137, "exit-0": 0, "exit-1": 1}
    starved = found.case("web:memory")["observed"]
    assert (starved["exitCode"], starved["outOfMemory"]) == (137, True)
    for name in ("side:freeze", "side:unhealthy"):
        assert found.case(name)["observed"]["unhealthy"], name
        assert found.case(name)["observed"]["recoveredAfter"] is not None, name
    assert found.exit_code == 1


@ROOT
def test_an_application_that_cannot_do_without_its_sidecar_differs_from_the_prediction(
    driller: Driller,
) -> None:
    found = driller.run(
        container("cache", CACHE, essential=False),
        container("web", FRAGILE, dependsOn=after(cache="START")),
        options=("--only", "cache", "--fault", "exit-0"),
    )
    case = found.case("cache:exit-0")
    assert (case["verdict"], case["observed"]["effect"]) == ("DIFFERS", "STOPS")
    assert case["predicted"]["effect"] == "RUNS_ON"
    assert case["observed"]["othersEnded"] == [{"container": "web", "exitCode": 3}]
    assert case["differences"][0]["why"].startswith("web ends by itself when cache exits with 0.")
    assert case["dangers"] == ["cache is not essential and takes the task down all the same"]
    assert found.exit_code == 1


def test_an_application_that_answers_while_its_sidecar_dies_passes(driller: Driller) -> None:
    found = driller.run(
        container("side", SERVE, essential=False),
        container("web", WEB, portMappings=[{"containerPort": 8080}]),
        options=("--only", "side", "--fault", "kill", "--url", "http://localhost:8080/"),
    )
    case = found.case("side:kill")
    assert (found.exit_code, case["verdict"], case["gaps"]) == (0, "AS_PREDICTED", [])
    assert case["run"]["looks"]["answered"] > 10


@ROOT
def test_an_application_that_is_cut_off_does_not_answer_for_as_long(driller: Driller) -> None:
    found = driller.run(
        container("web", WEB, portMappings=[{"containerPort": 8080}]),
        options=("--only", "task", "--url", "http://localhost:8080/"),
    )
    case = found.case("task:network")
    assert (found.exit_code, case["observed"]["effect"], len(case["gaps"])) == (0, "RUNS_ON", 1)
    assert case["gaps"][0]["to"] is not None


def test_a_task_that_is_not_well_is_not_drilled(driller: Driller) -> None:
    found = driller.run(container("web", ["false"]))
    assert (found.exit_code, found.report["cases"]) == (125, [])
    assert found.report["trouble"] == "it stopped by itself: Essential container in task exited"


def test_ctrl_c_ends_a_drill_with_a_report_and_nothing_left(driller: Driller) -> None:
    process = driller.start(
        container("side", SERVE, essential=False),
        container("web", SERVE),
        options=("--after", "20s", "--case-timeout", "60s"),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "the task without a fault first\n"
    family = f"label=com.amazonaws.ecs.task-definition-family={driller.family}"
    while len(docker("ps", "-q", "--filter", family).split()) < 3:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    found = driller.finish(process)
    assert (found.exit_code, found.report["interrupted"]) == (130, True)


def test_ctrl_c_while_a_fault_lasts_takes_it_back_and_reports_what_was_done(driller: Driller) -> None:
    process = driller.start(
        container("web", SERVE),
        options=("--fault", "kill", "--fault", "freeze", "--fault", "network", "-j", "3"),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "the task without a fault first\n"
    assert process.stderr.readline().startswith("[1/3] web is killed: stops after ")
    process.send_signal(signal.SIGINT)  # the two others are frozen, and cut off
    found = driller.finish(process)
    assert found.exit_code == 130
    assert [item["verdict"] for item in found.report["cases"]] == ["AS_PREDICTED", "NOT_RUN", "NOT_RUN"]
    assert {item["reason"] for item in found.report["cases"]} == {None, "the drill was interrupted"}


def test_what_does_not_begin_in_time_is_said_and_fails(driller: Driller) -> None:
    found = driller.run(container("web", SERVE), options=("--timeout", "3s", "--after", "2s", "-j", "1"))
    verdicts = {item["verdict"] for item in found.report["cases"]}
    assert verdicts <= {"TIMED_OUT", "NOT_RUN"}
    assert found.case("web:delay")["reason"] == "the time of the whole drill was over"
    assert found.exit_code == 1


@ROOT
def test_on_bridge_each_container_has_a_network_to_lose_and_a_restart_policy_makes_good_what_was_killed(
    driller: Driller,
) -> None:
    policy = {"enabled": True, "restartAttemptPeriod": 1}
    found = driller.run(
        container("side", SERVE, essential=False, restartPolicy=policy),
        container("bare", SERVE),  # replaced by an image without a shell
        networkMode="bridge",
        options=(
            *("--stub", "bare", "--after", "2s", "-j", "4"),
            *("--fault", "kill", "--fault", "exit-1", "--fault", "network"),
        ),
    )
    assert found.effects() == {
        "side:kill": "RUNS_ON",
        "side:exit-1": "RUNS_ON",
        "side:network": "RUNS_ON",
        "bare:kill": "STOPS",
        "bare:exit-1": "STOPS",
        "bare:network": "RUNS_ON",
    }
    restarts = {item["case"]: item["observed"]["restarts"] for item in found.report["cases"]}
    assert restarts == dict.fromkeys(found.effects(), 0) | {"side:kill": 1, "side:exit-1": 1}
    assert found.exit_code == 0
