"""Registry credentials are JSON with a user and a password."""

import pytest

from pillion.aws.clients import AwsClients
from pillion.aws.registry import RegistryCredentialsError, fetch_registry_login, read_registry_login
from pillion.core.inputs.secret import SecretValue
from pillion.ports.aws import RegistryLogin


@pytest.mark.parametrize(
    "text", ['{"username": "u", "password": "p"}', '{"Username": "u", "PASSWORD": "p", "x": 1}']
)
def test_the_case_of_the_keys_does_not_matter(text: str) -> None:
    assert read_registry_login(SecretValue(text)) == RegistryLogin(
        username=SecretValue("u"), password=SecretValue("p")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "asm fetching authorization data: empty secrets value"),
        ("hunter2", "asm fetching authorization data: unable to unmarshal secret value, invalid schema"),
        ('["hunter2"]', "asm fetching authorization data: unable to unmarshal secret value, invalid schema"),
        ('{"password": "hunter2"}', "asm fetching username: AuthorizationData is malformed, empty field"),
        (
            '{"username": "u", "password": ""}',
            "asm fetching password: AuthorizationData is malformed, empty field",
        ),
    ],
)
def test_what_is_no_login_is_refused_with_the_agents_text(text: str, message: str) -> None:
    with pytest.raises(RegistryCredentialsError) as caught:
        read_registry_login(SecretValue(text))
    assert str(caught.value) == message


async def test_the_secret_is_found_by_arn_and_by_name(clients: AwsClients) -> None:
    text = '{"username": "u", "password": "p"}'
    answer = await clients.call("secretsmanager", "create_secret", Name="registry", SecretString=text)
    assert await fetch_registry_login(answer["ARN"], clients) == await fetch_registry_login(
        "registry", clients
    )


async def test_a_missing_secret_is_named(clients: AwsClients) -> None:
    with pytest.raises(RegistryCredentialsError, match="registry: ResourceNotFoundException"):
        await fetch_registry_login("registry", clients)
