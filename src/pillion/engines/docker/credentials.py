"""The user's own registry credentials: Docker's configuration and its credential helpers.

Docker's command looks for a registry's helper first, then the helper for all, then the file itself; so do we.
A helper that fails or knows nothing means that the registry is asked without credentials. Nothing that is
read here is ever logged or put into an error.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

HELPER_DEADLINE_S = 30.0
"""A helper may ask a cloud; one that asks the user has no terminal here and would wait for ever."""

_TOKEN_USER = "<token>"  # noqa: S105 - how a helper says that the secret is an identity token


class RegistryCredentials(Struct, frozen=True, kw_only=True):
    """A user and a password, or an identity token, for one registry."""

    registry: str
    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"RegistryCredentials(registry={self.registry!r}, …)"  # no secret reaches a traceback

    def header(self) -> str:
        """Return the value of X-Registry-Auth."""
        return encode(self.as_json())

    def as_json(self) -> dict[str, str]:
        """Return the credentials as the API takes them."""
        if self.identity_token:
            return {"identitytoken": self.identity_token, "serveraddress": self.registry}
        return {"username": self.username, "password": self.password, "serveraddress": self.registry}


def encode(value: object) -> str:
    """Write a header's value: base64 of JSON."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")


def config_path(environment: Mapping[str, str]) -> Path:
    """Return where Docker's configuration is."""
    folder = environment.get("DOCKER_CONFIG")
    return (
        Path(folder) / "config.json" if folder else Path(environment.get("HOME", "/")) / ".docker/config.json"
    )


async def find_credentials(path: Path, key: str) -> RegistryCredentials | None:
    """Return the user's credentials for a registry, by the name that the configuration gives it."""
    config = await asyncio.to_thread(_read, path)
    helper = (config.get("credHelpers") or {}).get(key) or config.get("credsStore")
    if helper:
        found = await _ask_helper(str(helper), key)
        if found is not None:
            return found
    return from_config(config, key)


def from_config(config: Mapping[str, Any], key: str) -> RegistryCredentials | None:
    """Return the credentials that stand in the configuration itself."""
    entries = config.get("auths") or {}
    entry = next((entries[name] for name in entries if _host(name) == _host(key)), None)
    if not entry:
        return None
    if entry.get("identitytoken"):
        return RegistryCredentials(registry=key, identity_token=entry["identitytoken"])
    try:
        user, separator, password = base64.b64decode(entry.get("auth", "")).decode().partition(":")
    except ValueError:  # not base64, or not text
        return None
    if not separator:
        user, password = entry.get("username", ""), entry.get("password", "")
    return RegistryCredentials(registry=key, username=user, password=password) if user else None


def _host(name: str) -> str:
    """Older configurations have `https://host/v1/` where newer ones have `host`."""
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


async def _ask_helper(helper: str, key: str) -> RegistryCredentials | None:
    try:
        process = await asyncio.create_subprocess_exec(
            f"docker-credential-{helper}",
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(HELPER_DEADLINE_S):
            output, _ = await process.communicate(key.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    try:
        answer = json.loads(output) if process.returncode == 0 else {}
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):
        return None
    if user == _TOKEN_USER:
        return RegistryCredentials(registry=key, identity_token=secret)
    return RegistryCredentials(registry=key, username=user, password=secret)
