"""A log router's configuration as values, before it is Fluent Bit's or Fluentd's text.

The order of the fields is the order in the file: inputs, grep filters, ECS metadata, the user's own file,
outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

SOCKET_IN_ROUTER: Final = "/var/run/fluent.sock"
HEALTH_TAG: Final = "firelens-healthcheck"
FORWARD_PORT: Final = 24224
HEALTH_PORT: Final = 8877


class RouterType(StrEnum):
    """Which program routes the logs."""

    FLUENTBIT = "fluentbit"
    FLUENTD = "fluentd"


class Interface(StrEnum):
    """Where the router listens for TCP: the shared namespace of awsvpc, or every address of a bridge."""

    LOOPBACK = "127.0.0.1"
    ANY = "0.0.0.0"  # noqa: S104 - inside the container's own namespace, as ECS has it in bridge mode


class GrepAction(StrEnum):
    """What a pattern does to the records whose `log` matches it."""

    KEEP = "keep"
    DROP = "drop"


class Grep(Struct, frozen=True, kw_only=True):
    """A filter from `include-pattern` or `exclude-pattern` of one container."""

    container: str
    action: GrepAction
    pattern: str


class Output(Struct, frozen=True, kw_only=True):
    """Where the records of one container go. Values are as written, secrets are placeholders."""

    container: str
    plugin: str
    options: Mapping[str, str] = field(default_factory=dict)


class Configuration(Struct, frozen=True, kw_only=True):
    """Everything that is in the generated file.

    Attributes:
        memory_buffer_mb: limit of the socket's input buffer, in megabytes (Fluent Bit only).
        interface: where the TCP inputs listen; None in host mode, which has none.
        greps: keeping ones first.
        metadata: fields added to every record; empty when the user turned them off.
        include: path, in the router, of the user's own configuration.
        outputs: at most one per container.
    """

    memory_buffer_mb: int
    interface: Interface | None
    greps: tuple[Grep, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    include: str | None = None
    outputs: tuple[Output, ...] = ()
