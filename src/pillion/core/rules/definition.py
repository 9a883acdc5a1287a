"""Rules about the definition as a whole: its family, its containers' number and names, its tags and roles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from pillion.core.rules.examples import app, fargate, sidecar, task
from pillion.core.rules.rule import Hit, api, aws_says, guide, removing, set_to, task_rule, we_say
from pillion.core.task_view import (
    MANAGED_INSTANCES,
    TaskView,
    is_known,
    members,
    text,
)

_PARAMETERS = guide("task_definition_parameters.html")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ROLE_ARN = re.compile(r"arn:[a-z0-9-]+:iam::\d{12}:role/[\w+=,.@/-]+")
_TAG_TEXT = re.compile(r"[\w\s.:/=+@-]*")

CONTAINERS_MAX: Final = 10
"""A hard quota: AWS does not raise it."""
SIZE_MAX_BYTES: Final = 65_536
TAGS_MAX: Final = 50
PLACEMENT_CONSTRAINTS_MAX: Final = 10


@task_rule(
    code="E001",
    title="The family has characters that AWS does not take",
    why="The family is the definition's name; AWS refuses one with anything but letters, digits, - and _.",
    fix="Give a family of 1 to 255 letters, digits, hyphens and underscores.",
    source=_PARAMETERS,
    bad=task(family="web app"),
    good=task(family="web-app"),
)
def family(task: TaskView) -> Iterator[Hit]:
    """Characters and length of the family; S007 speaks of a missing one."""
    name = text(task.raw, "family")
    if name is not None and not _NAME.fullmatch(name):
        yield aws_says(("family",), "Family contains invalid characters.", f"The family is {name!r}.")


@task_rule(
    code="E002",
    title="The definition has no containers",
    why="A task is its containers; AWS refuses a definition without any, and there would be nothing to run.",
    fix="Add at least one container to containerDefinitions.",
    source=_PARAMETERS,
    bad={"family": "web", "containerDefinitions": []},
    good=task(),
    blocks_run=True,
)
def no_containers(task: TaskView) -> Iterator[Hit]:
    """The container list is not empty; S007 speaks of a missing one."""
    if task.raw.get("containerDefinitions") == []:
        yield aws_says(("containerDefinitions",), "Container list cannot be empty.")


@task_rule(
    code="E003",
    title="The definition has more than ten containers",
    why="Ten containers a task is a hard quota, and what others inject (a mesh proxy, an agent) counts too.",
    fix="Move some containers to a task of their own.",
    source=guide("service-quotas.html"),
    bad=task(*(sidecar(f"c{index}") for index in range(CONTAINERS_MAX + 1))),
    good=task(*(sidecar(f"c{index}") for index in range(CONTAINERS_MAX))),
)
def too_many_containers(task: TaskView) -> Iterator[Hit]:
    """At most ten containers."""
    count = len(task.containers)
    if count > CONTAINERS_MAX:
        message = f"There are {count} containers; AWS takes {CONTAINERS_MAX}."
        yield we_say(("containerDefinitions",), message)


@task_rule(
    code="E004",
    title="The definition is larger than 64 KiB",
    why="AWS refuses a definition whose JSON is longer than 65,536 bytes.",
    fix="Move environment variables to environment files, and configuration to a file or a parameter.",
    source=guide("service-quotas.html"),
    bad=task(app(environment=[{"name": "CONFIG", "value": "x" * SIZE_MAX_BYTES}])),
    good=task(app(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}])),
)
def too_large(task: TaskView) -> Iterator[Hit]:
    """At most 64 KiB, as compact JSON; AWS measures its own serialisation, which differs by little."""
    try:
        compact = json.dumps(task.raw, separators=(",", ":"), default=str, ensure_ascii=False)
    except (RecursionError, ValueError, TypeError):
        return
    size = len(compact.encode("utf-8", "replace")) if len(compact) * 4 > SIZE_MAX_BYTES else 0
    if size > SIZE_MAX_BYTES:
        message = f"Actual length: '{size}'. Max allowed length is '{SIZE_MAX_BYTES}' bytes."
        yield aws_says((), message)


@task_rule(
    code="E005",
    title="No container is essential",
    why="A task lives as long as its essential containers, so AWS wants at least one.",
    fix="Make the container that does the task's work essential (leave `essential` out, or set it to true).",
    source=_PARAMETERS,
    bad=task(app(essential=False)),
    good=task(app(essential=True), sidecar("agent", essential=False)),
    blocks_run=True,
)
def no_essential_container(task: TaskView) -> Iterator[Hit]:
    """At least one essential container; the member's default is true."""
    if task.containers and task.containers_known and all(c.essential is False for c in task.containers):
        edit = set_to(task.containers[0].at("essential"), True) if len(task.containers) == 1 else None
        message = "Task definition doesn't have any essential container"
        yield aws_says(("containerDefinitions",), message, edit=edit)


@task_rule(
    code="E006",
    title="Two containers have the same name",
    why="Dependencies, links and logs tell containers apart by name.",
    fix="Give every container a name of its own.",
    source=_PARAMETERS,
    bad=task(app(), app()),
    good=task(app(), sidecar("agent")),
    blocks_run=True,
)
def duplicate_names(task: TaskView) -> Iterator[Hit]:
    """Container names are unique."""
    if len(task.by_name) == len(task.containers):
        return
    for c in task.containers:
        if c.name is not None and (first := task.by_name[c.name]) is not c:
            detail = f"{c.name!r} is also the name of container #{first.index}."
            message = "Container names must be unique within a task definition"
            yield aws_says(c.at("name"), message, detail)


