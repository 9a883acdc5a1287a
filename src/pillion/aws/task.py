"""The AWS side of one task: its secrets, environment files, registry logins and log router's files.

Implements `ports.aws.TaskAws`. Fetching is elsewhere; here is what belongs to which container, and ECS's
names for what goes wrong; log streams are in `task_logs`. What fetches is imported by a task that needs it:
most need nothing of AWS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from pillion.aws.backend import AwsBackend
from pillion.aws.log_calls import LogCalls
from pillion.core.inputs.environment import extra_environment
from pillion.core.inputs.needs import (
    ENVIRONMENT_FILES_RESOURCE,
    FIRELENS_RESOURCE,
    REGISTRY_CREDENTIALS_RESOURCE,
    SECRETS_RESOURCE,
    SecretNeed,
    environment_file_needs,
    registry_needs,
    secret_needs,
)
from pillion.core.inputs.references import Parameter, ReferenceTextError, Secret
from pillion.core.inputs.secret import SecretValue
from pillion.core.inputs.texts import RESOURCE_INITIALIZATION_ERROR, firelens_config_failed
from pillion.core.plan.model import Notice
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition
from pillion.ports.aws import AwsCallError, LogReport, LogSink, RegistryLogin
from pillion.ports.engine import EngineError

if TYPE_CHECKING:
    from pillion.aws.task_logs import TaskLogs
    from pillion.sidecars.firelens.plan import FirelensPlan

_RESOURCE_NAMES: Final = {Parameter: "ssm secret resource", Secret: "ASM secret resource"}
"""What the agent calls them in its texts."""


class TaskScope(Struct, frozen=True, kw_only=True):
    """What is known of a task before anything is fetched.

    Attributes:
        definition: with overrides applied.
        task_id: last part of the task's ARN.
        declared: what the plan sets in each container's environment, by container.
        endpoint_url: where containers reach AWS; None leaves them to AWS itself.
        firelens: what FireLens adds, if the task has a router.
    """

    definition: TaskDefinition
    task_id: str
    declared: Mapping[str, Mapping[str, str]]
    endpoint_url: str | None = None
    firelens: FirelensPlan | None = None


class _Fetched(Struct, kw_only=True):
    """What was prepared so far."""

    secrets: dict[Parameter | Secret, SecretValue] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    logins: dict[str, RegistryLogin] = field(default_factory=dict)


class TaskAwsSession:
    """One task's AWS; see `ports.aws.TaskAws` for the order of calls.

    Args:
        scope: what is known of the task.
        backend: the AWS of the run.
        calls: CloudWatch Logs of the run.
        settled: told of how many lines of a container, from its first on, the fate is decided.
    """

    def __init__(
        self,
        scope: TaskScope,
        backend: AwsBackend,
        calls: LogCalls,
        *,
        settled: Callable[[str, int], None] = lambda container, lines: None,
    ) -> None:
        self._scope = scope
        self._backend = backend
        self._calls = calls
        self._settled = settled
        self._fetched = _Fetched()
        self._logs: TaskLogs | None = None
        self._notices: list[Notice] = []
        self._preparers: Mapping[str, Callable[[], Awaitable[None]]] = {
            SECRETS_RESOURCE: self._prepare_secrets,
            ENVIRONMENT_FILES_RESOURCE: self._prepare_files,
            REGISTRY_CREDENTIALS_RESOURCE: self._prepare_logins,
            FIRELENS_RESOURCE: self._prepare_router,
        }

    def handles(self, resource: str) -> bool:
        """Say whether a resource of the plan is prepared here."""
        return resource in self._preparers

    async def prepare(self, resource: str) -> None:
        """Fetch what a resource stands for. Raises EngineError with ECS's text."""
        await self._preparers[resource]()

    def extra_environment(
        self, container: str, image_environment: Mapping[str, str]
    ) -> Mapping[str, SecretValue]:
        """Return what goes on top of the plan's environment of a container."""
        files = [
            self._fetched.files[need.arn]
            for need in environment_file_needs(self._scope.definition)
            if need.container == container
        ]
        merged: Mapping[str, str] = {}
        if files:
            from pillion.core.inputs.envfile import merge_environment_files

            merged = merge_environment_files(files)
        secrets = {
            need.name: self._fetched.secrets[need.source]
            for need in self._secret_needs()
            if need.container == container and not need.is_option
        }
        return extra_environment(
            image=image_environment,
            files=merged,
            declared=self._scope.declared.get(container, {}),
            secrets={**secrets, **self._router_secrets(container)},
            region=self._backend.region,
            endpoint_url=self._scope.endpoint_url,
        )

    def log_options(self, container: str) -> Mapping[str, SecretValue]:
        """Return the secret options of a container's own log driver; empty values are left out."""
        if _driver_of(self._definition_of(container)) in (None, LogDriver.AWSFIRELENS):
            return {}
        found = {
            need.name: self._fetched.secrets[need.source]
            for need in self._secret_needs()
            if need.container == container and need.is_option
        }
        return {name: value for name, value in found.items() if value.reveal()}

    def check_log_options(self, container: str) -> None:
        """Check the options of awslogs, as Docker does before it creates a container.

        Raises EngineError (CannotCreateContainerError).
        """
        options = self._awslogs_options(container)
        if options is not None:
            self._open_logs().check(options)

    def registry_login(self, container: str) -> RegistryLogin | None:
        """Return how to log in to the registry of a container's image, if the definition says so."""
        return self._fetched.logins.get(container)

    async def before_start(self, container: str, runtime_id: str) -> None:
        """Make the log stream of a container. Raises EngineError (CannotStartContainerError)."""
        options = self._awslogs_options(container)
        if options is not None:
            await self._open_logs().open(container, options, runtime_id)

    def log_sink(self, container: str) -> LogSink | None:
        """Return where a container's lines go, or None if they go nowhere from here."""
        return self._logs.sink(container) if self._logs is not None else None

    def notices(self) -> tuple[Notice, ...]:
        """Return what the user should know, also hints on what went wrong; more may come later."""
        return tuple(self._notices)

    async def close(self) -> tuple[LogReport, ...]:
        """Deliver the rest of the logs; return what became of the lines of each container."""
        return await self._logs.close() if self._logs is not None else ()

    def _definition_of(self, container: str) -> ContainerDefinition:
        found = [item for item in self._scope.definition.container_definitions if item.name == container]
        return found[0] if found else ContainerDefinition(name=container)

    def _secret_needs(self) -> tuple[SecretNeed, ...]:
        return secret_needs(self._scope.definition, region=self._backend.region)

    def _router_secrets(self, container: str) -> dict[str, SecretValue]:
        firelens = self._scope.firelens
        if firelens is None or firelens.router != container:
            return {}
        sources = {
            (need.container, need.name): need.source for need in self._secret_needs() if need.is_option
        }
        return {
            secret.variable: self._fetched.secrets[sources[secret.container, secret.option]]
            for secret in firelens.secrets
        }

    async def _prepare_secrets(self) -> None:
        from pillion.aws.secrets import SecretsUnavailableError, fetch_secrets

        try:
            sources = [need.source for need in self._secret_needs()]
        except ReferenceTextError as error:
            raise EngineError(RESOURCE_INITIALIZATION_ERROR, str(error)) from error
        if sources:
            self._check_execution_role(_RESOURCE_NAMES[type(sources[0])])
        try:
            self._fetched.secrets = await fetch_secrets(sources, self._backend.clients)
        except SecretsUnavailableError as error:
            self._hint_at_seed(error.missing)
            raise EngineError(RESOURCE_INITIALIZATION_ERROR, str(error)) from error

    async def _prepare_files(self) -> None:
        from pillion.aws.files import FilesUnavailableError, fetch_environment_files

        arns = [need.arn for need in environment_file_needs(self._scope.definition)]
        self._check_execution_role("environment file resource")
        try:
            self._fetched.files = await fetch_environment_files(arns, self._backend.clients)
        except FilesUnavailableError as error:
            for name in error.missing if self._backend.is_local else ():
                self._hint("objects", f"the file {name}", f'"{name}" = "NAME=value"')
            raise EngineError(RESOURCE_INITIALIZATION_ERROR, str(error)) from error

    async def _prepare_logins(self) -> None:
        from pillion.aws.registry import RegistryCredentialsError, fetch_registry_login

        self._check_execution_role("asm resource")
        logins: dict[str, RegistryLogin] = {}
        for need in registry_needs(self._scope.definition):  # one after the other, as the agent asks
            try:
                logins[need.arn] = logins.get(need.arn) or await fetch_registry_login(
                    need.arn, self._backend.clients
                )
            except RegistryCredentialsError as error:
                if error.missing and self._backend.is_local:
                    self._hint("secrets", need.arn, f'"{need.arn}" = {{ username = "u", password = "p" }}')
                raise EngineError(RESOURCE_INITIALIZATION_ERROR, str(error)) from error
            self._fetched.logins[need.container] = logins[need.arn]

    async def _prepare_router(self) -> None:
        firelens = self._scope.firelens
        if firelens is None:
            return
        from pillion.aws.files import fetch_object
        from pillion.aws.router_files import RouterFilesError, write_router_files

        try:
            external = None
            if firelens.options.s3 is not None:
                external = await fetch_object(firelens.options.s3, self._backend.clients)
            await asyncio.to_thread(write_router_files, firelens, external)
        except (AwsCallError, RouterFilesError) as error:
            raise EngineError(RESOURCE_INITIALIZATION_ERROR, firelens_config_failed(str(error))) from error

    def _check_execution_role(self, resource: str) -> None:
        """ECS fetches everything with the execution role; without one it does not begin."""
        if not self._scope.definition.execution_role_arn:
            text = f"{resource}: unable to find execution role credentials"
            raise EngineError(RESOURCE_INITIALIZATION_ERROR, text)

    def _awslogs_options(self, container: str) -> Mapping[str, str] | None:
        """Return the options of a container that logs through awslogs, the secret ones filled in."""
        log = self._definition_of(container).log_configuration
        if log is None or log.log_driver is not LogDriver.AWSLOGS:
            return None
        secret = {name: value.reveal() for name, value in self.log_options(container).items()}
        return {**(log.options or {}), **secret}

    def _open_logs(self) -> TaskLogs:
        if self._logs is None:
            from pillion.aws.task_logs import TaskLogs

            task_id = self._scope.task_id
            self._logs = TaskLogs(
                task_id, self._backend, self._calls, tell=self._notices.append, settled=self._settled
            )
        return self._logs

    def _hint_at_seed(self, missing: tuple[Parameter | Secret, ...]) -> None:
        if not self._backend.is_local:
            return
        for source in missing:
            if isinstance(source, Parameter):
                self._hint("parameters", source.name, f'"{source.name}" = "value"')
            elif version := source.version_stage or source.version_id:
                text = (
                    f"local AWS has no version {version} of {source.arn}: "
                    "what [aws.secrets] in pillion.toml holds is AWSCURRENT"
                )
                self._notices.append(Notice(code="not-in-local-aws", text=text))
            else:
                self._hint("secrets", source.arn, f'"{source.arn}" = "value"')

    def _hint(self, table: str, what: str, example: str) -> None:
        text = (
            f"local AWS does not have {what}: write it under [aws.{table}] in pillion.toml, "
            f"for example {example}"
        )
        self._notices.append(Notice(code="not-in-local-aws", text=text))


def _driver_of(definition: ContainerDefinition) -> LogDriver | None:
    return definition.log_configuration.log_driver if definition.log_configuration is not None else None
