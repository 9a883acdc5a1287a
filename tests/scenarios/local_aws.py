"""What the scenarios of AWS share: definitions with roles and logs, a seed, a look into local AWS."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from scenarios.running import BUSYBOX, Pillion, container, definition

AWSCLI = "pillion-local/awscli:1"
PYTHON = "pillion-local/python:1"
ROUTER = "pillion-local/router-standin:1"
REGION = "us-east-1"
STATE = "kept"
"""Folder of local AWS in the scenario's own; runs with KEEP leave what they made there."""

KEEP = ("--aws-state", STATE)
ROLES = {
    "taskRoleArn": "arn:aws:iam::123456789012:role/app",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
}

_READ_LOGS = """
import boto3, json, sys
logs, found = boto3.client("logs"), {}
for stream in logs.describe_log_streams(logGroupName=sys.argv[1])["logStreams"]:
    name, token, messages = stream["logStreamName"], {}, []
    while True:
        page = logs.get_log_events(logGroupName=sys.argv[1], logStreamName=name, startFromHead=True, **token)
        if not page["events"]:
            break
        messages += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
    found[name] = messages
print(json.dumps(found))
"""


def task(*containers: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a definition with both roles."""
    return definition(*containers, **ROLES, **members)


def python(name: str, script: str, *, image: str = PYTHON, **members: Any) -> dict[str, Any]:
    """Return a container that runs a Python script."""
    return {**container(name, **members), "image": image, "memory": 256, "command": ["python3", "-c", script]}


def shell(name: str, script: str, *, image: str = BUSYBOX, **members: Any) -> dict[str, Any]:
    """Return a container that runs a shell script in an image."""
    return {**container(name, script, **members), "image": image, "memory": 256}


def awslogs(group: str, **options: str) -> dict[str, Any]:
    """Return the members of a container that logs through awslogs."""
    given = {"awslogs-group": group, "awslogs-region": REGION, "awslogs-stream-prefix": "it", **options}
    return {"logConfiguration": {"logDriver": "awslogs", "options": given}}


def seed(pillion: Pillion, text: str) -> None:
    """Write the seed of local AWS as pillion.toml has it."""
    pillion.write(text, "pillion.toml")


def log_events(pillion: Pillion, group: str, *kept: str) -> dict[str, list[str]]:
    """Return the messages of a log group by stream, as boto3 reads them from local AWS that was kept."""
    done = pillion.command("env", *(kept or KEEP), "--", sys.executable, "-c", _READ_LOGS, group)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def needs_no_region() -> None:
    """Fail early where the environment would decide what the scenarios mean to decide."""
    assert os.environ.get("AWS_REGION", REGION) == REGION
