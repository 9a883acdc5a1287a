"""Rules about FireLens: the log router and the containers that log through it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pillion.core.findings import Severity
from pillion.core.rules.examples import app, awslogs, depends, fargate, health_check, sidecar
from pillion.core.rules.logs import log_options
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, task_rule, we_say
from pillion.core.task_view import (
    FARGATE,
    ContainerView,
    Json,
    TaskView,
    absent,
    is_known,
    mapping,
    members,
    text,
)

_FIRELENS = guide("using_firelens.html")
_CONFIG = guide("firelens-taskdef.html")
_OBJECT_ARN = re.compile(r"arn:[a-z0-9-]+:s3:::[^/*]+/.+")
_OUTPUT_KEY = {"fluentbit": "Name", "fluentd": "@type"}
_DOCKER_OPTIONS = frozenset({"mode", "max-buffer-size", "fluentd-address", "fluentd-async"})
_TAKEN_OUT = frozenset({"include-pattern", "exclude-pattern", "log-driver-buffer-limit"})


def routed(**options: str) -> dict[str, object]:
    """A log configuration through FireLens, for examples."""
    return {"logDriver": "awsfirelens", "options": options}


def router(
    *, options: dict[str, str] | None = None, kind: str = "fluentbit", **members: object
) -> dict[str, object]:
    """A log router, for examples."""
    configuration: dict[str, object] = {"type": kind}
    if options is not None:
        configuration["options"] = options
    base: dict[str, object] = {
        "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.34.0",
        "firelensConfiguration": configuration,
        "logConfiguration": awslogs(awslogs_create_group="true"),
        "healthCheck": health_check(),
        "memory": None,
        "memoryReservation": 64,
    }
    return sidecar("log_router", **{**base, **members})


def routers(task: TaskView) -> list[ContainerView]:
    """Containers with a FireLens configuration that is known to be there."""
    return [c for c in task.containers if isinstance(c.raw.get("firelensConfiguration"), dict)]


def log_users(task: TaskView) -> list[ContainerView]:
    """Containers that log through FireLens."""
    return [container for container in task.containers if container.log_driver == "awsfirelens"]


@task_rule(
    code="E701",
    title="A log router that nobody logs through",
    why="AWS refuses a firelensConfiguration without a container that uses the driver awsfirelens.",
    fix="Give a container the log driver awsfirelens, or take firelensConfiguration away.",
    source=_CONFIG,
    bad=fargate(app(), router()),
    good=fargate(app(logConfiguration=routed(Name="cloudwatch")), router()),
    on="firelensConfiguration",
)
def router_without_users(task: TaskView) -> Iterator[Hit]:
    """Some container uses the driver."""
    found = routers(task)
    if not found or not task.containers_known or log_users(task):
        return
    if all(_driver_is_known(container) for container in task.containers):
        message = (
            "When a firelensConfiguration object is specified, at least one container has to be "
            "configured with the awsfirelens log driver."
        )
        yield aws_says(found[0].at("firelensConfiguration"), message)


def _driver_is_known(container: ContainerView) -> bool:
    return is_known(container.raw, "logConfiguration")


@task_rule(
    code="E702",
    title="A container logs through FireLens, and there is no log router",
    why="The driver awsfirelens hands the logs to the task's log router.",
    fix="Add a log router: a container with a firelensConfiguration.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(Name="cloudwatch"))),
    good=fargate(app(logConfiguration=routed(Name="cloudwatch")), router()),
    on="logConfiguration",
)
def users_without_router(task: TaskView) -> Iterator[Hit]:
    """Some container has a FireLens configuration."""
    if not task.containers_known or any(not absent(c.raw, "firelensConfiguration") for c in task.containers):
        return
    for container in log_users(task):
        message = (
            "When awsfirelens log driver is specified in log configuration, a firelens configuration "
            "object must be configured in one of the containers."
        )
        yield aws_says(container.at("logConfiguration", "logDriver"), message)


@task_rule(
    code="E703",
    title="More than one log router",
    why="A task has one socket for logs, and one container that listens on it.",
    fix="Keep one firelensConfiguration.",
    source=_FIRELENS,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(), router(name="second")),
    good=fargate(app(logConfiguration=routed(Name="s3")), router()),
    on="firelensConfiguration",
)
def two_routers(task: TaskView) -> Iterator[Hit]:
    """At most one container has a FireLens configuration."""
    found = routers(task)
    for container in found[1:]:
        message = f"{container.label} and {found[0].label} both have a firelensConfiguration."
        yield we_say(container.at("firelensConfiguration"), message)


@container_rule(
    code="E704",
    title="An option that FireLens does not have",
    why="FireLens knows enable-ecs-log-metadata, config-file-type and config-file-value.",
    fix="Correct the option; what is meant for the output belongs into the options of awsfirelens.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(options={"config-file-type": "local"})),
    good=fargate(
        app(logConfiguration=routed(Name="s3")),
        router(options={"config-file-type": "file", "config-file-value": "/extra.conf"}),
    ),
    on="firelensConfiguration",
)
def firelens_options(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Options are the known three, with the values that they can have."""
    options = mapping(mapping(container.raw, "firelensConfiguration"), "options")
    for key, value in options.items():
        path = container.at("firelensConfiguration", "options", key)
        if key not in ("enable-ecs-log-metadata", "config-file-type", "config-file-value"):
            yield we_say(path, f"FireLens has no option {key}.")
        elif key == "config-file-type" and isinstance(value, str) and value not in ("s3", "file"):
            yield we_say(path, f"config-file-type is {value!r}, not s3 or file.")
        elif key == "enable-ecs-log-metadata" and isinstance(value, str) and value not in ("true", "false"):
            yield we_say(path, f"enable-ecs-log-metadata is {value!r}, not true or false.")
    kind = text(options, "config-file-type")
    if kind and absent(options, "config-file-value"):
        path = container.at("firelensConfiguration", "options")
        yield we_say(path, "config-file-type needs config-file-value.")
    file = text(options, "config-file-value")
    if kind == "s3" and file and not _OBJECT_ARN.fullmatch(file):
        path = container.at("firelensConfiguration", "options", "config-file-value")
        yield aws_says(path, "Invalid arn syntax.", f"The value is {file[:200]!r}.")


