"""Fetches the secrets of a task from SSM Parameter Store and Secrets Manager, as the ECS agent does.

Parameters are asked for ten at a time, one region after the other of each kind side by side; each secret by
itself. Every value is fetched once. Of the failures of parameters only the first is told; those of secrets
are told together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Final

from pillion.aws.clients import AwsClients
from pillion.core.inputs.references import Parameter, Secret
from pillion.core.inputs.secret import SecretError, SecretValue, pick_json_key
from pillion.core.inputs.texts import (
    invalid_parameters,
    joined,
    parameters_failed,
    secret_failed,
    secret_missing,
)
from pillion.ports.aws import AwsCallError

PARAMETERS_PER_CALL_MAX: Final = 10

Source = Parameter | Secret


class SecretsUnavailableError(Exception):
    """Secrets that cannot be had. The message is the agent's; `missing` are those that do not exist."""

    def __init__(self, text: str, missing: tuple[Source, ...] = ()) -> None:
        super().__init__(text)
        self.missing = missing


async def fetch_secrets(sources: Iterable[Source], clients: AwsClients) -> dict[Source, SecretValue]:
    """Return the value of each parameter and secret.

    Raises:
        SecretsUnavailableError: one of them cannot be had.
    """
    wanted = list(dict.fromkeys(sources))
    parameters = [source for source in wanted if isinstance(source, Parameter)]
    secrets = [source for source in wanted if isinstance(source, Secret)]
    found, failures = await _settle(
        _fetch_parameters(parameters, clients), _fetch_all_secrets(secrets, clients)
    )
    if failures:  # ECS tells the first of the two; hints are for both
        missing = tuple(source for failure in failures for source in failure.missing)
        raise SecretsUnavailableError(str(failures[0]), missing)
    return {source: value for values in found for source, value in values.items()}


async def _settle(
    *fetches: Awaitable[dict[Source, SecretValue]],
) -> tuple[list[dict[Source, SecretValue]], list[SecretsUnavailableError]]:
    """Wait for all of them, whichever fail; anything but a secret that cannot be had is raised."""
    found: list[dict[Source, SecretValue]] = []
    failures: list[SecretsUnavailableError] = []
    for answer in await asyncio.gather(*fetches, return_exceptions=True):
        if isinstance(answer, SecretsUnavailableError):
            failures.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found.append(answer)
    return found, failures


async def _fetch_parameters(wanted: list[Parameter], clients: AwsClients) -> dict[Source, SecretValue]:
    regions = list(dict.fromkeys(source.region for source in wanted))
    answers = await asyncio.gather(
        *(
            _fetch_region(region, [source.name for source in wanted if source.region == region], clients)
            for region in regions
        )
    )
    values = dict(zip(regions, answers, strict=True))
    return {source: values[source.region][source.name] for source in wanted}


async def _fetch_region(region: str, names: list[str], clients: AwsClients) -> dict[str, SecretValue]:
    values: dict[str, SecretValue] = {}
    for start in range(0, len(names), PARAMETERS_PER_CALL_MAX):
        batch = names[start : start + PARAMETERS_PER_CALL_MAX]
        try:
            answer = await clients.call(
                "ssm", "get_parameters", region=region, Names=batch, WithDecryption=True
            )
        except AwsCallError as error:
            raise SecretsUnavailableError(
                parameters_failed(region, f"{error.code}: {error.message}")
            ) from error
        known = {
            _resource_of(item["Name"]) + item.get("Selector", ""): item["Value"]
            for item in answer["Parameters"]
        }
        missing = [name for name in batch if _resource_of(name) not in known]
        if missing:
            raise SecretsUnavailableError(
                invalid_parameters(region, missing),
                tuple(Parameter(region=region, name=name) for name in missing),
            )
        values |= {name: SecretValue(known[_resource_of(name)]) for name in batch}
    return values


def _resource_of(name: str) -> str:
    """Return what a parameter's name and its ARN have in common: `parameter/app/url`."""
    resource = name.split(":", 5)[-1] if name.startswith("arn:") else name
    return resource if resource.startswith("parameter/") else f"parameter/{resource.removeprefix('/')}"


async def _fetch_all_secrets(wanted: list[Secret], clients: AwsClients) -> dict[Source, SecretValue]:
    answers = await asyncio.gather(*(_fetch_secret(source, clients) for source in wanted))
    failures = [answer for answer in answers if isinstance(answer, SecretsUnavailableError)]
    if failures:
        missing = tuple(source for failure in failures for source in failure.missing)
        raise SecretsUnavailableError(joined(str(failure) for failure in failures), missing)
    return {
        source: answer
        for source, answer in zip(wanted, answers, strict=True)
        if isinstance(answer, SecretValue)
    }


async def _fetch_secret(source: Secret, clients: AwsClients) -> SecretValue | SecretsUnavailableError:
    version = {"VersionStage": source.version_stage, "VersionId": source.version_id}
    given = {key: value for key, value in version.items() if value}
    try:
        answer = await clients.call(
            "secretsmanager", "get_secret_value", region=source.region, SecretId=source.arn, **given
        )
    except AwsCallError as error:
        if error.code == "ResourceNotFoundException":
            return SecretsUnavailableError(secret_missing(source.region, source.arn), (source,))
        cause = f"{error.code}: {error.message}"
        return SecretsUnavailableError(secret_failed(source.region, source.arn, cause))
    value = SecretValue(answer.get("SecretString", ""))  # a binary secret is empty to ECS
    if not source.json_key:
        return value
    try:
        return pick_json_key(value, source.json_key)
    except SecretError as error:
        return SecretsUnavailableError(secret_failed(source.region, source.arn, str(error)))
