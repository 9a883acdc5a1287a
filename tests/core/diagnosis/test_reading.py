"""Texts that hold tasks: DescribeTasks in its wrappers, events, and the JSON lines of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pillion.core.diagnosis.evidence import ContainerEvidence, time_s
from pillion.core.diagnosis.reading import EvidenceError, read_tasks

TASK = {
    "taskArn": "arn:aws:ecs:eu-west-1:1:task/c/abc",
    "lastStatus": "STOPPED",
    "stoppedAt": "2026-09-01T12:00:00.500000+02:00",
    "containers": [{"name": "app", "image": "a:1", "lastStatus": "STOPPED", "exitCode": 1, "memory": "64"}],
}


@pytest.mark.parametrize(
    "value",
    [
        TASK,
        [TASK],
        {"tasks": [TASK], "failures": []},
        {"task": TASK},
        {"detail-type": "ECS Task State Change", "detail": TASK},
        {"type": "result", "exitCode": 1, "task": TASK},
    ],
)
def test_a_task_is_found_in_every_wrapper(value: Any) -> None:
    (task,) = read_tasks(json.dumps(value, indent=2))
    assert (task.task_id, task.last_status, task.stopped_at_s) == ("abc", "STOPPED", 1788256800.5)
    assert [(item.name, item.exit_code, item.memory_mib) for item in task.containers] == [("app", 1, 64)]


def test_several_tasks_are_all_read() -> None:
    assert len(read_tasks(json.dumps({"tasks": [TASK, TASK]}))) == 2


def line(kind: str, **members: Any) -> str:
    return json.dumps({"type": kind, "at": "2026-09-01T10:00:00.000Z", **members})


LINES = [
    "pillion : not JSON, from standard error",
    line("task", lastStatus="PENDING", cause="the task was started"),
    line("container", container="app", **{"from": "CREATED", "to": "RUNNING"}, cause="the task was started"),
    line("log", container="app", stream="stdout", message="hello"),
    line("health", container="app", status="UNHEALTHY"),
    line("container", container="app", **{"from": "RUNNING", "to": "STOPPED"}, cause="exited with code 1"),
]


def test_the_lines_of_a_run_add_times_output_and_causes_to_its_result() -> None:
    (task,) = read_tasks("\n".join([*LINES, line("result", exitCode=1, task=TASK)]))
    assert task.containers == (
        ContainerEvidence(
            name="app",
            image="a:1",
            last_status="STOPPED",
            exit_code=1,
            has_run=True,
            memory_mib=64,
            started_at_s=1788256800.0,
            stopped_at_s=1788256800.0,
            cause="exited with code 1",
            lines=("hello",),
        ),
    )


def test_a_run_that_never_came_to_its_result_is_put_together_from_its_lines() -> None:
    (task,) = read_tasks("\n".join([*LINES, '{"type":"log","contai']))
    assert task.last_status == "PENDING"
    assert [(item.name, item.last_status, item.health_status) for item in task.containers] == [
        ("app", "STOPPED", "UNHEALTHY")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "this is empty"),
        ("nonsense", "this is not JSON"),
        ("{}", "there is no task in this"),
        ('{"tasks": []}', "there is no task in this"),
        (
            '{"tasks": [], "failures": [{"arn": "arn:x", "reason": "MISSING"}]}',
            r"ECS did not find the task \(arn:x: MISSING\); a stopped task can be described",
        ),
        ('{"type": "notice"}', "there is no task in these lines"),
        ("7", "there is no task in this"),
    ],
)
def test_a_text_without_a_task_says_what_to_give(text: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        read_tasks(text)
    assert "aws ecs describe-tasks" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1788256800.5, 1788256800.5),
        ("2026-09-01T10:00:00.500Z", 1788256800.5),
        ("2026-09-01T12:00:00.500000+02:00", 1788256800.5),
        ("yesterday", None),
        (True, None),
        (None, None),
    ],
)
def test_a_time_is_read_as_the_cli_prints_it(value: object, time: float | None) -> None:
    assert time_s(value) == time
