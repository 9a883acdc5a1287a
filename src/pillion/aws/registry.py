"""Registry credentials: a secret that is JSON with `username` and `password`, whatever the case of the keys.

Source: "Using non-AWS container images in Amazon ECS" in AWS's developer guide; the texts are the agent's.
"""

from __future__ import annotations

import json

from pillion.aws.clients import AwsClients
from pillion.core.inputs.secret import SecretValue
from pillion.ports.aws import AwsCallError, RegistryLogin


class RegistryCredentialsError(Exception):
    """Credentials that cannot be had or read. The message is the agent's; it shows no value.

    `missing`: there is no such secret.
    """

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


async def fetch_registry_login(secret: str, clients: AwsClients) -> RegistryLogin:
    """Return the user and password of a registry, from the secret of that ARN or name.

    Raises:
        RegistryCredentialsError: the secret does not exist or is not of the right form.
    """
    parts = secret.split(":")
    region = parts[3] if secret.startswith("arn:") and len(parts) > 4 else None
    try:
        answer = await clients.call("secretsmanager", "get_secret_value", region=region, SecretId=secret)
    except AwsCallError as error:
        raise RegistryCredentialsError(
            f"asm fetching secret from the service for {secret}: {error.code}: {error.message}",
            missing=error.code == "ResourceNotFoundException",
        ) from error
    return read_registry_login(SecretValue(answer.get("SecretString") or ""))


def read_registry_login(secret: SecretValue) -> RegistryLogin:
    """Read the secret's text. Raises RegistryCredentialsError."""
    if not secret.reveal():
        raise RegistryCredentialsError("asm fetching authorization data: empty secrets value")
    try:
        document = json.loads(secret.reveal())
    except (ValueError, RecursionError):
        document = None  # the parser's own message quotes the secret
    if not isinstance(document, dict):
        raise RegistryCredentialsError(
            "asm fetching authorization data: unable to unmarshal secret value, invalid schema"
        )
    fields = {key.lower(): value for key, value in document.items()}
    for key in ("username", "password"):
        if not isinstance(fields.get(key), str) or not fields[key]:
            raise RegistryCredentialsError(f"asm fetching {key}: AuthorizationData is malformed, empty field")
    return RegistryLogin(username=SecretValue(fields["username"]), password=SecretValue(fields["password"]))
