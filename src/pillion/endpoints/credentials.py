"""Answers of the credentials endpoint. Pure. The only place where role credentials become plain text."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pillion.endpoints.gojson import timestamp
from pillion.ports.aws import RoleCredentials


class CredentialsProblem(Struct, frozen=True, kw_only=True):
    """Why there are no credentials, in the agent's words."""

    code: str
    message: str
    status: int


NO_ID = CredentialsProblem(code="NoIdInRequest", message="No Credential ID in the request", status=400)
UNKNOWN_ID = CredentialsProblem(code="InvalidIdInRequest", message="Credentials not found", status=400)
SERVER_PROBLEM = CredentialsProblem(code="InternalServerError", message="Internal server error", status=500)


def not_ready(credentials_id: str) -> CredentialsProblem:
    """Return the problem of an id whose credentials are not fetched yet."""
    text = f"Credentials uninitialized for ID {credentials_id}"
    return CredentialsProblem(code="CredentialsUninitialized", message=text, status=503)


def credentials_shape(credentials: RoleCredentials) -> dict[str, Any]:
    """Return credentials as SDKs expect them."""
    return {
        "RoleArn": credentials.role_arn,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": timestamp(float(int(credentials.expires_at_s))),
    }


def problem_shape(problem: CredentialsProblem, version: str) -> dict[str, Any]:
    """Return a problem as the agent writes it; `version` is V1 or V2."""
    return {
        "code": problem.code,
        "message": f"Credentials{version}Request: {problem.message}",
        "HTTPErrorCode": problem.status,
    }
