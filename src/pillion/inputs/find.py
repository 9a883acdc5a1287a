"""Finds the task definitions in a document, whatever kind of document it is.

Known kinds: a task definition as RegisterTaskDefinition takes it or DescribeTaskDefinition prints it, a list
of them, a bare list of container definitions, a CloudFormation template, and Terraform's JSON.
"""

from __future__ import annotations

from typing import Any, Final

from pillion.core.findings import Path
from pillion.core.task_view import UNKNOWN
from pillion.inputs.subject import Road, Subject

KNOWN_KINDS: Final = (
    "One is an object with containerDefinitions, a list of those or of containers, a resource "
    "AWS::ECS::TaskDefinition of a template, or an aws_ecs_task_definition of Terraform's JSON."
)
"""For whoever gave us something else."""

_TASK_MEMBERS: Final = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "ephemeralStorage",
    "runtimePlatform",
)
"""What a bare list of containers leaves open, so that every rule about it stays silent."""


def find_definitions(value: object, *, expected: bool = True) -> list[Subject]:
    """Every task definition of a document.

    Args:
        value: The document's JSON value.
        expected: Whether the caller knows that it is a definition. An object of no known kind is then taken
            for one, so that a check can say what is wrong with it; otherwise it is passed over.
    """
    if isinstance(value, list):
        return _from_list(value)
    if not isinstance(value, dict):
        return []
    if "Resources" in value or "AWSTemplateFormatVersion" in value:
        from pillion.inputs import cloudformation  # most documents are definitions, and need neither reader

        return list(cloudformation.definitions(value))
    if "terraform_version" in value or "format_version" in value:
        from pillion.inputs import terraform

        return list(terraform.definitions(value))
    if expected or _looks_like_definition(value):
        return [_plain(value, ())]
    return []


def _looks_like_definition(value: dict[str, Any]) -> bool:
    if isinstance(inner := value.get("taskDefinition"), dict):
        value = inner
    return "containerdefinitions" in {str(key).lower() for key in value}


def _from_list(items: list[Any]) -> list[Subject]:
    objects = [item for item in items if isinstance(item, dict)]
    if objects and all("containerDefinitions" in item for item in objects):
        return [_plain(item, (place,)) for place, item in enumerate(items) if isinstance(item, dict)]
    if objects and all("image" in item or "name" in item for item in objects):
        return [_containers(items)]
    return []


def _plain(value: dict[str, Any], prefix: Path) -> Subject:
    inner = value.get("taskDefinition")
    family = (inner if isinstance(inner, dict) else value).get("family")
    return Subject(
        name=family if isinstance(family, str) else "",
        road=Road.ECS,
        value=value,
        locate=lambda path: prefix + path,
    )


def _containers(items: list[Any]) -> Subject:
    value: dict[str, Any] = dict.fromkeys(_TASK_MEMBERS, UNKNOWN)
    value["containerDefinitions"] = items
    return Subject(name="", road=Road.CONTAINERS, value=value, locate=lambda path: path[1:])
