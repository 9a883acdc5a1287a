"""What each container of a task gets from AWS, and how the task fails when it cannot be had."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from pillion.aws.backend import AwsBackend
from pillion.aws.clients import AwsClients
from pillion.aws.log_calls import LogCalls
from pillion.aws.seed import ObjectSeed, ParameterSeed, SecretSeed, Seed
from pillion.aws.seeding import apply_seed
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.aws.task import TaskAwsSession, TaskScope
from pillion.core.inputs.needs import (
    ENVIRONMENT_FILES_RESOURCE,
    FIRELENS_RESOURCE,
    REGISTRY_CREDENTIALS_RESOURCE,
    SECRETS_RESOURCE,
)
from pillion.core.inputs.secret import SecretValue
from pillion.core.plan.model import NetworkMode, TaskIdentity
from pillion.core.taskdef.enums import EnvironmentFileType, FirelensConfigurationType, LogDriver
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EnvironmentFile,
    FirelensConfiguration,
    LogConfiguration,
    RepositoryCredentials,
    Secret,
    TaskDefinition,
)
from pillion.ports.aws import LogReport, RegistryLogin, TaskAws
from pillion.ports.engine import EngineError, LogLine
from pillion.sidecars.firelens.plan import FirelensSettings, plan_firelens

REGION = "eu-west-1"
INVALID_ARN = (
    "an invalid ARN format for the AWS Secrets Manager secret was specified. "
    "Specify a valid ARN and try again."
)
MISSING_GROUP = (
    "Error response from daemon: failed to initialize logging driver: "
    "failed to create Cloudwatch log stream: "
    "ResourceNotFoundException: The specified log group does not exist."
)
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-AbCdEf"
ENDPOINT = "http://169.254.170.2:4566"

APP = ContainerDefinition(
    name="app",
    environment_files=(
        EnvironmentFile(value="arn:aws:s3:::conf/first.env", type=EnvironmentFileType.S3),
        EnvironmentFile(value="arn:aws:s3:::conf/second.env", type=EnvironmentFileType.S3),
    ),
    secrets=(Secret(name="DB", value_from="/app/db"), Secret(name="TOKEN", value_from=SECRET_ARN)),
    log_configuration=LogConfiguration(
        log_driver=LogDriver.AWSFIRELENS,
        options={"Name": "datadog"},
        secret_options=(Secret(name="apikey", value_from="/app/db"),),
    ),
    repository_credentials=RepositoryCredentials(credentials_parameter="registry"),
)
ROUTER = ContainerDefinition(
    name="router",
    firelens_configuration=FirelensConfiguration(
        type=FirelensConfigurationType.FLUENTBIT,
        options={"config-file-type": "s3", "config-file-value": "arn:aws:s3:::conf/extra.conf"},
    ),
)
LOGGED = ContainerDefinition(
    name="logged",
    log_configuration=LogConfiguration(
        log_driver=LogDriver.AWSLOGS,
        options={"awslogs-group": "/web", "awslogs-region": REGION, "awslogs-stream-prefix": "web"},
    ),
)
SPLUNK = ContainerDefinition(
    name="splunk",
    log_configuration=LogConfiguration(
        log_driver=LogDriver.SPLUNK, secret_options=(Secret(name="splunk-token", value_from="/app/db"),)
    ),
)
TASK = TaskDefinition(
    family="web",
    execution_role_arn="arn:aws:iam::111122223333:role/x",
    container_definitions=(APP, ROUTER, LOGGED),
)
SEED = Seed(
    parameters=(ParameterSeed(name="/app/db", value=SecretValue("postgres://")),),
    secrets=(
        SecretSeed(name="token", value=SecretValue("t0ken")),
        SecretSeed(name="registry", value=SecretValue('{"username": "u", "password": "p"}')),
    ),
    objects=(
        ObjectSeed(bucket="conf", key="first.env", text=SecretValue("A=first\nDECLARED=file\nDB=file")),
        ObjectSeed(bucket="conf", key="second.env", text=SecretValue("A=second\nB=second")),
        ObjectSeed(bucket="conf", key="extra.conf", text=SecretValue("[SERVICE]\n    Flush 1\n")),
    ),
)
IDENTITY = TaskIdentity(
    task_id="0123",
    task_arn="arn:aws:ecs:eu-west-1:111122223333:task/prod/0123",
    cluster="prod",
    cluster_arn="arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
    family="web",
    revision=1,
    definition_arn="arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
    region=REGION,
    account="111122223333",
)


@pytest.fixture
async def session(local_url: str, clients: AwsClients, tmp_path: Path) -> AsyncIterator["Make"]:
    await apply_seed(SEED, clients, tmp_path)
    make = Make(local_url, tmp_path)
    yield make
    await make.close()


class Make:
    """Makes sessions against the server of the tests."""

    def __init__(self, url: str, folder: Path) -> None:
        self._folder = folder
        self.backend = AwsBackend(AwsSettings(mode=AwsMode.URL, url=url), region=REGION, folder=folder)
        self._calls = LogCalls(self.backend.clients)

    def __call__(self, definition: TaskDefinition = TASK) -> TaskAws:
        settings = FirelensSettings(folder=str(self._folder / "fl"))
        scope = TaskScope(
            definition=definition,
            task_id="0123",
            declared={"app": {"DECLARED": "definition"}},
            endpoint_url=ENDPOINT,
            firelens=plan_firelens(definition, IDENTITY, NetworkMode.AWSVPC, settings),
        )
        return TaskAwsSession(scope, self.backend, self._calls)

    async def close(self) -> None:
        await self._calls.close()
        await self.backend.close()


def revealed(values: object) -> dict[str, str]:
    assert isinstance(values, dict)
    return {name: value.reveal() for name, value in values.items()}


AWS = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": ENDPOINT}


async def test_each_container_gets_its_own(session: Make, tmp_path: Path) -> None:
    task = session()
    resources = (
        SECRETS_RESOURCE,
        ENVIRONMENT_FILES_RESOURCE,
        REGISTRY_CREDENTIALS_RESOURCE,
        FIRELENS_RESOURCE,
    )
    assert [task.handles(resource) for resource in (*resources, "network")] == [True, True, True, True, False]
    for resource in resources:
        await task.prepare(resource)
    assert revealed(task.extra_environment("app", {"A": "image"})) == {
        **AWS,
        "A": "first",
        "B": "second",
        "DB": "postgres://",
        "TOKEN": "t0ken",
    }
    assert revealed(task.extra_environment("router", {})) == {**AWS, "apikey_0": "postgres://"}
    assert revealed(task.extra_environment("logged", {"AWS_REGION": "us-west-2"})) == {
        "AWS_ENDPOINT_URL": ENDPOINT
    }
    assert task.registry_login("app") == RegistryLogin(username=SecretValue("u"), password=SecretValue("p"))
    assert task.registry_login("router") is None
    assert task.log_options("app") == {}
    config = tmp_path / "fl" / "config"
    assert (config / "external.conf").read_text() == "[SERVICE]\n    Flush 1\n"
    assert "@INCLUDE /fluent-bit/etc/external.conf" in (config / "fluent.conf").read_text()
    assert (tmp_path / "fl" / "socket").is_dir()


async def test_secret_options_of_another_driver_are_given_to_it(session: Make) -> None:
    task = session(replace(TASK, container_definitions=(SPLUNK,)))
    await task.prepare(SECRETS_RESOURCE)
    assert revealed(task.log_options("splunk")) == {"splunk-token": "postgres://"}


async def fails(task: TaskAws, resource: str) -> tuple[str, str]:
    with pytest.raises(EngineError) as caught:
        await task.prepare(resource)
    return caught.value.error.name, caught.value.error.text


async def test_a_missing_parameter_fails_with_ecss_text(session: Make) -> None:
    gone = ContainerDefinition(name="app", secrets=(Secret(name="X", value_from="/gone"),))
    assert await fails(session(replace(TASK, container_definitions=(gone,))), SECRETS_RESOURCE) == (
        "ResourceInitializationError",
        "fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: /gone",
    )


async def test_a_secrets_arn_of_the_wrong_form_fails_with_ecss_text(session: Make) -> None:
    wrong = ContainerDefinition(name="app", secrets=(Secret(name="X", value_from=f"{SECRET_ARN}:key"),))
    assert await fails(session(replace(TASK, container_definitions=(wrong,))), SECRETS_RESOURCE) == (
        "ResourceInitializationError",
        INVALID_ARN,
    )


async def test_without_an_execution_role_nothing_is_fetched(session: Make) -> None:
    task = session(replace(TASK, execution_role_arn=None))
    assert await fails(task, SECRETS_RESOURCE) == (
        "ResourceInitializationError",
        "ssm secret resource: unable to find execution role credentials",
    )


async def test_a_missing_router_file_fails_with_ecss_text(session: Make, clients: AwsClients) -> None:
    await clients.call("s3", "delete_object", Bucket="conf", Key="extra.conf")
    name, text = await fails(session(), FIRELENS_RESOURCE)
    assert name == "ResourceInitializationError"
    assert text.startswith("unable to generate firelens config file: GetObject: NoSuchKey")


async def test_lines_go_to_the_stream_of_the_container(session: Make, clients: AwsClients) -> None:
    await clients.call("logs", "create_log_group", logGroupName="/web")
    task = session()
    assert task.log_sink("logged") is None
    await task.before_start("logged", "c0ffee")
    await task.before_start("app", "c0ffee")
    sink = task.log_sink("logged")
    assert sink is not None
    assert task.log_sink("app") is None
    now_s = time.time()
    await sink.write(LogLine(container="logged", stream="stdout", message="hello", at_s=now_s))
    assert await task.close() == (
        LogReport(container="logged", group="/web", stream="web/logged/0123", written=1, delivered=1),
    )
    held = await clients.call("logs", "get_log_events", logGroupName="/web", logStreamName="web/logged/0123")
    assert [event["message"] for event in held["events"]] == ["hello"]


@pytest.mark.slow
async def test_a_version_that_local_aws_does_not_have_is_not_called_a_missing_secret(tmp_path: Path) -> None:
    old = replace(
        LOGGED,
        secrets=(Secret(name="OLD", value_from=f"{SECRET_ARN}::AWSPREVIOUS:"),),
        log_configuration=None,
    )
    scope = TaskScope(definition=replace(TASK, container_definitions=(old,)), task_id="0123", declared={})
    async with AwsBackend(AwsSettings(seed=SEED), region=REGION, folder=tmp_path) as backend:
        task = TaskAwsSession(scope, backend, LogCalls(backend.clients))
        with pytest.raises(EngineError):
            await task.prepare(SECRETS_RESOURCE)
    (notice,) = task.notices()
    assert notice.text == (
        f"local AWS has no version AWSPREVIOUS of {SECRET_ARN}: "
        "what [aws.secrets] in pillion.toml holds is AWSCURRENT"
    )


@pytest.mark.parametrize(
    ("option", "value", "at_create", "at_start"),
    [
        (
            "awslogs-grup",
            "/web",
            "Error response from daemon: unknown log opt 'awslogs-grup' for awslogs log driver",
            None,
        ),
        (
            "awslogs-multiline-pattern",
            "(",
            None,
            (
                "Error response from daemon: failed to initialize logging driver: awslogs could not parse "
                "multiline pattern key: error parsing regexp: "
            ),
        ),
    ],
)
async def test_wrong_options_are_refused_where_docker_refuses_them(
    tmp_path: Path, option: str, value: str, at_create: str | None, at_start: str | None
) -> None:
    log = LOGGED.log_configuration
    assert log is not None
    wrong = replace(LOGGED, log_configuration=replace(log, options={**(log.options or {}), option: value}))
    scope = TaskScope(definition=replace(TASK, container_definitions=(wrong,)), task_id="0123", declared={})
    async with AwsBackend(AwsSettings(mode=AwsMode.NONE), region=REGION, folder=tmp_path) as backend:
        task = TaskAwsSession(scope, backend, LogCalls(backend.clients))
        if at_create is not None:
            with pytest.raises(EngineError) as caught:
                task.check_log_options("logged")
            assert str(caught.value) == f"CannotCreateContainerError: {at_create}"
        if at_start is not None:
            task.check_log_options("logged")
            with pytest.raises(EngineError) as caught:
                await task.before_start("logged", "c0ffee")
            assert str(caught.value).startswith(f"CannotStartContainerError: {at_start}")


async def test_a_missing_log_group_keeps_the_container_from_starting(session: Make) -> None:
    with pytest.raises(EngineError) as caught:
        await session().before_start("logged", "c0ffee")
    assert (caught.value.error.name, caught.value.error.text) == (
        "CannotStartContainerError",
        MISSING_GROUP,
    )


async def test_a_log_group_is_created_when_the_definition_says_so(session: Make, clients: AwsClients) -> None:
    log = LOGGED.log_configuration
    assert log is not None
    options = {**(log.options or {}), "awslogs-create-group": "true"}
    creating = replace(LOGGED, log_configuration=replace(log, options=options))
    await session(replace(TASK, container_definitions=(creating,))).before_start("logged", "c0ffee")
    groups = (await clients.call("logs", "describe_log_groups"))["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/web"]


@pytest.mark.slow
async def test_local_aws_makes_a_missing_log_group_and_says_so_unless_groups_are_named(
    tmp_path: Path,
) -> None:
    scope = TaskScope(definition=TASK, task_id="0123", declared={})
    async with AwsBackend(AwsSettings(), region=REGION, folder=tmp_path) as backend:
        calls = LogCalls(backend.clients)
        task = TaskAwsSession(scope, backend, calls)
        await task.before_start("logged", "c0ffee")
        assert [(notice.code, notice.container) for notice in task.notices()] == [
            ("log-group-created", "logged")
        ]
        for resource in (SECRETS_RESOURCE, ENVIRONMENT_FILES_RESOURCE):
            with pytest.raises(EngineError):
                await task.prepare(resource)
        examples = [notice.text.rpartition("for example ")[2] for notice in task.notices()[1:]]
        assert examples == [
            '"/app/db" = "value"',
            f'"{SECRET_ARN}" = "value"',
            '"conf/first.env" = "NAME=value"',
            '"conf/second.env" = "NAME=value"',
        ]
        await calls.close()
    strict = AwsSettings(seed=Seed(log_groups=("/other",)))
    async with AwsBackend(strict, region=REGION, folder=tmp_path) as backend:
        calls = LogCalls(backend.clients)
        with pytest.raises(EngineError) as caught:
            await TaskAwsSession(scope, backend, calls).before_start("logged", "c0ffee")
        assert caught.value.error.text == MISSING_GROUP
        await calls.close()
