"""Rules about secrets, environment files, and the role that fetches them.

Surprising: AWS takes any `valueFrom` that is no ARN for the name of a Systems Manager parameter, so the short
name of a Secrets Manager secret ends in an error about parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pillion.core.findings import Path
from pillion.core.rules.examples import app, fargate, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, task_rule, we_say
from pillion.core.task_view import (
    FARGATE,
    SEARCHED_MAX,
    ContainerView,
    Json,
    TaskView,
    absent,
    mapping,
    members,
    text,
)

_SECRETS = guide("specifying-sensitive-data.html")
_SECRETS_MANAGER = guide("secrets-envvar-secrets-manager.html")
_PARAMETERS = guide("secrets-envvar-ssm-paramstore.html")
_ENV_FILES = guide("use-environment-file.html")
_EXECUTION_ROLE = guide("task_execution_IAM_role.html")

_SECRET_ARN = re.compile(r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:(.+)")
_PARAMETER_ARN = re.compile(r"arn:[a-z0-9-]+:ssm:[a-z0-9-]+:(\d{12}):parameter/.+")
_PARAMETER_NAME = re.compile(r"[a-zA-Z0-9_.,/-]{1,2048}")
_OBJECT_ARN = re.compile(r"arn:[a-z0-9-]+:s3:::[^/*]+/.+")
_ECR_IMAGE = re.compile(r"\d{12}\.dkr[.-]ecr[a-z-]*\.[a-z0-9-]+\.")
_ROLE_ACCOUNT = re.compile(r"arn:[a-z0-9-]+:iam::(\d{12}):role/")

ENVIRONMENT_FILES_MAX: Final = 10

_SECRET: Final = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-a1b2c3"  # noqa: S105 (an address)
_ROLE: Final = "arn:aws:iam::111122223333:role/ecsTaskExecutionRole"


def _secret(value_from: str, name: str = "DB_PASSWORD") -> list[dict[str, str]]:
    return [{"name": name, "valueFrom": value_from}]


@task_rule(
    code="E501",
    title="A parameter of another account",
    why="Systems Manager parameters cannot be read across accounts this way.",
    fix="Use a parameter of the account in which the task runs, or a secret of Secrets Manager.",
    source=_PARAMETERS,
    bad=fargate(app(secrets=_secret("arn:aws:ssm:eu-west-1:444455556666:parameter/db"))),
    good=fargate(app(secrets=_secret("arn:aws:ssm:eu-west-1:111122223333:parameter/db"))),
    on="secrets",
)
def parameter_account(task: TaskView) -> Iterator[Hit]:
    """Parameter ARNs are of the account of the task's roles, which must be the task's own account."""
    accounts = {
        match[1]
        for key in ("executionRoleArn", "taskRoleArn")
        if (match := _ROLE_ACCOUNT.match(text(task.raw, key) or ""))
    }
    if len(accounts) != 1:
        return
    (account,) = accounts
    for _, path, _, value in _references(task):
        match = _PARAMETER_ARN.fullmatch(value)
        if match and match[1] != account:
            message = (
                "The Systems Manager parameter ARN has a different account ID than the current account. "
                f"The current account ID is {account} and the ARN account ID is {match[1]}. "
                "Cross-account access for ARNs is not currently supported."
            )
            detail = "The task's own account is taken from its role."
            yield aws_says(path, message, detail)


def _references(task: TaskView) -> Iterator[tuple[ContainerView, Path, str, str]]:
    """Every `secrets` entry that is known: container, path of the reference, name, reference."""
    for container in task.containers:
        for index, secret in members(container.raw, "secrets"):
            value = text(secret, "valueFrom")
            if value is not None:
                path = container.at("secrets", index, "valueFrom")
                yield container, path, text(secret, "name") or "", value


@task_rule(
    code="E502",
    title="Secrets without an execution role",
    why="The execution role is what fetches secrets before the container starts.",
    fix="Give the task an executionRoleArn that may read the secrets.",
    source=_EXECUTION_ROLE,
    bad=task(app(secrets=_secret(_SECRET))),
    good=task(app(secrets=_secret(_SECRET)), executionRoleArn=_ROLE),
    on="secrets",
)
def secrets_without_role(task: TaskView) -> Iterator[Hit]:
    """A definition with secrets has an execution role."""
    if not absent(task.raw, "executionRoleArn"):
        return
    for container in task.containers:
        if members(container.raw, "secrets"):
            message = (
                "When you are specifying container secrets, "
                "you must also specify a value for 'executionRoleArn'."
            )
            yield aws_says(container.at("secrets"), message)


@task_rule(
    code="E503",
    title="Log secrets or registry credentials without an execution role",
    why="The execution role is what fetches them before the container starts.",
    fix="Give the task an executionRoleArn that may read the secret.",
    source=_EXECUTION_ROLE,
    bad=task(app(repositoryCredentials={"credentialsParameter": _SECRET})),
    good=task(app(repositoryCredentials={"credentialsParameter": _SECRET}), executionRoleArn=_ROLE),
)
def other_secrets_without_role(task: TaskView) -> Iterator[Hit]:
    """`secretOptions`, `repositoryCredentials` and environment files need an execution role."""
    if not absent(task.raw, "executionRoleArn"):
        return
    for container in task.containers:
        found: list[tuple[Json, tuple[str, ...]]] = [
            (mapping(container.raw, "logConfiguration"), ("logConfiguration", "secretOptions")),
            (container.raw, ("repositoryCredentials",)),
        ]
        for value, path in found:
            given = value.get(path[-1])
            if isinstance(given, (list, dict)) and given:
                yield we_say(container.at(*path), f"{path[-1]} needs a task with an executionRoleArn.")


@container_rule(
    code="E504",
    title="A secret reference that AWS reads as an invalid parameter name",
    why=(
        "What is no full ARN is taken for the name of a Systems Manager parameter; the short name of a "
        "secret with a JSON key (`db:password::`) is the usual cause."
    ),
    fix="Write the full ARN of the secret, with :json-key:version-stage:version-id behind it where needed.",
    source=_SECRETS_MANAGER,
    bad=fargate(app(secrets=_secret("db:password::"))),
    good=fargate(app(secrets=_secret(f"{_SECRET}:password::"))),
    on="secrets",
)
def secret_reference(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A reference is a secret's ARN, a parameter's ARN, or a parameter's name."""
    for index, secret in members(container.raw, "secrets"):
        value = text(secret, "valueFrom")
        if value is None or _PARAMETER_ARN.fullmatch(value) or _SECRET_ARN.fullmatch(value):
            continue
        if not _PARAMETER_NAME.fullmatch(value):
            message = (
                f"The Systems Manager parameter name specified for secret {text(secret, 'name') or ''} "
                "is invalid. The parameter name can be up to 2048 characters and include the following "
                "letters and symbols: a-zA-Z0-9_.-,"
            )
            path = container.at("secrets", index, "valueFrom")
            yield aws_says(path, message, f"valueFrom is {value[:200]!r}.")


