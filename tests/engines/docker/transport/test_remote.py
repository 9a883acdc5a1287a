"""What only concerns the transport over aiohttp: whom it finds, and that it hides its library's errors."""

from __future__ import annotations

import inspect
from pathlib import Path

import aiodocker
import aiohttp
import pytest
from aiodocker.ssh import SSHConnector

from pillion.engines.docker.transport.remote import RemoteTransport
from pillion.ports.engine import EngineUnreachableError


def _exceptions_of(module: object) -> list[type[BaseException]]:
    found = (value for _, value in inspect.getmembers(module) if inspect.isclass(value))
    return [value for value in found if issubclass(value, Exception)]


def test_every_exception_of_the_http_library_is_one_that_the_transport_catches() -> None:
    caught = aiohttp.ClientError | OSError
    leftover = {error.__name__ for error in _exceptions_of(aiohttp) if not issubclass(error, caught)}
    # Raised by parsers of forms and by websockets, neither of which is used:
    assert leftover <= {
        "BadContentDispositionHeader",
        "BadContentDispositionParam",
        "EofStream",
        "WSMessageTypeError",
        "WebSocketError",
    }


@pytest.mark.parametrize("kind", _exceptions_of(aiodocker.exceptions))
def test_every_exception_of_aiodocker_is_a_docker_error_which_connecting_translates(
    kind: type[BaseException],
) -> None:
    assert issubclass(kind, aiodocker.DockerError)


async def test_the_libraries_limit_of_connections_is_lifted() -> None:
    transport = RemoteTransport("tcp://127.0.0.1:1", url="tcp://127.0.0.1:1")
    assert transport._docker.connector.limit == 0
    await transport.close()


async def test_an_ssh_engine_is_reached_through_aiodockers_own_connector(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("aiodocker.ssh.asyncssh", object())  # not called before the first request
    transport = RemoteTransport("ssh://user@host", url="ssh://user@host")
    connector = transport._docker.session.connector
    assert isinstance(connector, SSHConnector)
    assert connector.limit == 0
    await transport.close()


async def test_an_ssh_engine_needs_a_library_that_is_named() -> None:
    with pytest.raises(EngineUnreachableError, match="asyncssh is required"):
        RemoteTransport("ssh://user@host", url="ssh://user@host")
