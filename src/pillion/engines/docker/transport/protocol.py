"""What the client needs of whatever carries its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Protocol

from msgspec import Struct

from pillion.engines.docker.transport.pipe import RawPipe

CONNECT_DEADLINE_S = 10.0
"""How long making a connection may take, whatever the call's own deadline is."""

Body = bytes | IO[bytes] | None


class Request(Struct, frozen=True, kw_only=True):
    """A call as it is sent. `target` is path and query, quoted; a file is read while it is sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Body = None


class Answer(Protocol):
    """An answer whose head has come, and whose body is read while it comes."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    def header(self, name: str) -> str:
        """Return a header by its name in small letters, an empty text where there is none."""
        ...

    async def read_some(self) -> bytes:
        """Return what has come of the body, none at its end. Raises EngineUnreachableError."""
        ...

    def take_over(self) -> RawPipe:
        """Return the bare connection of an upgraded answer. Raises EngineUnreachableError for any other."""
        ...

    def close(self) -> None:
        """End the connection, unless the body was read to its end: then it serves the next call."""
        ...


class Transport(Protocol):
    """Carries calls to one engine, any number of them at once."""

    async def request(self, request: Request) -> Answer:
        """Send a call and return its answer as soon as the head is here.

        Raises EngineUnreachableError, and OSError where the body's file cannot be read.
        """
        ...

    async def close(self) -> None:
        """End all connections, those in use as well."""
        ...


def no_upgrade(host: str, status: int) -> str:
    """Say that an answer did not hand its connection over."""
    return (
        f"The engine at {host} answered with status {status} where the connection should have "
        "become a bare one: something between here and the engine does not know upgrades."
    )
