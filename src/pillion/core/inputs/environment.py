"""The layers of a container's environment, and which of them wins.

From weak to strong: the image's own, environment files, the definition's `environment` with what ECS
injects, `secrets`. The region and the AWS endpoint are weaker than all of them: they are set only where
nobody else says anything about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pillion.core.inputs.secret import SecretValue

_REGION_NAMES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""One of them, set by anyone, keeps ECS from setting either."""

_ENDPOINT_PREFIX: Final = "AWS_ENDPOINT_URL"
_IGNORE_ENDPOINTS: Final = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"


def aws_defaults(*, region: str, endpoint_url: str | None, known: Mapping[str, object]) -> dict[str, str]:
    """Return the region and endpoint variables that a container still lacks.

    Args:
        region: of the task.
        endpoint_url: where the container reaches AWS; None for AWS itself.
        known: every variable that the image, the environment files, the definition and the secrets set.
    """
    defaults: dict[str, str] = {}
    if not any(name in known for name in _REGION_NAMES):
        defaults |= dict.fromkeys(_REGION_NAMES, region)
    if endpoint_url is not None and _ENDPOINT_PREFIX not in known and _IGNORE_ENDPOINTS not in known:
        defaults[_ENDPOINT_PREFIX] = endpoint_url
    return defaults


def extra_environment(
    *,
    image: Mapping[str, str],
    files: Mapping[str, str],
    declared: Mapping[str, str],
    secrets: Mapping[str, SecretValue],
    region: str,
    endpoint_url: str | None,
) -> dict[str, SecretValue]:
    """Return what goes on top of a container's plan when it is created.

    Args:
        image: the image's own environment.
        files: the merged environment files.
        declared: what the plan sets already: `environment` and ECS's own variables.
        secrets: fetched secrets by variable name.
        region: of the task.
        endpoint_url: where the container reaches AWS; None for AWS itself.
    """
    known: dict[str, object] = {**image, **files, **declared, **secrets}
    defaults = aws_defaults(region=region, endpoint_url=endpoint_url, known=known)
    from_files = {name: value for name, value in files.items() if name not in declared}
    plain = {name: SecretValue(value) for name, value in {**defaults, **from_files}.items()}
    return {**plain, **secrets}
