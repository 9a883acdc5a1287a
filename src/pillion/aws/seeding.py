"""Fills local AWS with what a seed says.

Applied at every start, also onto kept state: what the seed names has the seed's value, everything else stays.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from pillion.aws.clients import AwsClients
from pillion.aws.seed import ObjectSeed, ParameterSeed, SecretSeed, Seed
from pillion.ports.aws import AwsCallError


async def apply_seed(seed: Seed, clients: AwsClients, folder: Path) -> None:
    """Create or overwrite everything that a seed names.

    Args:
        seed: what to fill in.
        clients: of local AWS.
        folder: where relative paths of object files start.

    Raises:
        AwsCallError: local AWS refuses an entry, or a file cannot be read; the message names the entry.
    """
    work: list[Awaitable[None]] = []
    # Two entries for one name: the later one has to be applied later.
    parameters = {(item.region, item.name): item for item in seed.parameters}
    secrets = {(item.region, item.name): item for item in seed.secrets}
    objects = {(item.bucket, item.key): item for item in seed.objects}
    work += [_put_parameter(item, clients) for item in parameters.values()]
    work += [_put_secret(item, clients) for item in secrets.values()]
    work += [_create_log_group(group, clients) for group in seed.log_groups or ()]
    work.append(_put_objects(list(objects.values()), clients, folder))
    await asyncio.gather(*work)


async def _put_parameter(item: ParameterSeed, clients: AwsClients) -> None:
    with _named(f"parameters.{item.name}"):
        await clients.call(
            "ssm",
            "put_parameter",
            region=item.region,
            Name=item.name,
            Value=item.value.reveal(),
            Type=item.type,
            Overwrite=True,
        )


async def _put_secret(item: SecretSeed, clients: AwsClients) -> None:
    text = item.value.reveal()
    with _named(f"secrets.{item.name}"):
        try:
            await clients.call(
                "secretsmanager", "create_secret", region=item.region, Name=item.name, SecretString=text
            )
        except AwsCallError as error:
            if error.code != "ResourceExistsException":
                raise
        else:
            return
        held = await clients.call(
            "secretsmanager", "get_secret_value", region=item.region, SecretId=item.name
        )
        if held.get("SecretString") != text:
            await clients.call(
                "secretsmanager",
                "put_secret_value",
                region=item.region,
                SecretId=item.name,
                SecretString=text,
            )


async def _create_log_group(group: str, clients: AwsClients) -> None:
    with _named(f"log_groups {group}"):
        try:
            await clients.call("logs", "create_log_group", logGroupName=group)
        except AwsCallError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise


async def _put_objects(items: list[ObjectSeed], clients: AwsClients, folder: Path) -> None:
    options: dict[str, Any] = {}
    if clients.region != "us-east-1":  # which S3 refuses to be told
        options = {"CreateBucketConfiguration": {"LocationConstraint": clients.region}}
    for bucket in dict.fromkeys(item.bucket for item in items):
        with _named(f"objects.{bucket}"):
            try:
                await clients.call("s3", "create_bucket", Bucket=bucket, **options)
            except AwsCallError as error:
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise
    for item in items:
        with _named(f"objects.{item.bucket}/{item.key}"):
            await clients.call(
                "s3", "put_object", Bucket=item.bucket, Key=item.key, Body=_content(item, folder)
            )


def _content(item: ObjectSeed, folder: Path) -> bytes:
    if item.text is not None:
        return item.text.reveal().encode()
    path = folder / (item.file or "")
    try:
        return path.read_bytes()
    except OSError as error:
        raise AwsCallError("seed", "CannotRead", f"{path}: {error.strerror}") from error


class _named(contextlib.AbstractContextManager["_named"]):  # noqa: N801 - used like contextlib's own
    """Puts the entry of the seed in front of whatever goes wrong with it."""

    def __init__(self, entry: str) -> None:
        self._entry = entry

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AwsCallError) and error.operation != "seed":
            raise AwsCallError("seed", error.code, f"{self._entry}: {error.message}") from error
