"""Prepared tasks, recordings and results for the tests beside this file."""

from __future__ import annotations

from typing import Any

from pillion.core.lifecycle.events import StopRequested
from pillion.core.plan.model import TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.drilling.faults import Case, Fault
from pillion.drilling.learning import usual_ends
from pillion.drilling.predicting import Blow, predict
from pillion.drilling.recording import Recording
from pillion.drilling.verdict import Result, judge
from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.engines.simulated.drive import Ask, drive
from pillion.engines.simulated.scene import scene_of_plan
from pillion.preparing import PreparedTask, prepare_task
from pillion.rehearsing.rehearsal import rehearsed_task_id

HEALTH_CHECK = {"command": ["CMD-SHELL", "check"], "interval": 5, "timeout": 2, "retries": 2}


def container(name: str, *, after: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    """A container; `after` maps the containers that it waits for to their conditions."""
    depends_on = [{"containerName": other, "condition": word} for other, word in (after or {}).items()]
    return {"name": name, "image": f"{name}:1", "dependsOn": depends_on, **members}


def prepared(*containers: dict[str, Any], **members: Any) -> PreparedTask:
    """A task of these containers in awsvpc mode."""
    value = {"family": "shop", "networkMode": "awsvpc", "containerDefinitions": list(containers), **members}
    found = parse_task_definition(value)
    assert found.definition is not None, found.problems
    return prepare_task(
        found.definition, None, RunOptions(), cluster="default", task_id=rehearsed_task_id("shop")
    )


SHOP = prepared(
    container(
        "loader",
        essential=False,
        memory=64,
        mountPoints=[{"sourceVolume": "config", "containerPath": "/config"}],
    ),
    container("cache", essential=False, memory=64, healthCheck=HEALTH_CHECK),
    container(
        "web",
        after={"loader": "SUCCESS", "cache": "HEALTHY"},
        portMappings=[{"containerPort": 8080}, {"containerPort": 9090}],
        mountPoints=[{"sourceVolume": "config", "containerPath": "/config", "readOnly": True}],
    ),
    volumes=[{"name": "config"}],
)
"""An init container with a volume, a sidecar with a health check, and the application."""

WELL = {
    "loader": Behaviour(image_present=True, lives=(Life(exits_after_s=1.0),)),
    "cache": Behaviour(image_present=True, lives=(Life(stop_exit_code=0),)),
    "web": Behaviour(image_present=True),
}


def well(plan: TaskPlan, behaviours: dict[str, Behaviour], *, stop_at_s: float = 60.0) -> Recording:
    """A run without a fault, as a recording of the real engine would be: stopped by us."""
    run = drive(
        plan.spec, scene_of_plan(plan, behaviours), asks=(Ask(at_s=stop_at_s, event=StopRequested()),)
    )
    return Recording(
        history=[(moment.at_s, moment.state) for moment in run.moments],
        commands=tuple((moment.at_s, command) for moment in run.moments for command in moment.commands),
        asked_at_s=stop_at_s,
        ended_at_s=run.ended_at_s,
    )


def result_of(
    container_name: str | None,
    fault: Fault,
    *,
    task: PreparedTask = SHOP,
    blow: Blow | None = None,
    seen: Recording | None = None,
) -> Result:
    """A case of which was seen what the simulation predicts, unless `seen` is given."""
    case = Case(container=container_name, fault=fault)
    blow = blow or Blow(age_s=20.0)
    prediction = predict(task.plan, WELL, case, blow)
    usual = usual_ends(well(task.plan, WELL))
    return judge(task.plan.spec, case, seen or prediction, prediction, usual)
