"""The error texts of the ECS agent for inputs that cannot be had, word for word where they are known.

A text becomes the task's `stoppedReason`, with its first letter in upper case. People search for these
texts, so nothing of ours is mixed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

RESOURCE_INITIALIZATION_ERROR: Final = "ResourceInitializationError"
"""ECS's name for a resource of the task that could not be prepared."""


def invalid_parameters(region: str, names: Iterable[str]) -> str:
    """Parameters that SSM does not have; one unknown name fails its whole batch of ten."""
    return _parameters(region, f"invalid parameters: {','.join(names)}")


def parameters_failed(region: str, cause: str) -> str:
    """A call of SSM GetParameters that failed."""
    return _parameters(region, cause)


def _parameters(region: str, cause: str) -> str:
    return f"fetching secret data from SSM Parameter Store in {region}: {cause}"


def secret_missing(region: str, arn: str) -> str:
    """A secret that Secrets Manager does not have."""
    cause = (
        f"ResourceNotFoundException: The task can't retrieve the secret with ARN '{arn}' "
        "from AWS Secrets Manager. Check whether the secret exists in the specified Region"
    )
    return secret_failed(region, arn, cause)


def secret_failed(region: str, arn: str, cause: str) -> str:
    """A call of Secrets Manager GetSecretValue that failed."""
    return f"fetching secret data from AWS Secrets Manager in region {region}: secret {arn}: {cause}"


def environment_file_failed(bucket: str, key: str, cause: str) -> str:
    """An environment file that cannot be fetched from S3 (AWS publishes no text; this is ours)."""
    return f"unable to download env file with key {key} from bucket {bucket}: {cause}"


def firelens_config_failed(cause: str) -> str:
    """FireLens's configuration cannot be written, or its S3 part cannot be fetched."""
    return f"unable to generate firelens config file: {cause}"


def joined(texts: Iterable[str]) -> str:
    """Several failures of one resource as ECS reports them, each text once."""
    return ";".join(dict.fromkeys(texts))
