"""Secrets are fetched as the ECS agent fetches them, and fail with its texts. Against local AWS."""

import pytest

from pillion.aws.clients import AwsClients
from pillion.aws.secrets import SecretsUnavailableError, fetch_secrets
from pillion.core.inputs.references import Parameter, Secret, parse_value_from
from pillion.core.inputs.secret import SecretValue

REAL_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"


def source(text: str) -> Parameter | Secret:
    return parse_value_from(text, region="eu-west-1")


async def put_parameter(clients: AwsClients, name: str, value: str, region: str = "eu-west-1") -> None:
    await clients.call("ssm", "put_parameter", region=region, Name=name, Value=value, Type="SecureString")


async def put_secret(clients: AwsClients, name: str, text: str) -> str:
    arn: str = (await clients.call("secretsmanager", "create_secret", Name=name, SecretString=text))["ARN"]
    return arn


async def test_parameters_come_decrypted_by_name_and_by_arn_of_any_account(clients: AwsClients) -> None:
    await put_parameter(clients, "/app/url", "postgres://db")
    await put_parameter(clients, "flat", "f")
    await put_parameter(clients, "/app/url", "far", region="us-west-2")
    here = "arn:aws:ssm:eu-west-1:111122223333:parameter"
    far = "arn:aws:ssm:us-west-2:111122223333:parameter/app/url"
    wanted = [source(text) for text in ("/app/url", "flat", f"{here}/app/url", f"{here}/flat", far)]
    values = await fetch_secrets(wanted, clients)
    assert [values[item].reveal() for item in wanted] == ["postgres://db", "f", "postgres://db", "f", "far"]


async def test_more_parameters_than_one_call_takes(clients: AwsClients) -> None:
    names = [f"/many/{number}" for number in range(23)]
    for name in names:
        await put_parameter(clients, name, name.upper())
    values = await fetch_secrets([source(name) for name in names], clients)
    assert [value.reveal() for value in values.values()] == [name.upper() for name in names]


async def test_a_secret_in_all_its_forms(clients: AwsClients) -> None:
    await put_secret(clients, "prod/db", '{"user": "old", "port": 5432}')
    await clients.call(
        "secretsmanager",
        "put_secret_value",
        SecretId="prod/db",
        SecretString='{"user": "new", "port": 1234567}',
    )
    versions = (await clients.call("secretsmanager", "list_secret_version_ids", SecretId="prod/db"))[
        "Versions"
    ]
    old = next(item["VersionId"] for item in versions if "AWSPREVIOUS" in item["VersionStages"])
    tails = ("", ":user::", ":port::", ":user:AWSPREVIOUS:", f":user::{old}")
    values = await fetch_secrets([source(REAL_ARN + tail) for tail in tails], clients)
    assert [value.reveal() for value in values.values()] == [
        '{"user": "new", "port": 1234567}',
        "new",
        "1.234567e+06",
        "old",
        "old",
    ]


async def test_an_unknown_parameter_fails_its_batch_with_the_agents_text(clients: AwsClients) -> None:
    await put_parameter(clients, "/there", "x")
    with pytest.raises(SecretsUnavailableError) as caught:
        await fetch_secrets([source("/b"), source("/there"), source("/a")], clients)
    assert str(caught.value) == (
        "fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: /b,/a"
    )
    assert caught.value.missing == (source("/b"), source("/a"))


async def test_every_missing_secret_is_told(clients: AwsClients) -> None:
    arn = await put_secret(clients, "there", '{"a": "hidden-value"}')
    gone = source(REAL_ARN)
    with pytest.raises(SecretsUnavailableError) as caught:
        await fetch_secrets([gone, source(f"{arn}:b::")], clients)
    assert str(caught.value) == (
        "fetching secret data from AWS Secrets Manager in region eu-west-1: "
        f"secret {REAL_ARN}: ResourceNotFoundException: "
        f"The task can't retrieve the secret with ARN '{REAL_ARN}' from AWS Secrets Manager. "
        "Check whether the secret exists in the specified Region;"
        "fetching secret data from AWS Secrets Manager in region eu-west-1: "
        f"secret {arn}: retrieved secret from Secrets Manager did not contain json key b"
    )
    assert caught.value.missing == (gone,)


async def test_a_secret_whose_name_looks_like_a_suffix_is_found(clients: AwsClients) -> None:
    await put_secret(clients, "my-secret", "x")
    partial = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:my-secret"
    values = await fetch_secrets([source(partial), source(f"{partial}-Zz9Zz9")], clients)
    assert list(values.values()) == [SecretValue("x"), SecretValue("x")]
