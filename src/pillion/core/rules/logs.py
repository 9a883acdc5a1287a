"""Rules about log drivers and their options; FireLens has a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pillion.core.findings import Severity
from pillion.core.rules.examples import app, awslogs, fargate, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, task_rule, we_say
from pillion.core.task_view import (
    FARGATE,
    MANAGED_INSTANCES,
    ContainerView,
    Json,
    TaskView,
    absent,
    is_known,
    mapping,
    members,
    text,
)

_LOGS = guide("task_definition_parameters.html#container_definition_logconfiguration")
_AWSLOGS = guide("using_awslogs.html")

FARGATE_DRIVERS: Final = ("awslogs", "splunk", "awsfirelens")
MANAGED_DRIVERS: Final = (*FARGATE_DRIVERS, "json-file")
EC2_DRIVERS: Final = (*FARGATE_DRIVERS, "fluentd", "gelf", "json-file", "journald", "syslog")


@container_rule(
    code="E601",
    title="A log driver that the launch type does not have",
    why="Fargate and Managed Instances offer fewer drivers than EC2.",
    fix="Use awslogs, splunk or awsfirelens; the last reaches everything that Fluent Bit can write to.",
    source=_LOGS,
    bad=fargate(app(logConfiguration={"logDriver": "json-file"})),
    good=fargate(app(logConfiguration=awslogs())),
    on="logConfiguration",
)
def log_driver(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The driver is one that every launch type asked for has."""
    driver = container.log_driver
    if driver is None:
        return
    drivers: tuple[str, ...] = EC2_DRIVERS
    if task.is_fargate:
        drivers = FARGATE_DRIVERS
    elif MANAGED_INSTANCES in task.launch_types:
        drivers = MANAGED_DRIVERS
    if driver not in drivers:
        message = f"{driver} is not a valid log driver. Must be one of [{','.join(drivers)}]"
        path = container.at("logConfiguration", "logDriver")
        # Only Fargate's list has been seen on the wire.
        yield aws_says(path, message) if task.is_fargate else we_say(path, f"{message}.")