@container_rule(
    code="E705",
    title="Fargate: a FireLens configuration from S3",
    why="On Fargate the file must be in the image; AWS's answer, `Invalid arn syntax.`, does not say so.",
    fix="Put the file into the image and use config-file-type file, or use AWS's init image for S3.",
    source=_CONFIG,
    bad=fargate(
        app(logConfiguration=routed(Name="s3")),
        router(options={"config-file-type": "s3", "config-file-value": "arn:aws:s3:::bucket/extra.conf"}),
    ),
    good=fargate(
        app(logConfiguration=routed(Name="s3")),
        router(options={"config-file-type": "file", "config-file-value": "/extra.conf"}),
    ),
    on="firelensConfiguration",
    launch_type=FARGATE,
)
def firelens_s3_on_fargate(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`config-file-type` is not s3 on Fargate."""
    options = mapping(mapping(container.raw, "firelensConfiguration"), "options")
    if text(options, "config-file-type") == "s3":
        path = container.at("firelensConfiguration", "options", "config-file-type")
        yield aws_says(path, "Invalid arn syntax.", "On Fargate config-file-type can only be file.")


@task_rule(
    code="W701",
    title="awsfirelens options without an output",
    why=(
        "FireLens writes an output section from the options; without the plugin's name the log router's "
        "configuration cannot be made and the task fails to start."
    ),
    fix="Name the output plugin: Name for Fluent Bit, @type for Fluentd. The key is case-sensitive.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(region="eu-west-1")), router()),
    good=fargate(app(logConfiguration=routed(Name="s3", region="eu-west-1")), router()),
    on="firelensConfiguration",
)
def output_missing(task: TaskView) -> Iterator[Hit]:
    """Options of an awsfirelens container name their output; none at all is for external configuration."""
    for container, kind, options in _routed_options(task):
        given = set(options) - _TAKEN_OUT
        key = _OUTPUT_KEY[kind]
        if given and key not in given:
            message = f"missing output key {key} which is required for firelens configuration of type {kind}"
            near = next((other for other in given if other.lower() == key.lower()), None)
            detail = f"The key {near} is written differently; it has to be {key}." if near else ""
            yield aws_says(container.at("logConfiguration", "options"), message, detail)


def _routed_options(task: TaskView) -> Iterator[tuple[ContainerView, str, Json]]:
    """Containers that log through FireLens with known options: container, type of router, options."""
    found = routers(task)
    kind = text(mapping(found[0].raw, "firelensConfiguration"), "type") if len(found) == 1 else None
    if kind not in _OUTPUT_KEY:
        return
    for container in log_users(task):
        configuration = mapping(container.raw, "logConfiguration")
        if isinstance(configuration.get("options", {}), (dict, type(None))):
            yield container, kind, log_options(container)


@task_rule(
    code="W702",
    title="awsfirelens without options, and no external configuration",
    why="No output is written for the container, so its logs go nowhere; Fargate may refuse to start it.",
    fix="Give the options of an output, or an external configuration that has one.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration={"logDriver": "awsfirelens"}), router()),
    good=fargate(app(logConfiguration=routed(Name="s3")), router()),
    on="firelensConfiguration",
)
def output_absent(task: TaskView) -> Iterator[Hit]:
    """Someone provides an output: the options, an external file, or a router image of one's own."""
    for container, _, options in _routed_options(task):
        if set(options) - _TAKEN_OUT or not is_known(container.raw, "logConfiguration"):
            continue
        (log_router,) = routers(task)
        if mapping(mapping(log_router.raw, "firelensConfiguration"), "options").get("config-file-type"):
            continue
        if "aws-for-fluent-bit" in (log_router.image or "") and ":init" not in (log_router.image or ""):
            message = f"{container.label} has no output for its logs."
            yield we_say(container.at("logConfiguration"), message)


@task_rule(
    code="W703",
    title="The log router logs through itself",
    why="What the router says about its own trouble is lost with it, and may go round in circles.",
    fix="Give the router the log driver awslogs.",
    source=_CONFIG,
    bad=fargate(router(logConfiguration=routed(Name="s3"), essential=True)),
    good=fargate(app(logConfiguration=routed(Name="s3")), router()),
    on="firelensConfiguration",
)
def router_logs_itself(task: TaskView) -> Iterator[Hit]:
    """The router does not use awsfirelens."""
    for container in routers(task):
        if container.log_driver == "awsfirelens":
            message = f"The log router {container.label} logs through itself."
            yield we_say(container.at("logConfiguration", "logDriver"), message)


@task_rule(
    code="W704",
    title="The log router's own logs go nowhere",
    why="When logs are missing, what the router says is the only clue.",
    fix="Give the router the log driver awslogs.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(logConfiguration=None)),
    good=fargate(app(logConfiguration=routed(Name="s3")), router()),
    on="firelensConfiguration",
)
def router_without_logs(task: TaskView) -> Iterator[Hit]:
    """The router has a log configuration of its own."""
    for container in routers(task):
        if absent(container.raw, "logConfiguration"):
            yield we_say(container.path, f"The log router {container.label} has no logConfiguration.")


@task_rule(
    code="W705",
    title="The log router has no health check",
    why=(
        "Without one nobody notices a router that hangs, and no container can wait until it takes logs. "
        "Fluent Bit under FireLens listens on port 8877 for this."
    ),
    fix='Probe that port: `echo \'{"health": "check"}\' | nc 127.0.0.1 8877 || exit 1` as CMD-SHELL.',
    source=guide("firelens-taskdef.html"),
    severity=Severity.INFO,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(healthCheck=None)),
    good=fargate(app(logConfiguration=routed(Name="s3")), router()),
    on="firelensConfiguration",
)
def router_without_health_check(task: TaskView) -> Iterator[Hit]:
    """The router has a health check."""
    for container in routers(task):
        if not container.has_health_check:
            yield we_say(container.path, f"The log router {container.label} has no health check.")


