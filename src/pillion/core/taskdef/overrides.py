"""Run-time overrides: what `RunTask` and `StartTask` may change, and how it is laid over a definition.

Surprising: only `environment` is merged, by name; everything else replaces what the definition says, lists
as a whole. An override never takes a variable away; an empty text is a value like any other. A secret of the
same name still wins over an overridden variable, because the agent fetches it later, when the task starts.
"""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.errors import OverridesError
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EnvironmentFile,
    EphemeralStorage,
    InferenceAccelerator,
    KeyValuePair,
    ResourceRequirement,
    TaskDefinition,
)
from pillion.core.taskdef.parse import ParseResult, parse_as
from pillion.core.taskdef.problem import Problem, ProblemCode
from pillion.core.taskdef.render import render

OVERRIDES_LENGTH_MAX: Final = 8192
"""Characters of JSON that AWS takes as overrides."""


class ContainerOverride(Struct, frozen=True, kw_only=True):
    """What is changed for one container; `cpu` in CPU units, `memory` and `memory_reservation` in MiB."""

    name: str | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[KeyValuePair, ...] | None = None
    environment_files: tuple[EnvironmentFile, ...] | None = None
    cpu: int | None = None
    memory: int | None = None
    memory_reservation: int | None = None
    resource_requirements: tuple[ResourceRequirement, ...] | None = None


class InferenceAcceleratorOverride(Struct, frozen=True, kw_only=True):
    """Another type for an Elastic Inference accelerator of the definition."""

    device_name: str | None = None
    device_type: str | None = None


class TaskOverride(Struct, frozen=True, kw_only=True):
    """What is changed for one run of a definition."""

    container_overrides: tuple[ContainerOverride, ...] | None = None
    cpu: str | None = None
    inference_accelerator_overrides: tuple[InferenceAcceleratorOverride, ...] | None = None
    execution_role_arn: str | None = None
    memory: str | None = None
    task_role_arn: str | None = None
    ephemeral_storage: EphemeralStorage | None = None


def parse_overrides(value: object) -> ParseResult[TaskOverride]:
    """Read overrides as `RunTask` takes them; all problems of structure are found at once."""
    result = parse_as(TaskOverride, value)
    return replace(result, problems=tuple(_in_overrides(problem) for problem in result.problems))


def _in_overrides(problem: Problem) -> Problem:
    if problem.code is not ProblemCode.MISPLACED_FIELD:
        return problem
    return replace(problem, hint="A run cannot override this; change the task definition.")


def apply_overrides(definition: TaskDefinition, overrides: TaskOverride) -> TaskDefinition:
    """Lay overrides over a definition, as ECS does for a run.

    Raises:
        OverridesError: The overrides are too long, or name a container that the definition does not have.
    """
    _check_length(overrides)
    changed = {container.name: container for container in definition.container_definitions}
    for index, override in enumerate(overrides.container_overrides or ()):
        if override != ContainerOverride():
            container = _container_named(definition, override.name, index)
            changed[container.name] = _override_container(changed[container.name], override)
    return replace(
        definition,
        container_definitions=tuple(
            changed[container.name] for container in definition.container_definitions
        ),
        inference_accelerators=_accelerators(definition, overrides),
        **_given(
            cpu=overrides.cpu,
            memory=overrides.memory,
            task_role_arn=overrides.task_role_arn,
            execution_role_arn=overrides.execution_role_arn,
            ephemeral_storage=overrides.ephemeral_storage,
        ),
    )


def echo_overrides(definition: TaskDefinition, overrides: TaskOverride | None) -> dict[str, Any]:
    """The `overrides` member of a task as `DescribeTasks` shows it.

    There is one entry for each container, in the order of the definition, with nothing but the name where
    nothing was overridden.
    """
    given = overrides or TaskOverride()
    by_name: dict[str | None, dict[str, Any]] = {}
    for override in given.container_overrides or ():
        by_name[override.name] = {**by_name.get(override.name, {}), **render(override)}
    return {
        **render(replace(given, container_overrides=None, inference_accelerator_overrides=None)),
        "containerOverrides": [
            by_name.get(container.name) or {"name": container.name}
            for container in definition.container_definitions
        ],
        "inferenceAcceleratorOverrides": [
            render(override) for override in given.inference_accelerator_overrides or ()
        ],
    }


def _check_length(overrides: TaskOverride) -> None:
    length = len(json.dumps(render(overrides), separators=(",", ":"), ensure_ascii=False))
    if length > OVERRIDES_LENGTH_MAX:
        message = f"Container Overrides length must be at most {OVERRIDES_LENGTH_MAX}"
        hint = f"These have {length} characters; move large values into an environment file."
        raise OverridesError(message, hint=hint)


def _container_named(definition: TaskDefinition, name: str | None, index: int) -> ContainerDefinition:
    if not name:
        message = f"containerOverrides[{index}] has no name."
        raise OverridesError(message, hint="Say which container it is for.")
    for container in definition.container_definitions:
        if container.name == name:
            return container
    names = ", ".join(str(container.name) for container in definition.container_definitions)
    message = f"Override for container named {name} is not a container in the TaskDefinition."
    raise OverridesError(message, hint=f"Its containers: {names}.")


def _override_container(container: ContainerDefinition, override: ContainerOverride) -> ContainerDefinition:
    changes = _given(
        command=override.command,
        environment_files=override.environment_files,
        cpu=override.cpu,
        memory=override.memory,
        memory_reservation=override.memory_reservation,
        resource_requirements=override.resource_requirements,
    )
    if override.environment is not None:
        changes["environment"] = _merged(container.environment or (), override.environment)
    return replace(container, **changes)


def _merged(
    defined: tuple[KeyValuePair, ...], overriding: tuple[KeyValuePair, ...]
) -> tuple[KeyValuePair, ...]:
    by_name = {pair.name: pair for pair in (*defined, *overriding)}
    return tuple(by_name.values())


def _accelerators(
    definition: TaskDefinition, overrides: TaskOverride
) -> tuple[InferenceAccelerator, ...] | None:
    types = {item.device_name: item.device_type for item in overrides.inference_accelerator_overrides or ()}
    if definition.inference_accelerators is None:
        return None
    return tuple(
        replace(item, device_type=types.get(item.device_name) or item.device_type)
        for item in definition.inference_accelerators
    )


def _given(**members: object) -> dict[str, Any]:
    """Those members that an override has."""
    return {name: value for name, value in members.items() if value is not None}
