"""Task definitions that use FireLens in every way, by name; each has a golden file."""

from pillion.core.plan.model import NetworkMode, TaskIdentity
from pillion.core.taskdef.enums import FirelensConfigurationType, LogDriver
from pillion.core.taskdef.model import (
    ContainerDefinition,
    FirelensConfiguration,
    KeyValuePair,
    LogConfiguration,
    Secret,
    TaskDefinition,
)

BIT = FirelensConfigurationType.FLUENTBIT
DAEMON = FirelensConfigurationType.FLUENTD
API_KEY = Secret(name="apikey", value_from="/datadog/key")

IDENTITY = TaskIdentity(
    task_id="0123456789abcdef0123456789abcdef",
    task_arn="arn:aws:ecs:eu-west-1:111122223333:task/prod/0123456789abcdef0123456789abcdef",
    cluster="prod",
    cluster_arn="arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
    family="web",
    revision=7,
    definition_arn="arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
    region="eu-west-1",
    account="111122223333",
)

CLOUDWATCH = {
    "Name": "cloudwatch_logs",
    "region": "eu-west-1",
    "log_group_name": "/web/app",
    "log_stream_prefix": "app-",
    "auto_create_group": "true",
}


def router(
    type_: FirelensConfigurationType = BIT,
    *,
    memory: int | None = None,
    user: str | None = None,
    **options: str,
) -> ContainerDefinition:
    """A log router; options are written with `_` for `-`."""
    given = {key.replace("_", "-"): value for key, value in options.items()}
    firelens = FirelensConfiguration(type=type_, options=given or None)
    return ContainerDefinition(name="log_router", memory=memory, user=user, firelens_configuration=firelens)


def app(name: str = "app", /, *secrets: Secret, **options: str) -> ContainerDefinition:
    """A container that logs through the router."""
    log = LogConfiguration(
        log_driver=LogDriver.AWSFIRELENS, options=options or None, secret_options=secrets or None
    )
    return ContainerDefinition(name=name, log_configuration=log)


def task(*containers: ContainerDefinition) -> TaskDefinition:
    """A definition of these containers."""
    return TaskDefinition(family="web", container_definitions=containers)


PATTERNS = {"include-pattern": "^ERROR|level=(warn|error)", "exclude-pattern": "GET /health"}
ON_EC2 = ContainerDefinition(
    name="log_router",
    memory=512,
    memory_reservation=101,
    environment=(KeyValuePair(name="AWS_EXECUTION_ENV", value="AWS_ECS_EC2"),),
    firelens_configuration=FirelensConfiguration(type=BIT),
)

EXAMPLES: dict[str, tuple[TaskDefinition, NetworkMode]] = {
    "fluentbit-awsvpc.conf": (task(router(), app(**CLOUDWATCH)), NetworkMode.AWSVPC),
    "fluentbit-bridge.conf": (task(app(**CLOUDWATCH), router(memory=100)), NetworkMode.BRIDGE),
    "fluentbit-host.conf": (task(app(**CLOUDWATCH), ON_EC2), NetworkMode.HOST),
    "fluentbit-patterns.conf": (
        task(
            router(enable_ecs_log_metadata="false"),
            app("web.front", **PATTERNS, **CLOUDWATCH),
            app("worker", **PATTERNS),
        ),
        NetworkMode.AWSVPC,
    ),
    "fluentbit-file.conf": (
        task(
            router(config_file_type="file", config_file_value="/fluent-bit/configs/parse-json.conf"),
            app(),
        ),
        NetworkMode.AWSVPC,
    ),
    "fluentbit-s3.conf": (
        task(
            router(config_file_type="s3", config_file_value="arn:aws:s3:::conf/extra.conf"), app(**CLOUDWATCH)
        ),
        NetworkMode.AWSVPC,
    ),
    "fluentbit-secrets.conf": (
        task(app("a", API_KEY, Name="datadog", TLS="on"), router(), app("b", API_KEY, Name="datadog")),
        NetworkMode.AWSVPC,
    ),
    "fluentd-awsvpc.conf": (
        task(
            router(DAEMON),
            app("app", API_KEY, **{"@type": "kinesis_firehose", "region": "eu-west-1", **PATTERNS}),
        ),
        NetworkMode.AWSVPC,
    ),
    "fluentd-bridge-s3.conf": (
        task(
            router(DAEMON, config_file_type="s3", config_file_value="arn:aws:s3:::conf/extra.conf"),
            app(**{"@type": "stdout"}),
        ),
        NetworkMode.BRIDGE,
    ),
}
