"""`pillion explain`: what it reads, what it prints, and what it says to mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.explain import explain
from pillion.core.lifecycle import events as ev
from pillion.core.plan.build import make_plan
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.options import RunOptions
from pillion.core.record import Standing, encode_record
from pillion.core.taskdef.parse import parse_task_definition
from pillion.preparing import new_identity
from pillion.stores.sqlite import SqliteStore

DEFINITION = """{
  "family": "web",
  "networkMode": "host",
  "containerDefinitions": [
    {"name": "app", "image": "a:1",
     "memory": 128}
  ]
}
"""
OOM = "OutOfMemoryError: Container killed due to memory usage"
TASK = {
    "taskArn": "arn:aws:ecs:eu-west-1:1:task/c/0123456789abcdef",
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:7",
    "lastStatus": "STOPPED",
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 137, "reason": OOM, "memory": "128"}],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "task.json").write_text(DEFINITION)
    (tmp_path / "described.json").write_text(json.dumps({"tasks": [TASK], "failures": []}))
    return tmp_path


def call(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(explain, arguments, input=stdin, standalone_mode=False)


def refusal(*arguments: str, stdin: str | None = None) -> str:
    done = call(*arguments, stdin=stdin)
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


TEXT = """\
task 01234567 (web:7) is STOPPED. app: the kernel killed it because it used more memory than it may

What happened, first to last:
  1. app   the kernel killed it because it used more memory than it may
  2. task  app is essential, so ECS stops the task
  3. task  the task is STOPPED (EssentialContainerExited: Essential container in task exited)

cause: app: the kernel killed it because it used more memory than it may  [out-of-memory]
  The limit is the container's memory, or the task's where the container has none; in a task limit a \
neighbour may be the one that eats it.
  seen: app reason: OutOfMemoryError: Container killed due to memory usage
  seen: app exitCode: 137
  seen: its limit is 128 MiB
  look at: task.json:6:16  containerDefinitions[0].memory
  do: Raise memory of this container (and of the task), or make the program use less.
  do: Tell the runtime its limit: -XX:MaxRAMPercentage, --max-old-space-size, GOMEMLIMIT.
"""


def test_what_ecs_describes_is_explained_with_places_in_the_definition() -> None:
    assert call("--from", "described.json", "--definition", "task.json").output == TEXT


def test_the_json_shape_is_stable() -> None:
    done = call("--from", "-", "--definition", "task.json", "--format", "json", stdin=json.dumps(TASK))
    assert json.loads(done.output) == {
        "tasks": [
            {
                "format": 1,
                "summary": TEXT.splitlines()[0],
                "task": {
                    "taskArn": TASK["taskArn"],
                    "taskDefinitionArn": TASK["taskDefinitionArn"],
                    "lastStatus": "STOPPED",
                    "stopCode": "EssentialContainerExited",
                    "stoppedReason": "Essential container in task exited",
                },
                "chain": [
                    {
                        "container": "app",
                        "at": None,
                        "text": "the kernel killed it because it used more memory than it may",
                    },
                    {"container": None, "at": None, "text": "app is essential, so ECS stops the task"},
                    {
                        "container": None,
                        "at": None,
                        "text": "the task is STOPPED (EssentialContainerExited: "
                        "Essential container in task exited)",
                    },
                ],
                "findings": [
                    {
                        "code": "out-of-memory",
                        "role": "fault",
                        "container": "app",
                        "what": "the kernel killed it because it used more memory than it may",
                        "why": TEXT.splitlines()[8].strip(),
                        "certain": True,
                        "evidence": [f"app reason: {OOM}", "app exitCode: 137", "its limit is 128 MiB"],
                        "advice": [line.split("do: ")[1] for line in TEXT.splitlines() if "  do: " in line],
                        "field": "containerDefinitions[0].memory",
                        "place": {"file": "task.json", "line": 6, "column": 16},
                    }
                ],
            }
        ]
    }


def test_every_task_of_a_file_is_explained(folder: Path) -> None:
    (folder / "two.json").write_text(json.dumps([TASK, TASK]))
    done = call("--from", "two.json")
    assert done.output.count("is STOPPED. app:") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("abc", "--from", "described.json"), "TASK and --from exclude each other"),
        (("--family", "web"), "--family chooses a definition in the file of --definition"),
        (("--from", "nowhere.json"), "nowhere.json: this file cannot be read: No such file or directory"),
        (("--from", "described.json", "--definition", "no.json"), "no.json: there is no such file"),
        (("--from", "task.json"), "task.json: there is no task in this\n  Give what `aws ecs describe-tasks"),
        ((), "pillion knows no task: none ran here"),
        (("abc",), "For a task that ran elsewhere: pillion explain --from FILE"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(*arguments)


def test_text_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / "odd.json").write_bytes(b"\xff\xfe{}")
    assert refusal("--from", "odd.json") == "odd.json: this is not UTF-8 text"


def remember_a_run(folder: Path, **changes: Any) -> None:
    """Store a run of the definition in which the image could not be pulled."""
    parsed = parse_task_definition(json.loads(DEFINITION))
    assert parsed.definition is not None
    identity = new_identity(parsed.definition, cluster="default", task_id="abc")
    plan = make_plan(parsed.definition, identity, RunOptions())
    about = encode_record(
        Standing(plan=plan, ids=EndpointIds(containers={})),
        parsed.definition,
        running=parsed.definition,
        overrides={},
        source=str(folder / "task.json"),
        process_id=1,
    )
    store = SqliteStore(folder / "state")
    store.begin("abc", {**about, **changes}, 1.0)
    error = ev.NamedError(
        name="CannotPullContainerError", text="manifest for a:1 not found: manifest unknown"
    )
    events: list[ev.Event] = [
        ev.StartRequested(),
        ev.ManifestResolved(container="app"),
        ev.PullFailed(container="app", cached=False, error=error),
    ]
    for number, event in enumerate(events):
        store.append("abc", number, event, float(number))
    store.end("abc", {}, 9.0, keep_s=1e9)
    store.close()


def test_a_task_that_ran_here_is_explained_with_places_in_the_file_it_came_from(folder: Path) -> None:
    remember_a_run(folder)
    output = call("abc").output
    assert output.startswith("task abc (web:1) is STOPPED. app: there is no such image, or no such tag\n")
    assert f"  look at: {folder}/task.json:5:30  containerDefinitions[0].image\n" in output


def test_a_file_that_has_changed_since_gives_no_places(folder: Path) -> None:
    remember_a_run(folder)
    (folder / "task.json").write_text(DEFINITION.replace("128", "256"))
    assert "  look at: containerDefinitions[0].image\n" in call("web").output
