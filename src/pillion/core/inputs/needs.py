"""What a definition asks of AWS before its containers can be made.

Resource names stand in a plan (`ResourceNeed`), so they are fixed here: the plan says which container waits
for which, `pillion.aws` prepares them.

Surprising: in a task with a log router the `secretOptions` of *every* container go into the router's
environment, also those of containers that use another log driver. That is what the ECS agent does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from pillion.core.inputs.references import Parameter, Secret, parse_value_from
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition

SECRETS_RESOURCE: Final = "secrets"
ENVIRONMENT_FILES_RESOURCE: Final = "environment files"
FIRELENS_RESOURCE: Final = "firelens"
REGISTRY_CREDENTIALS_RESOURCE: Final = "registry credentials"


class SecretNeed(Struct, frozen=True, kw_only=True):
    """One `secrets` or `secretOptions` entry. `is_option` tells the two apart."""

    container: str
    name: str
    source: Parameter | Secret
    is_option: bool = False


class EnvironmentFileNeed(Struct, frozen=True, kw_only=True):
    """One environment file of a container, in the order of the definition; `arn` is not checked yet."""

    container: str
    arn: str


class RegistryNeed(Struct, frozen=True, kw_only=True):
    """The secret that opens a private registry; `arn` is an ARN or a name."""

    container: str
    arn: str


def secret_needs(definition: TaskDefinition, *, region: str) -> tuple[SecretNeed, ...]:
    """Return every secret of a task.

    Raises:
        ReferenceTextError: a `valueFrom` that ECS cannot follow, with ECS's text.
    """
    return tuple(_secrets(definition, region))


def environment_file_needs(definition: TaskDefinition) -> tuple[EnvironmentFileNeed, ...]:
    """Return every environment file of a task."""
    return tuple(
        EnvironmentFileNeed(container=container.name or "", arn=file.value)
        for container in definition.container_definitions
        for file in container.environment_files or ()
    )


def registry_needs(definition: TaskDefinition) -> tuple[RegistryNeed, ...]:
    """Return every registry secret of a task."""
    return tuple(
        RegistryNeed(container=container.name or "", arn=credentials.credentials_parameter)
        for container in definition.container_definitions
        if (credentials := container.repository_credentials) is not None
    )


def resources_of(definition: TaskDefinition, container: ContainerDefinition) -> tuple[str, ...]:
    """Return the resources that have to be ready before a container is created.

    Registry credentials are not among them: they are needed before the image is looked up.
    """
    log = container.log_configuration
    has_options = log is not None and bool(log.secret_options)
    is_router = container.firelens_configuration is not None
    routed_options = is_router and any(
        item.log_configuration is not None and item.log_configuration.secret_options
        for item in definition.container_definitions
    )
    wanted = {
        SECRETS_RESOURCE: bool(container.secrets) or has_options or routed_options,
        ENVIRONMENT_FILES_RESOURCE: bool(container.environment_files),
        FIRELENS_RESOURCE: is_router,
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def _secrets(definition: TaskDefinition, region: str) -> Iterator[SecretNeed]:
    for container in definition.container_definitions:
        log = container.log_configuration
        options = (log.secret_options or ()) if log is not None else ()
        for secrets, is_option in ((container.secrets or (), False), (options, True)):
            for secret in secrets:
                yield SecretNeed(
                    container=container.name or "",
                    name=secret.name,
                    source=parse_value_from(secret.value_from, region=region),
                    is_option=is_option,
                )
