"""What a task is before anything of it runs: its ids, and where it would run on AWS."""

from __future__ import annotations

import pytest

from pillion.core.plan.endpoints import draw_endpoint_ids, with_endpoints
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.preparing import PreparedTask, prepare_task


def prepared(*compatibilities: str) -> PreparedTask:
    parsed = parse_task_definition(
        {
            "family": "shop",
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "requiresCompatibilities": list(compatibilities),
            "containerDefinitions": [{"name": "web", "image": "web:1"}],
        }
    )
    assert parsed.definition is not None
    return prepare_task(parsed.definition, None, RunOptions(), cluster="default")


@pytest.mark.parametrize(
    ("compatibilities", "launch_type", "environment"),
    [
        ((), "EC2", "AWS_ECS_EC2"),
        (("EC2",), "EC2", "AWS_ECS_EC2"),
        (("EC2", "FARGATE"), "EC2", "AWS_ECS_EC2"),
        (("FARGATE",), "FARGATE", "AWS_ECS_FARGATE"),
        (("EXTERNAL",), "EXTERNAL", "AWS_ECS_EXTERNAL"),
    ],
)
def test_a_definition_for_one_launch_type_runs_as_that(
    compatibilities: tuple[str, ...], launch_type: str, environment: str
) -> None:
    plan = prepared(*compatibilities).plan
    assert plan.identity.launch_type == launch_type
    ids = draw_endpoint_ids(plan, has_task_role=False, draw=lambda: "1b")
    told = with_endpoints(plan, ids).container("web").environment
    assert told["AWS_EXECUTION_ENV"] == environment