@task_rule(
    code="W706",
    title="The log router is not essential",
    why="When it ends, the task goes on, and its logs are lost without a sign.",
    fix="Make the router essential, or give it a restartPolicy if the task matters more than its logs.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(essential=False)),
    good=fargate(app(logConfiguration=routed(Name="s3")), router(essential=True)),
    on="firelensConfiguration",
)
def router_not_essential(task: TaskView) -> Iterator[Hit]:
    """The router is essential, or restarted."""
    for container in routers(task):
        restarts = not absent(container.raw, "restartPolicy")
        if container.essential is False and not restarts:
            message = f"The task goes on without logs when the log router {container.label} ends."
            yield we_say(container.at("essential"), message)


@task_rule(
    code="W707",
    title="No order between the log router and those who log through it",
    why=(
        "ECS lets containers that use awsfirelens start after the router and stop before it by itself, "
        "except where the router has dependencies of its own; then the last lines of a task are lost."
    ),
    fix="Let those who log through the router depend on it: START, or HEALTHY with a health check.",
    source=_FIRELENS,
    bad=fargate(
        app(logConfiguration=routed(Name="s3")),
        router(dependsOn=depends(loader="SUCCESS")),
        sidecar("loader", essential=False),
    ),
    good=fargate(
        app(logConfiguration=routed(Name="s3"), dependsOn=depends(log_router="START")),
        router(dependsOn=depends(loader="SUCCESS")),
        sidecar("loader", essential=False),
    ),
    on="firelensConfiguration",
)
def order_lost(task: TaskView) -> Iterator[Hit]:
    """Where the router has dependencies, each of its users depends on it, directly or through others."""
    for log_router in routers(task):
        if log_router.name is None or not _waits(log_router):
            continue
        for container in log_users(task):
            if container is log_router or not is_known(container.raw, "dependsOn"):
                continue
            if log_router.name not in _reachable(task, container):
                message = (
                    f"{container.label} and its log router {log_router.label} have no order, because "
                    f"{log_router.label} has dependencies of its own."
                )
                yield we_say(container.path, message)


