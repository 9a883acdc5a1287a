"""What a `valueFrom` or an environment file points at: parameters, secrets, S3 objects.

ECS tells the two stores apart by the text alone: an ARN of Secrets Manager is a secret, everything else is a
parameter of SSM, by name or by ARN. Forms: "Pass Secrets Manager secrets through Amazon ECS environment
variables" and "Pass Systems Manager parameters ..." in AWS's developer guide.

Surprising: a secret's ARN has either none of json-key, version-stage and version-id or all three (each may
be empty); `arn:...:secret:db:password` alone is refused by ECS.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

INVALID_ARN: Final = (
    "an invalid ARN format for the AWS Secrets Manager secret was specified. "
    "Specify a valid ARN and try again."
)
"""The ECS agent's own text."""

_ARN_PARTS: Final = 6
_SECRET_ARN_PARTS: Final = 7
_SECRET_ARN_PARTS_FULL: Final = 10


class ReferenceTextError(ValueError):
    """A reference that ECS cannot follow. The message is the agent's where it has one."""


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter of SSM Parameter Store. `name` is what the API is asked for: name or ARN, as written."""

    region: str
    name: str


class Secret(Struct, frozen=True, kw_only=True):
    """A secret of Secrets Manager. An empty `version_stage` and `version_id` mean AWSCURRENT."""

    region: str
    arn: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""


class S3Object(Struct, frozen=True, kw_only=True):
    """An object in S3."""

    arn: str
    partition: str
    bucket: str
    key: str


def parse_value_from(text: str, *, region: str) -> Parameter | Secret:
    """Return what a `valueFrom` points at.

    Args:
        text: the `valueFrom` as the definition has it.
        region: the task's region, in which a plain parameter name is looked up.

    Raises:
        ReferenceTextError: a Secrets Manager ARN with a wrong number of parts.
    """
    parts = text.split(":")
    is_arn = parts[0] == "arn" and len(parts) >= _ARN_PARTS
    if not is_arn or parts[2] != "secretsmanager":
        return Parameter(region=parts[3] if is_arn and parts[3] else region, name=text)
    if len(parts) not in (_SECRET_ARN_PARTS, _SECRET_ARN_PARTS_FULL) or parts[5] != "secret" or not parts[6]:
        raise ReferenceTextError(INVALID_ARN)
    json_key, version_stage, version_id = parts[_SECRET_ARN_PARTS:] or ("", "", "")
    return Secret(
        region=parts[3] or region,
        arn=":".join(parts[:_SECRET_ARN_PARTS]),
        json_key=json_key,
        version_stage=version_stage,
        version_id=version_id,
    )


def parse_object_arn(text: str) -> S3Object:
    """Return the object that an S3 ARN (`arn:aws:s3:::bucket/key`) names.

    Raises:
        ReferenceTextError: not the ARN of an object.
    """
    parts = text.split(":", _ARN_PARTS - 1)
    bucket, _, key = parts[-1].partition("/")
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2] != "s3" or not bucket or not key:
        raise ReferenceTextError(
            f"{text} is not the ARN of an S3 object: write it like arn:aws:s3:::my-bucket/folder/my-file.env"
        )
    return S3Object(arn=text, partition=parts[1], bucket=bucket, key=key)
