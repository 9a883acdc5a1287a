"""What is stored of a task that begins comes back, and so does what an early pillion stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle.codec import encode_state
from pillion.core.lifecycle.state import initial_state
from pillion.core.plan.build import make_plan
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.model import TaskIdentity
from pillion.core.plan.options import RunOptions
from pillion.core.record import RecordError, Standing, TaskRecord, decode_record, encode_record
from pillion.core.taskdef.parse import parse_task_definition

PARSED = parse_task_definition(
    {
        "family": "web",
        "networkMode": "awsvpc",
        "containerDefinitions": [
            {"name": "app", "image": "a:1", "memory": 64, "dependsOn": []},
            {"name": "side", "image": "s:1", "memory": 64, "essential": False, "stopTimeout": 5},
        ],
    }
)
ARN = "arn:aws:ecs:us-east-1:123456789012:task/default/abc"
IDENTITY = TaskIdentity(
    task_id="abc",
    task_arn=ARN,
    cluster="default",
    cluster_arn="arn:aws:ecs:us-east-1:123456789012:cluster/default",
    family="web",
    revision=1,
    definition_arn="arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
    region="us-east-1",
    account="123456789012",
)


assert PARSED.definition is not None
DEFINITION = PARSED.definition
BARE = replace(DEFINITION, container_definitions=DEFINITION.container_definitions[:1])
STANDING = Standing(
    plan=make_plan(DEFINITION, IDENTITY, RunOptions()),
    ids=EndpointIds(containers={"app": "1b", "side": "2c"}, credentials="3d"),
    metadata="169.254.170.2",
    how={"keep": True},
)


def stored(**changes: Any) -> Any:
    """Return a stored record as JSON has it, with changes."""
    record = encode_record(
        STANDING,
        DEFINITION,
        running=BARE,
        overrides={"cpu": "256"},
        source="/x/task.json",
        process_id=17,
    )
    return json.loads(json.dumps({**record, **changes}))


def test_a_record_comes_back_whole() -> None:
    assert decode_record(stored()) == TaskRecord(
        definition=DEFINITION,
        running=BARE,
        initial=initial_state(STANDING.plan.spec),
        identity=IDENTITY,
        task_arn=ARN,
        overrides={"cpu": "256"},
        source="/x/task.json",
        process_id=17,
        standing=STANDING,
    )


def test_a_record_without_a_plan_has_the_state_that_its_pillion_wrote() -> None:
    written = json.loads(json.dumps(encode_state(initial_state(STANDING.plan.spec))))
    whole = stored(initial=written)
    early = {name: value for name, value in whole.items() if name not in ("standing", "running")}
    before = decode_record(early)
    assert (before.initial, before.running, before.standing) == (
        initial_state(STANDING.plan.spec),
        DEFINITION,
        None,
    )


def test_the_record_of_the_first_pillion_has_a_definition_and_an_arn() -> None:
    whole = stored()
    early = decode_record({"definition": whole["definition"], "arn": ARN})
    assert (early.definition, early.initial, early.identity, early.task_arn, early.process_id) == (
        PARSED.definition,
        None,
        None,
        ARN,
        None,
    )


def test_members_of_a_newer_pillion_are_passed_over() -> None:
    identity = {**stored()["identity"], "planet": "earth"}
    assert decode_record(stored(identity=identity, mood="good")).identity == IDENTITY


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"definition": {"family": 7}}, "no definition that can be read"),
        ({"initial": {"format": 99}}, "written by a newer pillion"),
        ({"identity": {"task_id": "abc"}}, "the stored identity is incomplete"),
        ({"standing": {"ids": {"containers": {}}}}, "standing.plan is missing"),
    ],
)
def test_a_record_that_cannot_be_read_says_why(changes: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        decode_record(stored(**changes))