def _waits(container: ContainerView) -> bool:
    return bool(
        container.raw.get("dependsOn") or container.raw.get("links") or container.raw.get("volumesFrom")
    )


def _reachable(task: TaskView, container: ContainerView) -> set[str]:
    """Names of all containers that this one waits for, directly or through others."""
    found: set[str] = set()
    rest = [container]
    while rest:
        for _, name, _ in rest.pop().dependencies:
            if name is not None and name not in found:
                found.add(name)
                if name in task.by_name:
                    rest.append(task.by_name[name])
    return found


@container_rule(
    code="W708",
    title="An option of Docker's in the options of awsfirelens",
    why=(
        "FireLens copies the options into the router's output section, and Fluent Bit ends with `unknown "
        "configuration property`; only log-driver-buffer-limit reaches Docker."
    ),
    fix="Take the option away; use log-driver-buffer-limit for the size of the buffer.",
    source=_CONFIG,
    bad=fargate(app(logConfiguration=routed(Name="s3", mode="non-blocking")), router()),
    good=fargate(
        app(
            logConfiguration={
                "logDriver": "awsfirelens",
                "options": {"Name": "s3", "log-driver-buffer-limit": "2097152"},
            }
        ),
        router(),
    ),
    on="logConfiguration",
)
def docker_options(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """None of Docker's own log options is given to awsfirelens."""
    if container.log_driver != "awsfirelens":
        return
    for key in log_options(container):
        if key in ("mode", "max-buffer-size", "fluentd-address", "fluentd-async", "tag") or key.startswith(
            "awslogs-"
        ):
            path = container.at("logConfiguration", "options", key)
            yield we_say(path, f"{key} goes into the output section of the log router, not to Docker.")


@task_rule(
    code="W709",
    title="Secret log options beside a log router",
    why=(
        "In a task with a log router the secret log options of every container are fed into the router's "
        "configuration; those of another driver then lack an output and the task fails to start."
    ),
    fix="Let the container log through FireLens as well, or give the option in plain.",
    source=_CONFIG,
    bad=fargate(
        app(logConfiguration=routed(Name="s3")),
        router(),
        sidecar(
            "worker",
            logConfiguration={
                "logDriver": "splunk",
                "options": {"splunk-url": "https://splunk:8088"},
                "secretOptions": [{"name": "splunk-token", "valueFrom": "/splunk/token"}],
            },
        ),
    ),
    good=fargate(app(logConfiguration=routed(Name="s3")), router(), sidecar("worker")),
    on="firelensConfiguration",
)
def foreign_secret_options(task: TaskView) -> Iterator[Hit]:
    """With a router, only containers that log through it have secret log options."""
    if not routers(task):
        return
    for container in task.containers:
        configuration = mapping(container.raw, "logConfiguration")
        other = container.log_driver not in (None, "awsfirelens")
        if other and members(configuration, "secretOptions"):
            path = container.at("logConfiguration", "secretOptions")
            message = f"The secret options of {container.label} end up in the log router's configuration."
            yield we_say(path, message)
