"""From a definition to a task that could be run: overrides, ids, plan.

Apart from `app`, so that commands which run nothing load neither engine nor network. The only chance and
the only environment in it: a new task's id, and the region.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pillion.core.plan.build import make_plan
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.plan.options import RunOptions, parse_cluster
from pillion.core.plan.stubs import narrowed
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.overrides import TaskOverride, apply_overrides, echo_overrides

ACCOUNT = "123456789012"
"""The account that local tasks belong to."""

REGION_DEFAULT = "us-east-1"


class PreparedTask(Struct, frozen=True, kw_only=True):
    """A task that could be run: definition with overrides applied, its plan, the overrides as echoed.

    `running` is the definition of what really runs: without what was muted, bare of what was stubbed.
    """

    definition: TaskDefinition
    running: TaskDefinition
    plan: TaskPlan
    overrides: Mapping[str, Any]


def prepare_task(
    definition: TaskDefinition,
    overrides: TaskOverride | None,
    options: RunOptions,
    *,
    cluster: str,
    task_id: str | None = None,
) -> PreparedTask:
    """Make the plan of a new task.

    Args:
        definition: as it was read.
        overrides: those of RunTask.
        options: what the user asked for beside the definition.
        cluster: the cluster that the task believes in, by its name or ARN.
        task_id: 32 hex digits; drawn at random unless it is given.

    Raises:
        OptionError: an option names what the definition does not have, or the cluster can be none.
        OverridesError: the overrides do.
    """
    overridden = apply_overrides(definition, overrides) if overrides else definition
    identity = new_identity(overridden, cluster=cluster, task_id=task_id)
    return PreparedTask(
        definition=overridden,
        running=narrowed(overridden, options),
        plan=make_plan(overridden, identity, options),
        overrides=echo_overrides(definition, overrides),
    )


def new_identity(definition: TaskDefinition, *, cluster: str, task_id: str | None = None) -> TaskIdentity:
    """Give a task the ids and ARNs that ECS would give it, in the region of the environment.

    Raises OptionError if `cluster`, a name or an ARN, can be none.
    """
    cluster = parse_cluster(cluster)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION_DEFAULT
    task_id = task_id or os.urandom(16).hex()
    arn = f"arn:aws:ecs:{region}:{ACCOUNT}"
    family, revision = definition.family or "task", definition.revision or 1
    return TaskIdentity(
        task_id=task_id,
        task_arn=f"{arn}:task/{cluster}/{task_id}",
        cluster=cluster,
        cluster_arn=f"{arn}:cluster/{cluster}",
        family=family,
        revision=revision,
        definition_arn=f"{arn}:task-definition/{family}:{revision}",
        region=region,
        account=ACCOUNT,
        launch_type=launch_type_of(definition),
    )


def launch_type_of(definition: TaskDefinition) -> str:
    """Return the launch type that a task of a definition has, as far as the definition says.

    One that asks for FARGATE or EXTERNAL and nothing else runs nowhere else. Others could run in several
    places: then it is EC2, as after a RunTask of which neither caller nor cluster say anything
    (API reference, RunTask, launchType).
    """
    required = {str(item.value) for item in definition.requires_compatibilities or ()}
    return next((name for name in ("FARGATE", "EXTERNAL") if required == {name}), "EC2")
