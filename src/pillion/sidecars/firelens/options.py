"""What users write for FireLens: the router's options and the log options of the containers it serves.

Source: "Using the FireLens log router" in AWS's developer guide, and the agent's behaviour and texts.

Surprising: nearly every log option of an awsfirelens container is one of the *output plugin*, also `mode`
and `max-buffer-size`; only `log-driver-buffer-limit` reaches Docker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from pillion.core.inputs.references import ReferenceTextError, S3Object, parse_object_arn
from pillion.sidecars.firelens.configuration import Grep, GrepAction, Output, RouterType
from pillion.sidecars.firelens.errors import FirelensError

OUTPUT_KEYS: Final = {RouterType.FLUENTBIT: "Name", RouterType.FLUENTD: "@type"}
BUFFER_LIMIT: Final = "log-driver-buffer-limit"
INCLUDE_PATTERN: Final = "include-pattern"
EXCLUDE_PATTERN: Final = "exclude-pattern"

_TRUE_TEXTS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool takes for true; all else counts as false, also what it cannot read."""


class RouterOptions(Struct, frozen=True, kw_only=True):
    """The options of a `firelensConfiguration`.

    At most one of `file` (a path in the router) and `s3` (an object) is set: the user's own configuration.
    """

    type: RouterType
    metadata: bool = True
    file: str | None = None
    s3: S3Object | None = None


class RoutedOptions(Struct, frozen=True, kw_only=True):
    """The log options of one container, sorted out.

    `buffer_limit` is a number of events, as text: it is handed to Docker unread.
    """

    greps: tuple[Grep, ...] = ()
    output: Output | None = None
    buffer_limit: str | None = None


def read_router_options(type_: str, options: Mapping[str, str]) -> RouterOptions:
    """Read a `firelensConfiguration`.

    Raises:
        FirelensError: unknown type, or a `config-file-type` and `config-file-value` that do not fit.
    """
    if type_ not in set(RouterType):
        raise FirelensError(f"unsupported firelens config type {type_}")
    metadata = options.get("enable-ecs-log-metadata")
    kind, value = options.get("config-file-type"), options.get("config-file-value", "")
    if kind not in (None, "file", "s3"):
        raise FirelensError(f"invalid config-file-type {kind}: it is file or s3")
    if kind is not None and not value:
        raise FirelensError(
            f"config-file-type is {kind}, and config-file-value, which says where, is missing"
        )
    try:
        s3 = parse_object_arn(value) if kind == "s3" else None
    except ReferenceTextError as error:
        raise FirelensError(f"config-file-value: {error}") from error
    return RouterOptions(
        type=RouterType(type_),
        metadata=metadata is None or metadata in _TRUE_TEXTS,
        file=value if kind == "file" else None,
        s3=s3,
    )


def read_routed_options(container: str, router: RouterType, options: Mapping[str, str]) -> RoutedOptions:
    """Sort out the log options of one container (secret ones already as placeholders).

    Raises:
        FirelensError: options for an output, but none that says which.
    """
    output_key = OUTPUT_KEYS[router]
    own = (output_key, BUFFER_LIMIT, INCLUDE_PATTERN, EXCLUDE_PATTERN)
    rest = {key: value for key, value in options.items() if key not in own}
    plugin = options.get(output_key)
    if plugin is None and rest:
        raise FirelensError(
            f"missing output key {output_key} which is required for firelens configuration of type {router}"
        )
    patterns = ((INCLUDE_PATTERN, GrepAction.KEEP), (EXCLUDE_PATTERN, GrepAction.DROP))
    return RoutedOptions(
        greps=tuple(
            Grep(container=container, action=action, pattern=options[key])
            for key, action in patterns
            if key in options
        ),
        output=None if plugin is None else Output(container=container, plugin=plugin, options=rest),
        buffer_limit=options.get(BUFFER_LIMIT),
    )


def secret_placeholder(router: RouterType, variable: str) -> str:
    """Return how the router's configuration reads a variable of its own environment."""
    return f"${{{variable}}}" if router is RouterType.FLUENTBIT else f"\"#{{ENV['{variable}']}}\""
