"""Sidecars that are alive and do nothing, in real containers; and what a run says of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from scenarios.running import Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SERVE = 'mkdir /www; echo \'{"state": "LIVE"}\' > /www/server_info; httpd -p 127.0.0.1:9901 -h /www'
WAIT = "trap 'exit 0' TERM; echo serving; while :; do sleep 0.1; done"


async def test_a_program_inside_a_task_is_asked_over_http_from_outside(
    pillion: Pillion, tmp_path: Path
) -> None:
    task = definition(container("app"), container("side", f"{SERVE}; {WAIT}"))
    with pillion.session(task) as session:
        session.until(type="log", container="side", message="serving")
        done = pillion.command("stats", "scenario", "--format", "json")
        (found,) = json.loads(done.stdout)["tasks"]
        arn = found["taskArn"]
        client, engine = DockerClient(), DockerEngine(state_folder=tmp_path)
        wanted = json.dumps({"label": [f"com.amazonaws.ecs.task-arn={arn}"]})
        ids = [item["Id"] for item in await client.get("containers/json", params={"filters": wanted})]
        answers = [await engine.fetch(runtime_id, 9901, "/server_info") for runtime_id in ids]
        nobody = await engine.fetch(ids[0], 9902, "/server_info")
        missing = await engine.fetch(ids[0], 9901, "/nothing")
        await client.close()
        await engine.close()
        session.interrupt()
    assert answers == ['{"state": "LIVE"}\n'] * len(ids)  # they share one network
    assert len(ids) == 3
    assert (nobody, missing) == (None, None)


ROUTER = {
    "name": "router",
    "image": "pillion-local/router-standin:1",
    "memory": 64,
    "essential": False,
    "firelensConfiguration": {"type": "fluentbit"},
}
ROUTED = {
    "logDriver": "awsfirelens",
    "options": {
        "Name": "cloudwatch_logs",
        "region": "us-east-1",
        "log_group_name": "/x",
        "log_stream_name": "y",
    },
}


@pytest.mark.usefixtures("short_state_folder")
def test_a_silent_router_is_told(pillion: Pillion) -> None:
    """Its task has no task role: it stays up, healthy, and drops every chunk."""
    pillion.write('[monitor]\ninterval = "1s"\n', "pillion.toml")
    chatty = "trap 'exit 0' TERM; while :; do echo hello; sleep 0.2; done"
    task = definition(container("app", chatty, logConfiguration=ROUTED), ROUTER)
    with pillion.session(task) as session:
        while "router: alive, but silent: it lost" not in session.errors():
            session.until(type="log", container="app", message="hello")
        text = pillion.command("stats", "scenario").stdout
        session.interrupt()
    assert "! router is alive, but silent: it lost" in text


_READ_CLOUDWATCH = """
import boto3, json
cloudwatch = boto3.client("cloudwatch")
alarms = cloudwatch.describe_alarms()["MetricAlarms"]
metrics = cloudwatch.list_metrics(Namespace="ECS/ContainerInsights")["Metrics"]
print(json.dumps([[[item["AlarmName"], item["StateValue"]] for item in alarms],
                  sorted({item["MetricName"] for item in metrics})]))
"""
ALARMS = """
[monitor]
interval = "1s"
container_insights = true

[[monitor.alarms]]
container = "busy"
metric = "ContainerCpuUtilized"
threshold = 10
period = "10s"
"""


def test_alarms_and_metrics_are_in_the_aws_of_the_task(pillion: Pillion) -> None:
    pillion.write(ALARMS, "pillion.toml")
    burn = "trap 'exit 0' TERM; while :; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; echo tick; done"
    with pillion.session(definition(container("busy", burn)), "--aws-state", "kept") as session:
        while "alarm scenario-busy-ContainerCpuUtilized is ALARM" not in session.errors():
            session.until(type="log", message="tick")
        session.interrupt()
        session.finish()
    done = pillion.command("env", "--aws-state", "kept", "--", sys.executable, "-c", _READ_CLOUDWATCH)
    assert done.returncode == 0, done.stderr
    alarms, metrics = json.loads(done.stdout)
    assert alarms == [["scenario-busy-ContainerCpuUtilized", "ALARM"]]
    assert {"ContainerCpuUtilized", "ContainerMemoryUtilization", "TaskMemoryUtilization"} <= set(metrics)