@task_rule(
    code="E007",
    title="Too many tags, or a tag that AWS does not take",
    why="AWS refuses more than 50 tags, keys above 128 characters, values above 256, and the prefix `aws:`.",
    fix="Shorten the tags, or leave some out.",
    source=guide("ecs-using-tags.html"),
    bad=task(tags=[{"key": "aws:team", "value": "web"}]),
    good=task(tags=[{"key": "team", "value": "web"}]),
    on="tags",
)
def tags(task: TaskView) -> Iterator[Hit]:
    """Number, length and characters of tags."""
    pairs = list(members(task.raw, "tags"))
    if len(pairs) > TAGS_MAX:
        yield we_say(("tags",), f"There are {len(pairs)} tags; AWS takes {TAGS_MAX}.")
    for index, pair in pairs:
        key, value = text(pair, "key"), text(pair, "value")
        if key is not None:
            problem = _tag_problem(key, 128)
            if key.lower().startswith("aws:"):
                problem = "begins with `aws:`, which AWS keeps for itself"
            if problem:
                yield we_say(("tags", index, "key"), f"The tag key {key[:40]!r} {problem}.")
        if value is not None and (problem := _tag_problem(value, 256)):
            yield we_say(("tags", index, "value"), f"The tag value {value[:40]!r} {problem}.")


def _tag_problem(value: str, length_max: int) -> str:
    if len(value) > length_max:
        return f"is longer than {length_max} characters"
    return "" if _TAG_TEXT.fullmatch(value) else "has characters that AWS does not take"


@task_rule(
    code="E008",
    title="More than ten placement constraints",
    why="A definition takes at most ten constraints; those of a service or of RunTask come on top.",
    fix="Join expressions with `and`, or give some of the constraints with the service or with RunTask.",
    source=guide("task-placement-constraints.html"),
    bad=task(placementConstraints=[{"type": "memberOf", "expression": "attribute:disk == ssd"}] * 11),
    good=task(placementConstraints=[{"type": "memberOf", "expression": "attribute:disk == ssd"}] * 10),
    on="placementConstraints",
)
def placement_constraints(task: TaskView) -> Iterator[Hit]:
    """At most ten."""
    count = len(members(task.raw, "placementConstraints"))
    if count > PLACEMENT_CONSTRAINTS_MAX:
        message = f"There are {count} placement constraints; AWS takes {PLACEMENT_CONSTRAINTS_MAX}."
        yield we_say(("placementConstraints",), message)


@task_rule(
    code="E009",
    title="inferenceAccelerators is retired",
    why="AWS ended Elastic Inference and refuses the member everywhere.",
    fix="Take the member away; for accelerators of today use resourceRequirements.",
    source=api("API_InferenceAccelerator.html"),
    bad=task(inferenceAccelerators=[{"deviceName": "device", "deviceType": "eia2.medium"}]),
    good=task(),
    on="inferenceAccelerators",
)
def inference_accelerators(task: TaskView) -> Iterator[Hit]:
    """The retired member is not used."""
    if task.raw["inferenceAccelerators"] and is_known(task.raw, "inferenceAccelerators"):
        path = ("inferenceAccelerators",)
        yield aws_says(path, "Unsupported field 'inferenceAccelerators'.", edit=removing(path))


@task_rule(
    code="E010",
    title="A role that is not a role's ARN",
    why="AWS refuses a definition whose task or execution role is no valid ARN or name of a role.",
    fix="Write the role's full ARN: arn:aws:iam::111122223333:role/name.",
    source=guide("task_execution_IAM_role.html"),
    bad=fargate(taskRoleArn="arn:aws:iam::1111:user/me"),
    good=fargate(taskRoleArn="arn:aws:iam::111122223333:role/web"),
)
def role_arns(task: TaskView) -> Iterator[Hit]:
    """ARNs of roles have the form of one; a bare name is accepted too."""
    for key in ("taskRoleArn", "executionRoleArn"):
        role = text(task.raw, key)
        if not role:
            continue
        if (role.startswith("arn:") and not _ROLE_ARN.fullmatch(role)) or any(c in role for c in " ${}"):
            yield aws_says((key,), "Role is not valid", f"{key} is {role!r}.")


@task_rule(
    code="E011",
    title="trustedExecutionConfiguration without Managed Instances",
    why="Only Managed Instances isolate a task this way.",
    fix="Take the member away, or require MANAGED_INSTANCES.",
    source=api("API_RegisterTaskDefinition.html"),
    bad=fargate(trustedExecutionConfiguration={"isolationMode": "ISOLATED_SANDBOX"}),
    good=fargate(),
    on="trustedExecutionConfiguration",
)
def trusted_execution(task: TaskView) -> Iterator[Hit]:
    """The member is for Managed Instances only."""
    if task.launch_types and task.launch_types_known and MANAGED_INSTANCES not in task.launch_types:
        asked = ", ".join(sorted(task.launch_types))
        message = f"trustedExecutionConfiguration is for Managed Instances only, and this is for {asked}."
        yield we_say(("trustedExecutionConfiguration",), message)
