"""What `pillion run` takes and prints: overrides, formats, streams, exit codes, what it leaves on request."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scenarios.running import TIME_LIMIT_S, Pillion, container, definition, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

HEALTHY_SOON = {"command": ["CMD-SHELL", "test -f /tmp/ok"], "interval": 1, "timeout": 10, "retries": 3}


def two_containers() -> dict[str, Any]:
    return definition(
        container("proxy", "sleep 1; touch /tmp/ok; exec sleep 60", healthCheck=HEALTHY_SOON, stopTimeout=1),
        container(
            "app",
            "echo out; echo oops >&2; exit 7",
            dependsOn=[{"containerName": "proxy", "condition": "HEALTHY"}],
        ),
    )


def test_json_is_one_object_a_line_and_the_result_comes_last(pillion: Pillion) -> None:
    done = pillion.run_text(two_containers(), "--format", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 7
    assert [line["type"] for line in lines].count("result") == 1
    assert (lines[-1]["type"], lines[-1]["exitCode"]) == ("result", 7)
    shapes = {
        "container": {"type", "at", "container", "from", "to", "cause"},
        "health": {"type", "at", "container", "status"},
        "log": {"type", "at", "container", "stream", "message"},
        "task": {"type", "at", "lastStatus", "cause"},
        "result": {"type", "exitCode", "task"},
    }
    assert [set(line) for line in lines] == [shapes[line["type"]] for line in lines]
    assert all(ISO_TIME.fullmatch(line["at"]) for line in lines[:-1])
    logs = {(line["stream"], line["message"]) for line in lines if line["type"] == "log"}
    assert logs == {("stdout", "out"), ("stderr", "oops")}


def test_the_result_is_the_task_as_describe_tasks_shows_it(pillion: Pillion) -> None:
    task = pillion.run(definition(container("app", "exit 0"))).task
    times = {"connectivityAt", "createdAt", "executionStoppedAt", "startedAt", "stoppedAt", "stoppingAt"}
    assert times <= set(task)
    assert all(ISO_TIME.fullmatch(task[name]) for name in times)
    assert {
        name: task[name]
        for name in ("lastStatus", "desiredStatus", "launchType", "connectivity", "healthStatus", "group")
    } == {
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "launchType": "EC2",
        "connectivity": "CONNECTED",
        "healthStatus": "UNKNOWN",
        "group": "family:scenario",
    }
    (app,) = task["containers"]
    assert re.fullmatch(r"[0-9a-f]{64}", app["runtimeId"])
    assert {name: app[name] for name in ("name", "exitCode", "lastStatus", "healthStatus", "memory")} == {
        "name": "app",
        "exitCode": 0,
        "lastStatus": "STOPPED",
        "healthStatus": "UNKNOWN",
        "memory": "64",
    }
    assert app["networkInterfaces"][0]["privateIpv4Address"]


def test_a_person_reads_output_on_one_stream_and_status_on_the_other(pillion: Pillion) -> None:
    done = pillion.run_text(two_containers())
    assert done.returncode == 7
    assert sorted(done.stdout.splitlines()) == ["    app | oops", "    app | out"]
    told = re.sub(r"probe \d", "probe N", done.stderr).splitlines()
    assert re.fullmatch(r"pillion : task \w{8} of scenario:1 in cluster [\w-]+, on \w+ \S+", told[0])
    for line in (
        "pillion : task is PENDING",
        "  proxy : RUNNING  the task was started",
        "    app : app waits for proxy to be HEALTHY, probe N of 3",
        "  proxy : HEALTHY",
        "    app : RUNNING  proxy is HEALTHY",
        "pillion : task is RUNNING",
        "    app : STOPPED  exited with code 7",
        "pillion : stopping the task: essential container app exited with code 7",
        "pillion : task is STOPPED",
        "pillion : task stopped. EssentialContainerExited: Essential container in task exited",
        "    app : exit code 7",
    ):
        assert line in told, done.stderr
    assert told[-2] == "pillion : exit code 7"
    assert re.fullmatch(r"pillion : to see why: pillion explain \w{8}", told[-1])
    assert "\x1b" not in done.stdout + done.stderr


def test_timestamps_and_every_internal_status_on_request(pillion: Pillion) -> None:
    done = pillion.run_text(definition(container("app", "echo hello")), "--timestamps", "--verbose")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}     app \| hello\n", done.stdout)
    told = re.findall(r"^\S+     app : ([A-Z_]+) ", done.stderr, re.MULTILINE)
    assert told == ["MANIFEST_PULLED", "PULLED", "CREATED", "RUNNING", "STOPPED"]


def test_at_a_terminal_a_live_table_says_who_waits_for_what(pillion: Pillion) -> None:
    path = pillion.write(two_containers())
    shown = at_a_terminal(pillion, "run", str(path), "--cluster", pillion.cluster)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.search(r"proxy +RUNNING", plain), plain
    assert re.search(
        r"app +(NONE|PULLED|MANIFEST_PULLED) +.*waits for proxy to be HEALTHY, probe \d of 3", plain
    )
    assert re.search(r"app \| out", plain)
    assert "\x1b[36m" in shown or "\x1b[33m" in shown  # names have colours


def test_without_colours_when_nobody_wants_them(pillion: Pillion) -> None:
    path = pillion.write(definition(container("app", "echo out")))
    pillion.environment["NO_COLOR"] = "1"
    shown = at_a_terminal(pillion, "run", str(path), "--cluster", pillion.cluster)
    assert re.search(r"app \| out", shown)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)


def at_a_terminal(pillion: Pillion, *arguments: str) -> str:
    """Run a command at a terminal of its own; return everything that was shown there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pillion", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=pillion.folder,
        env={**pillion.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
        close_fds=True,
    )
    os.close(theirs)
    shown = b""
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    process.wait(TIME_LIMIT_S)
    return shown.decode()


