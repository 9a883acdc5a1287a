"""Fetches files from S3: environment files, and a log router's own configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from pillion.aws.clients import READ_TIMEOUT_S, AwsClients
from pillion.core.inputs.envfile import EnvironmentFileError, parse_environment_file
from pillion.core.inputs.references import ReferenceTextError, S3Object, parse_object_arn
from pillion.core.inputs.texts import environment_file_failed, joined
from pillion.ports.aws import AwsCallError

_MISSING: Final = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


class FilesUnavailableError(Exception):
    """Files that cannot be had or read. The message says which and why, all of them together.

    `missing` are those that do not exist, as `bucket/key`.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


async def fetch_object(source: S3Object, clients: AwsClients) -> bytes:
    """Return what is in an S3 object.

    Raises:
        AwsCallError: it cannot be fetched, or not within 30 seconds.
    """

    def read(client: Any) -> bytes:  # noqa: ANN401 - boto3 ships no types
        answer = client.get_object(Bucket=source.bucket, Key=source.key)
        body: bytes = answer["Body"].read()
        return body

    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await clients.use("s3", read, operation="GetObject")
    except TimeoutError as error:
        raise AwsCallError(
            "GetObject", "Timeout", f"no answer within {READ_TIMEOUT_S:.0f} seconds"
        ) from error


async def fetch_environment_files(arns: Iterable[str], clients: AwsClients) -> dict[str, dict[str, str]]:
    """Return the variables of each environment file, by its ARN.

    Raises:
        FilesUnavailableError: a file cannot be had or read.
    """
    wanted = list(dict.fromkeys(arns))
    answers = await asyncio.gather(*(_fetch_file(arn, clients) for arn in wanted), return_exceptions=True)
    failures: list[FilesUnavailableError] = []
    for answer in answers:
        if isinstance(answer, FilesUnavailableError):
            failures.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
    if failures:
        missing = tuple(name for failure in failures for name in failure.missing)
        raise FilesUnavailableError(joined(str(failure) for failure in failures), missing=missing)
    return {
        arn: answer
        for arn, answer in zip(wanted, answers, strict=True)
        if not isinstance(answer, BaseException)
    }


async def _fetch_file(arn: str, clients: AwsClients) -> dict[str, str]:
    try:
        source = parse_object_arn(arn)
    except ReferenceTextError as error:
        raise FilesUnavailableError(str(error)) from error
    try:
        content = await fetch_object(source, clients)
        return parse_environment_file(content.decode(errors="replace"))
    except AwsCallError as error:
        cause = f"{error.code}: {error.message}"
        text = environment_file_failed(source.bucket, source.key, cause)
        missing = (f"{source.bucket}/{source.key}",) if error.code in _MISSING else ()
        raise FilesUnavailableError(text, missing=missing) from error
    except EnvironmentFileError as error:
        raise FilesUnavailableError(environment_file_failed(source.bucket, source.key, str(error))) from error
