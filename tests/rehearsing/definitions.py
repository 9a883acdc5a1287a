"""Prepared tasks for the tests beside this file."""

from __future__ import annotations

from typing import Any

from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.preparing import PreparedTask, prepare_task
from pillion.rehearsing.rehearsal import rehearsed_task_id


def container(name: str, *, after: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    """A container; `after` maps the containers that it waits for to their conditions."""
    depends_on = [{"containerName": other, "condition": word} for other, word in (after or {}).items()]
    return {"name": name, "image": f"{name}:1", "dependsOn": depends_on, **members}


def prepared(*containers: dict[str, Any]) -> PreparedTask:
    """A task of these containers, as a command prepares it for a rehearsal."""
    found = parse_task_definition({"family": "web", "containerDefinitions": list(containers)})
    assert found.definition is not None
    return prepare_task(
        found.definition, None, RunOptions(), cluster="default", task_id=rehearsed_task_id("web")
    )


HEALTH_CHECK = {"command": ["CMD-SHELL", "true"], "interval": 5, "timeout": 2, "retries": 2}
PROXIED = prepared(
    container("loader", essential=False),
    container("envoy", essential=False, healthCheck=HEALTH_CHECK, stopTimeout=5),
    container("web", after={"loader": "SUCCESS", "envoy": "HEALTHY"}, stopTimeout=10),
)
"""An init container, a sidecar that is waited for and not essential, and the application."""

ROUTED = prepared(
    container("router", essential=False, firelensConfiguration={"type": "fluentbit"}),
    container("app", logConfiguration={"logDriver": "awsfirelens", "options": {"Name": "stdout"}}),
)
"""An application whose output goes through a router that is not essential."""