@container_rule(
    code="E602",
    title="awslogs without a group or a region",
    why="The driver has to know where to write.",
    fix="Give the options awslogs-group and awslogs-region.",
    source=_AWSLOGS,
    bad=fargate(app(logConfiguration=awslogs(awslogs_group=None))),
    good=fargate(app(logConfiguration=awslogs())),
    on="logConfiguration",
)
def awslogs_options(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Both required options are there."""
    if container.log_driver != "awslogs":
        return
    missing = [name for name in ("awslogs-group", "awslogs-region") if _lacks_option(container, name)]
    if missing:
        message = f"Log driver awslogs requires options: {', '.join(missing)}"
        yield aws_says(container.at("logConfiguration", "options"), message)


@container_rule(
    code="E603",
    title="Fargate: awslogs without a stream prefix",
    why="On Fargate the stream's name is made of the prefix, the container's name and the task's id.",
    fix="Give the option awslogs-stream-prefix.",
    source=_AWSLOGS,
    bad=fargate(app(logConfiguration=awslogs(awslogs_stream_prefix=None))),
    good=fargate(app(logConfiguration=awslogs())),
    on="logConfiguration",
    launch_type=FARGATE,
)
def awslogs_stream_prefix(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """On Fargate the stream prefix is there."""
    if container.log_driver == "awslogs" and _lacks_option(container, "awslogs-stream-prefix"):
        message = (
            "Fargate requires log configuration options to include awslogs-stream-prefix "
            "to support log driver awslogs."
        )
        yield aws_says(container.at("logConfiguration", "options"), message)


@task_rule(
    code="E604",
    title="Fargate: awslogs without an execution role",
    why="The execution role is what writes to CloudWatch Logs.",
    fix="Give the task an executionRoleArn with the policy AmazonECSTaskExecutionRolePolicy.",
    source=_AWSLOGS,
    bad=fargate(app(logConfiguration=awslogs()), executionRoleArn=None),
    good=fargate(app(logConfiguration=awslogs())),
    launch_type=FARGATE,
    on="logConfiguration",
)
def awslogs_role(task: TaskView) -> Iterator[Hit]:
    """On Fargate, awslogs needs an execution role."""
    if not absent(task.raw, "executionRoleArn"):
        return
    for container in task.containers:
        if container.log_driver == "awslogs":
            message = (
                "Fargate requires task definition to have execution role ARN to support log driver awslogs."
            )
            yield aws_says(container.at("logConfiguration", "logDriver"), message)


@container_rule(
    code="E605",
    title="splunk without a token or an address",
    why="The driver has to know where to write, and as whom.",
    fix="Give the options splunk-url and splunk-token, the token under secretOptions.",
    source=_LOGS,
    bad=task(app(logConfiguration={"logDriver": "splunk", "options": {"splunk-url": "https://splunk:8088"}})),
    good=fargate(
        app(
            logConfiguration={
                "logDriver": "splunk",
                "options": {"splunk-url": "https://splunk:8088"},
                "secretOptions": [{"name": "splunk-token", "valueFrom": "/splunk/token"}],
            }
        )
    ),
    on="logConfiguration",
)
def splunk_options(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Both required options are there, as options or as secret options."""
    if container.log_driver != "splunk":
        return
    missing = [name for name in ("splunk-token", "splunk-url") if _lacks_option(container, name)]
    if missing:
        path = container.at("logConfiguration", "options")
        yield we_say(path, f"The log driver splunk requires the options {', '.join(missing)}.")


def log_options(container: ContainerView) -> Json:
    """Options of the container's log driver."""
    return mapping(mapping(container.raw, "logConfiguration"), "options")


def _lacks_option(container: ContainerView, name: str) -> bool:
    """Is the option certainly missing, plain and secret?"""
    configuration = mapping(container.raw, "logConfiguration")
    if name in mapping(configuration, "options") or not is_known(configuration, "secretOptions"):
        return False
    if "options" in configuration and not isinstance(configuration["options"], dict):
        return configuration["options"] is None
    secret = {text(option, "name") for _, option in members(configuration, "secretOptions")}
    return not secret & {name, None} and absent(log_options(container), name)


@container_rule(
    code="W601",
    title="The log group must exist before the task starts",
    severity=Severity.INFO,
    why=(
        "Registration does not look for the group; a task whose log group is missing fails to start, with a "
        "message that speaks of the network as well."
    ),
    fix='Create the group beforehand, or set the option `"awslogs-create-group": "true"`.',
    source=_AWSLOGS,
    bad=fargate(app(logConfiguration=awslogs())),
    good=fargate(app(logConfiguration=awslogs(awslogs_create_group="true"))),
    on="logConfiguration",
)
def log_group_exists(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A group that is named outright, and not made on demand, has to be there."""
    group = text(log_options(container), "awslogs-group")
    if container.log_driver != "awslogs" or not group:
        return
    if absent(log_options(container), "awslogs-create-group"):
        path = container.at("logConfiguration", "options", "awslogs-group")
        yield we_say(path, f"The log group {group} has to exist when the task starts.")


@container_rule(
    code="W602",
    title="Two ways at once to tell where a log event begins",
    why="awslogs-datetime-format wins, and awslogs-multiline-pattern is ignored.",
    fix="Keep one of the two options.",
    source=_AWSLOGS,
    bad=fargate(
        app(logConfiguration=awslogs(awslogs_datetime_format="%Y", awslogs_multiline_pattern="^INFO"))
    ),
    good=fargate(app(logConfiguration=awslogs(awslogs_datetime_format="%Y"))),
    on="logConfiguration",
)
def multiline_twice(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Only one multi-line option is given."""
    options = log_options(container)
    if "awslogs-datetime-format" in options and "awslogs-multiline-pattern" in options:
        path = container.at("logConfiguration", "options", "awslogs-multiline-pattern")
        yield we_say(path, "awslogs-multiline-pattern is ignored beside awslogs-datetime-format.")