@container_rule(
    code="E505",
    title="A secret and a variable of the same name",
    why="The container has one variable of a name, so AWS refuses two sources for it.",
    fix="Take one of the two away.",
    source=_SECRETS,
    bad=fargate(app(environment=[{"name": "DB_PASSWORD", "value": "x"}], secrets=_secret(_SECRET))),
    good=fargate(app(environment=[{"name": "DB_USER", "value": "x"}], secrets=_secret(_SECRET))),
    on="secrets",
)
def secret_and_variable(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Names of secrets are unique, among themselves and among the environment's."""
    names = {text(variable, "name") for _, variable in members(container.raw, "environment")}
    for index, secret in members(container.raw, "secrets"):
        name = text(secret, "name")
        if name is not None and name in names:
            message = (
                "The secret name must be unique and not shared with any new or existing environment "
                f"variables set on the container, such as '{name}'."
            )
            yield aws_says(container.at("secrets", index, "name"), message)
        names.add(name)


@container_rule(
    code="E506",
    title="More than ten environment files",
    why="AWS takes ten for each container.",
    fix="Merge some of the files.",
    source=_ENV_FILES,
    bad=fargate(
        app(environmentFiles=[{"type": "s3", "value": f"arn:aws:s3:::b/{i}.env"} for i in range(11)])
    ),
    good=fargate(
        app(environmentFiles=[{"type": "s3", "value": f"arn:aws:s3:::b/{i}.env"} for i in range(10)])
    ),
    on="environmentFiles",
)
def environment_files(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """At most ten environment files."""
    files = container.raw["environmentFiles"]
    if isinstance(files, list) and len(files) > ENVIRONMENT_FILES_MAX:
        message = "The maximum number of environment files was exceeded. Specify ten or less and try again."
        yield aws_says(container.at("environmentFiles"), message, f"There are {len(files)}.")


@container_rule(
    code="E507",
    title="An environment file that is no object in S3",
    why="The file is fetched from S3, by the ARN of the object.",
    fix="Write arn:aws:s3:::bucket/key.env.",
    source=_ENV_FILES,
    bad=fargate(app(environmentFiles=[{"type": "s3", "value": "s3://bucket/app.env"}])),
    good=fargate(app(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}])),
    on="environmentFiles",
)
def environment_file_arn(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """An environment file is the ARN of an object."""
    for index, file in members(container.raw, "environmentFiles"):
        value = text(file, "value")
        if value is not None and not _OBJECT_ARN.fullmatch(value):
            path = container.at("environmentFiles", index, "value")
            yield aws_says(path, "Invalid arn syntax.", f"The value is {value[:200]!r}.")


@task_rule(
    code="E508",
    title="Fargate: an image of a private ECR repository without an execution role",
    why="The execution role is what signs in to ECR.",
    fix="Give the task an executionRoleArn with the policy AmazonECSTaskExecutionRolePolicy.",
    source=_EXECUTION_ROLE,
    bad=fargate(app(image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1"), executionRoleArn=None),
    good=fargate(app(image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1")),
    launch_type=FARGATE,
)
def ecr_without_role(task: TaskView) -> Iterator[Hit]:
    """Private ECR images on Fargate need an execution role."""
    if not absent(task.raw, "executionRoleArn"):
        return
    for container in task.containers:
        if container.image and _ECR_IMAGE.match(container.image):
            message = "Fargate requires task definition to have execution role ARN to support ECR images."
            yield aws_says(container.at("image"), message)


@container_rule(
    code="W501",
    title="A secret's ARN with some but not all of the parts behind it",
    why=(
        "The agent takes a secret's ARN alone, or with all three of json-key, version-stage and version-id; "
        "with fewer it calls the ARN invalid, and the task stops."
    ),
    fix="Add the missing colons, as in `arn:…:secret:name:key::`.",
    source=_SECRETS_MANAGER,
    bad=fargate(app(secrets=_secret(f"{_SECRET}:password"))),
    good=fargate(app(secrets=_secret(f"{_SECRET}:password::"))),
    on="secrets",
)
def secret_arn_parts(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A secret's ARN has none or all three of its further parts."""
    for index, secret in members(container.raw, "secrets"):
        match = _SECRET_ARN.fullmatch(text(secret, "valueFrom") or "")
        if match and (colons := match[1].count(":")) not in (0, 3):
            message = (
                "an invalid ARN format for the AWS Secrets Manager secret was specified. "
                "Specify a valid ARN and try again."
            )
            detail = (
                f"{colons} parts follow the secret's name; it must be none or three, empty ones included."
            )
            yield aws_says(container.at("secrets", index, "valueFrom"), message, detail)


@container_rule(
    code="W502",
    title="A variable that looks like a secret in plain environment",
    why="The environment of a definition is readable for everybody who may describe it, for ever.",
    fix="Put the value into Secrets Manager or Systems Manager and refer to it under secrets.",
    source=_SECRETS,
    bad=task(app(environment=[{"name": "DB_PASSWORD", "value": "hunter2-a8f3"}])),
    good=task(app(environment=[{"name": "DB_PASSWORD_FILE", "value": "/run/secrets/db"}])),
    on="environment",
)
def plain_secret(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """No variable looks like a secret by its name or by its value."""
    for index, variable in members(container.raw, "environment"):
        name, value = text(variable, "name") or "", text(variable, "value") or ""
        if _looks_secret(name, value):
            path = container.at("environment", index, "value")
            yield we_say(path, f"The variable {name} looks like a secret, and stands in plain sight.")


_SECRET_NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?)(_?\d+)?$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_\w{36}|xox[abp]-\w+-"
    r"|[a-z][a-z0-9+]*://[^/\s:@]+:[^/\s:@$]+@"
)
_SECRET_VALUE_MIN = 12
"""Shorter than any value that gives itself away."""
_HARMLESS_VALUE = re.compile(
    r"|true|false|\d{1,5}|/.*|https?://[^@]*|arn:.*|[$<{%].*|changeme", re.IGNORECASE
)


def _looks_secret(name: str, value: str) -> bool:
    value = value[:SEARCHED_MAX]
    if len(value) >= _SECRET_VALUE_MIN and _SECRET_VALUE.search(value):
        return True
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_VALUE.fullmatch(value)


@container_rule(
    code="W503",
    title="One variable twice",
    why="Only one of the values reaches the container.",
    fix="Take one of the entries away.",
    source=guide("taskdef-envfiles.html"),
    bad=task(app(environment=[{"name": "MODE", "value": "a"}, {"name": "MODE", "value": "b"}])),
    good=task(app(environment=[{"name": "MODE", "value": "b"}])),
    on="environment",
)
def variable_twice(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Names of variables are unique."""
    seen: dict[str, int] = {}
    for index, variable in members(container.raw, "environment"):
        name = text(variable, "name")
        if name is not None and seen.setdefault(name, index) != index:
            yield we_say(container.at("environment", index, "name"), f"The variable {name} is given twice.")


@container_rule(
    code="W504",
    title="A value that looks as if somebody should expand it",
    why="ECS hands the value to the container as it stands; `${NAME}` is a habit of Compose and of shells.",
    fix="Write the value itself, or let the program expand it.",
    source=guide("taskdef-envfiles.html"),
    bad=task(app(environment=[{"name": "URL", "value": "http://${HOST}:8080"}])),
    good=task(app(environment=[{"name": "URL", "value": "http://127.0.0.1:8080"}])),
    on="environment",
)
def unexpanded_variable(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """No value holds a `${VARIABLE}`, except for the OpenTelemetry collector, which expands its own."""
    for index, variable in members(container.raw, "environment"):
        value = text(variable, "value") or ""
        if "${" in value and len(value) < 200 and (match := _VARIABLE.search(value)):
            name = text(variable, "name")
            message = f"{name} holds {match[0]}, which ECS does not expand."
            yield we_say(container.at("environment", index, "value"), message)


_VARIABLE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")


@container_rule(
    code="W505",
    title="An environment file whose name does not end in .env",
    why="AWS asks for the extension .env.",
    fix="Rename the object.",
    source=_ENV_FILES,
    bad=fargate(app(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.txt"}])),
    good=fargate(app(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}])),
    on="environmentFiles",
)
def environment_file_extension(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Environment files end in .env."""
    for index, file in members(container.raw, "environmentFiles"):
        value = text(file, "value")
        if value is not None and _OBJECT_ARN.fullmatch(value) and not value.endswith(".env"):
            message = f"The environment file {value.rpartition('/')[2]} does not end in .env."
            yield we_say(container.at("environmentFiles", index, "value"), message)
