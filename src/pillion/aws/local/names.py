"""ARNs of any account find what local AWS holds under a name.

A definition is run unchanged, so it has the ARNs of a real account with the real random suffix of a secret,
`...:secret:db-AbCdEf`. Local AWS has one account and other suffixes. So the ARNs in requests for parameters
and secrets are turned into names before moto sees them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

_PARAMETER_ARN: Final = re.compile(r"arn:[^:]+:ssm:[^:]*:[^:]*:parameter(/.+)")
_SECRET_ARN: Final = re.compile(r"arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)")
_SUFFIX_LENGTH: Final = 7

Exists = Callable[[str, str], bool]
"""Says whether a service (ssm, secretsmanager) holds something of this name."""


def rewrite_names(target: str, document: Any, exists: Exists) -> bool:  # noqa: ANN401 - decoded JSON
    """Turn ARNs into names, in place.

    Args:
        target: the request's X-Amz-Target.
        document: its decoded body.
        exists: what local AWS holds.

    Returns:
        Whether anything was changed.
    """
    if not isinstance(document, dict):
        return False
    changes: dict[str, Any] = {}
    if target.startswith("secretsmanager."):
        secret = document.get("SecretId")
        if isinstance(secret, str):
            changes["SecretId"] = secret_name(secret, exists)
    elif target.startswith("AmazonSSM."):
        name, names = document.get("Name"), document.get("Names")
        if isinstance(name, str):
            changes["Name"] = parameter_name(name, exists)
        if isinstance(names, list):
            changes["Names"] = [
                parameter_name(each, exists) if isinstance(each, str) else each for each in names
            ]
    changed = any(document[key] != value for key, value in changes.items())
    document.update(changes)
    return changed


def secret_name(identifier: str, exists: Exists) -> str:
    """Return the name of a secret; what is no ARN, or an ARN of nothing that is here, stays as it is.

    An ARN may come without its suffix, so the whole text is tried first.
    """
    match = _SECRET_ARN.fullmatch(identifier)
    if match is None:
        return identifier
    for name in (match[1], match[1][:-_SUFFIX_LENGTH]):
        if exists("secretsmanager", name):
            return name
    return identifier


def parameter_name(identifier: str, exists: Exists) -> str:
    """Return the name of a parameter. The ARN of `name` and of `/name` is the same: whichever is here."""
    match = _PARAMETER_ARN.fullmatch(identifier)
    if match is None:
        return identifier
    path = match[1]
    flat = path.removeprefix("/")
    return flat if "/" not in flat and exists("ssm", flat.partition(":")[0]) else path