def test_overrides_are_merged_as_run_task_does_and_echoed(pillion: Pillion) -> None:
    overrides = {
        "containerOverrides": [
            {
                "name": "app",
                "command": ["sh", "-c", "echo $GREETING $NAME"],
                "environment": [{"name": "NAME", "value": "override"}],
            }
        ]
    }
    app = container(
        "app",
        "exit 9",
        environment=[{"name": "GREETING", "value": "hello"}, {"name": "NAME", "value": "definition"}],
    )
    for given in (json.dumps(overrides), str(pillion.write(overrides, "overrides.json"))):
        run = pillion.run(definition(app), "--overrides", given)
        assert (run.exit_code, run.messages("app")) == (0, ["hello override"])
        assert run.task["overrides"]["containerOverrides"] == overrides["containerOverrides"]


def test_yaml_standard_input_and_what_describe_prints_are_read_alike(pillion: Pillion) -> None:
    yaml = (
        "family: scenario\nnetworkMode: awsvpc\ncontainerDefinitions:\n"
        "  - name: app\n    image: pillion-local/busybox:1\n    memory: 64\n    command: [echo, from yaml]\n"
    )
    described = {
        "taskDefinition": {
            **definition(container("app", "echo described")),
            "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/scenario:5",
            "revision": 5,
            "status": "ACTIVE",
            "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
            "compatibilities": ["EC2"],
            "registeredAt": "2024-01-01T00:00:00Z",
            "registeredBy": "arn:aws:iam::123456789012:root",
        },
        "tags": [],
    }
    path = str(pillion.write(yaml, "task.yaml"))
    from_yaml = pillion.command("run", path, "--cluster", pillion.cluster)
    from_stdin = pillion.command("run", "-", "--cluster", pillion.cluster, stdin=json.dumps(described))
    assert (from_yaml.stdout, from_stdin.stdout) == ("    app | from yaml\n", "    app | described\n")
    assert "of scenario:5 in cluster" in from_stdin.stderr


def test_what_is_kept_can_be_looked_at(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container(
                "app", "echo hello > /data/x", mountPoints=[{"sourceVolume": "d", "containerPath": "/data"}]
            ),
            volumes=[{"name": "d"}],
        ),
        "--keep",
    )
    label = f"label=dev.pillion.task={run.task['taskArn'].rsplit('/', 1)[1]}"
    try:
        states = docker("ps", "-a", "--filter", label, "--format", "{{.State}}").splitlines()
        volumes = docker("volume", "ls", "-q", "--filter", label).split()
        assert (states, len(volumes)) == (["exited", "exited"], 1)
    finally:
        docker("rm", "-fv", *docker("ps", "-aq", "--filter", label).split())
        docker("volume", "rm", *docker("volume", "ls", "-q", "--filter", label).split())
        network = docker("network", "ls", "-q", "--filter", f"name={pillion.cluster}").split()
        if network:
            docker("network", "rm", *network)
        remove_cgroups(run.task["taskArn"].rsplit("/", 1)[1])


def remove_cgroups(task_id: str) -> None:
    # os.walk goes on where a folder vanishes under it, as those of other containers do.
    for folder, names, _ in os.walk("/sys/fs/cgroup", topdown=False):
        for name in names:
            if task_id in name:
                Path(folder, name).rmdir()


def test_what_aws_would_refuse_is_noted_and_the_task_runs_all_the_same(pillion: Pillion) -> None:
    run = pillion.run(
        definition(
            container("app", "echo hello"), requiresCompatibilities=["FARGATE"], cpu="300", memory="512"
        )
    )
    assert (run.exit_code, run.messages("app")) == (0, ["hello"])
    assert "note: AWS would refuse this: " in run.errors
