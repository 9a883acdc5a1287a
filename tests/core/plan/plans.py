"""Plans for the tests beside this file, made of plain JSON."""

from __future__ import annotations

from typing import Any

from pillion.core.plan.build import make_plan
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition

IDENTITY = TaskIdentity(
    task_id="0123456789abcdef0123456789abcdef",
    task_arn="arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef",
    cluster="default",
    cluster_arn="arn:aws:ecs:us-east-1:123456789012:cluster/default",
    family="web",
    revision=7,
    definition_arn="arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
    region="us-east-1",
    account="123456789012",
)


NO_OPTIONS = RunOptions()


def container(name: str, *, after: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    """A container; `after` maps the containers that it waits for to their conditions."""
    depends_on = [{"containerName": other, "condition": word} for other, word in (after or {}).items()]
    return {"name": name, "image": f"{name}:1", "dependsOn": depends_on, **members}


def health_check(**times: int) -> dict[str, Any]:
    """A health check with these times."""
    return {"command": ["CMD-SHELL", "true"], **times}


def plan_of(*containers: dict[str, Any], options: RunOptions = NO_OPTIONS, **task: Any) -> TaskPlan:
    """The plan of a definition."""
    value = {"family": "web", "networkMode": "awsvpc", "containerDefinitions": list(containers), **task}
    found = parse_task_definition(value)
    assert found.definition is not None
    return make_plan(found.definition, IDENTITY, options)


FIVE = plan_of(
    container("loader", essential=False),
    container(
        "envoy",
        startTimeout=40,
        stopTimeout=5,
        healthCheck=health_check(interval=5, timeout=2, startPeriod=10),
    ),
    container(
        "web", after={"loader": "SUCCESS", "envoy": "HEALTHY"}, stopTimeout=20, healthCheck=health_check()
    ),
    container("worker", essential=False, after={"web": "START"}),
)
"""An init container, a proxy, what needs both, and one more."""
