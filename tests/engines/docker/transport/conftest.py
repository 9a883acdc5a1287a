"""Both transports, and a raw engine for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engines.docker.transport.raw_engine import RawEngine
from pillion.engines.docker.transport.protocol import Transport
from pillion.engines.docker.transport.remote import RemoteTransport
from pillion.engines.docker.transport.unix import UnixTransport


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[RawEngine]:
    """Return an engine on a socket of this machine."""
    made = RawEngine(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def unix(raw: RawEngine) -> AsyncIterator[UnixTransport]:
    made = UnixTransport(raw.host)
    yield made
    await made.close()


@pytest.fixture(params=["unix", "remote"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RawEngine]:
    """Return an engine that one of the two transports reaches."""
    made = RawEngine(tmp_path, is_tcp=request.param == "remote")
    yield made
    made.close()


@pytest.fixture
async def transport(either: RawEngine) -> AsyncIterator[Transport]:
    is_unix = either.host.startswith("unix:")
    made = UnixTransport(either.host) if is_unix else RemoteTransport(either.host, url=either.host)
    yield made
    await made.close()
