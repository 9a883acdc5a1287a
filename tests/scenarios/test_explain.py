"""`pillion explain` after a real run, and beside one that hangs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from scenarios.running import Pillion, container, definition

pytestmark = [pytest.mark.docker, pytest.mark.slow]

WAIT = {"containerName": "side", "condition": "HEALTHY"}
CHECK = {"command": ["CMD-SHELL", "echo not yet; exit 1"], "interval": 5, "retries": 9}


def explained(pillion: Pillion, *arguments: str) -> dict[str, Any]:
    """Return the diagnosis of one task."""
    done = pillion.command("explain", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["tasks"]
    return dict(found)


def test_a_loader_that_fails_is_explained_by_its_output_and_its_place(pillion: Pillion) -> None:
    wait = {"containerName": "loader", "condition": "SUCCESS"}
    task = definition(
        container("loader", "echo DATABASE_URL is not set; exit 4", essential=False),
        container("app", dependsOn=[wait]),
    )
    run = pillion.run_text(task)
    hint = re.search(r"to see why: pillion explain (\w{8})$", run.stderr.strip())
    assert hint is not None
    found = explained(pillion, hint[1])
    assert [(link["container"], link["text"]) for link in found["chain"]] == [
        ("loader", "it ended by itself with 4"),
        ("app", "it cannot start: loader did not exit with 0, and SUCCESS asks for that"),
        (None, "app is essential, so ECS stops the task"),
        (None, "the task is STOPPED (TaskFailedToStart: Task failed to start)"),
    ]
    loader, app, output = found["findings"]
    assert loader["evidence"] == ["loader exitCode: 4", "loader wrote: DATABASE_URL is not set"]
    assert (app["field"], app["place"]["file"]) == (
        "containerDefinitions[1].dependsOn[0]",
        str(pillion.folder / "task.json"),
    )
    assert (output["code"], output["role"]) == ("output-variable", "note")


def test_a_task_that_hangs_is_explained_while_it_runs_and_forgotten_on_request(pillion: Pillion) -> None:
    pillion.write('[run]\nkeep_history = "0"\n', "pillion.toml")
    task = definition(
        container("side", essential=False, healthCheck=CHECK), container("app", dependsOn=[WAIT])
    )
    with pillion.session(task) as session:
        session.until(type="container", container="side", to="RUNNING")
        found = explained(pillion, "scenario")
        session.interrupt()
        session.finish()
    assert re.fullmatch(
        r"task \w{8} \(scenario:1\) is PENDING\. app: waits for side to be HEALTHY, probe [1-9] of 9",
        found["summary"],
    )
    assert pillion.command("explain").returncode == 2


def test_what_a_run_printed_can_be_explained_elsewhere(pillion: Pillion) -> None:
    run = pillion.run(definition(container("app", "echo bye; exit 139")))
    lines = "\n".join(json.dumps(line) for line in run.lines)
    pillion.write(lines, "run.jsonl")
    found = explained(pillion, "--from", "run.jsonl", "--definition", "task.json")
    assert [item["code"] for item in found["findings"]] == ["exit-139"]
    assert found["findings"][0]["evidence"] == ["app exitCode: 139", "app wrote: bye"]
