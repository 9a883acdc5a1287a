"""Signature version 4 of AWS, and where credentials come from, with nothing but the standard library."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

_CONTAINER_CREDENTIALS = "http://169.254.170.2"
_REFRESH_S = 300.0


@dataclass(frozen=True)
class Credentials:
    """Keys, and a token where they are temporary."""

    key: str
    secret: str
    token: str | None = None


class CredentialsError(Exception):
    """There are no credentials; the text is Fluent Bit's."""


class CredentialsProvider:
    """Credentials from the environment or from the container's endpoint, asked for anew now and then."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._held: Credentials | None = None
        self._until_s = 0.0

    def get(self) -> Credentials:
        """Return credentials. Raises CredentialsError."""
        if self._held is None or time.monotonic() > self._until_s:
            self._held, self._until_s = self._fetch(), time.monotonic() + _REFRESH_S
        return self._held

    def _fetch(self) -> Credentials:
        environment = self._environment
        if "AWS_ACCESS_KEY_ID" in environment:
            secret = environment.get("AWS_SECRET_ACCESS_KEY", "")
            return Credentials(environment["AWS_ACCESS_KEY_ID"], secret, environment.get("AWS_SESSION_TOKEN"))
        relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = f"{_CONTAINER_CREDENTIALS}{relative}" if relative else None
        url = url or environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if url is None:
            raise CredentialsError("[aws_credentials] Provider returned no credentials")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                document = json.load(answer)
            return Credentials(document["AccessKeyId"], document["SecretAccessKey"], document.get("Token"))
        except (OSError, ValueError, KeyError) as error:
            raise CredentialsError(f"[aws_credentials] Provider returned no credentials: {error}") from error


def signed_headers(
    credentials: Credentials, *, host: str, region: str, service: str, target: str, body: bytes, at_s: float
) -> dict[str, str]:
    """Return the headers of a signed POST to `/` of a JSON service."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_s))
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": moment,
        "x-amz-target": target,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
