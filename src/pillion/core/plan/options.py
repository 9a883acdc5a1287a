"""What the user asks of one run beside the definition: images, ports, volumes, what to leave out.

Values only: paths are text that was made absolute by whoever read it, and nothing here looks at a disk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

from pillion.core.errors import PillionError
from pillion.core.lifecycle.states import PullBehavior


class OptionError(PillionError):
    """An option's value cannot be understood. The message says what was given and what is expected."""


class Publish(Struct, frozen=True, kw_only=True):
    """One `--publish`: where a container port is to be found on this machine.

    `container` is None where any container of the task may be meant. `host_port` is None for any free port.
    """

    container_port: int
    protocol: str = "tcp"
    host_ip: str | None = None
    host_port: int | None = None
    container: str | None = None


class RunOptions(Struct, frozen=True, kw_only=True):
    """Everything that a run may change without touching the definition.

    `images` and `builds` are keyed by the image reference of the definition; `volumes` by volume name.
    `host_ip` is the address on which ports are published.
    """

    pull_behavior: PullBehavior = PullBehavior.PREFER_CACHED
    pull_upfront: bool = True
    images: Mapping[str, str] = field(default_factory=dict)
    builds: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[Publish, ...] = ()
    host_ip: str = "127.0.0.1"
    mute: frozenset[str] = frozenset()
    stub: frozenset[str] = frozenset()


_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PUBLISH = re.compile(
    r"^(?:(?P<container>[A-Za-z0-9_-]+)=)?"
    r"(?:(?:(?P<ip>\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):)?(?P<host>\d*):)?"
    r"(?P<port>\d+)(?:/(?P<protocol>tcp|udp))?$"
)


def parse_publish(text: str) -> Publish:
    """Parse `[CONTAINER=][[IP:]HOST_PORT:]CONTAINER_PORT[/udp]`. Raises OptionError.

    >>> parse_publish("8080:80").host_port
    8080
    """
    match = _PUBLISH.match(text.strip())
    if match is None:
        raise OptionError(
            f"{text!r} is not a port to publish: write [CONTAINER=][[IP:]HOST_PORT:]CONTAINER_PORT[/udp], "
            "for example 8080:80 or envoy=127.0.0.1:8080:9901"
        )
    port, host = int(match["port"]), match["host"]
    for number in (port, int(host) if host else port):
        if not 0 < number < 65536:
            raise OptionError(f"{text!r} is not a port to publish: {number} is not between 1 and 65535")
    return Publish(
        container=match["container"],
        container_port=port,
        protocol=match["protocol"] or "tcp",
        host_ip=match["ip"].strip("[]") if match["ip"] else None,
        host_port=int(host) if host else None,
    )


def parse_assignment(text: str, what: str, example: str) -> tuple[str, str]:
    """Split `KEY=VALUE` at the first `=`. Raises OptionError naming `what` with an `example`."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or not value.strip():
        raise OptionError(f"{text!r} is not {what}: write it like {example}")
    return key.strip(), value.strip()


def parse_cluster(text: str) -> str:
    """Parse a cluster as RunTask takes it, its name or its ARN, and return the name. Raises OptionError."""
    name = text.rpartition(":cluster/")[2] if text.startswith("arn:") else text
    if not _CLUSTER.fullmatch(name):
        raise OptionError(f"{text!r} is not a cluster: write 1 to 255 letters, digits, hyphens, underscores")
    return name


def parse_pull_behavior(text: str) -> PullBehavior:
    """Parse a pull behaviour by its name. Raises OptionError."""
    try:
        return PullBehavior(text)
    except ValueError:
        names = ", ".join(item.value for item in PullBehavior)
        raise OptionError(f"{text!r} is not a pull behaviour: one of {names}") from None
