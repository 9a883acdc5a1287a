"""Where the engine is looked for, and what is said when it does not answer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.host import (
    chosen_context,
    chosen_host,
    explain_unreachable,
    first_socket,
    is_local,
    socket_of_context,
)
from pillion.ports.engine import EngineUnreachableError


def test_a_host_given_by_hand_wins_over_docker_host() -> None:
    environment = {"DOCKER_HOST": "tcp://10.0.0.1:2375"}
    assert chosen_host("unix:///x", environment) == "unix:///x"
    assert chosen_host(None, environment) == "tcp://10.0.0.1:2375"
    assert chosen_host(None, {"DOCKER_HOST": ""}) is None


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({"/var/run/docker.sock", "/run/podman/podman.sock"}, "unix:///var/run/docker.sock"),
        (
            {"/run/user/7/podman/podman.sock", "/run/podman/podman.sock"},
            "unix:///run/user/7/podman/podman.sock",
        ),
        ({"/run/user/7/docker.sock"}, "unix:///run/user/7/docker.sock"),
        ({"/home/me/.docker/run/docker.sock"}, "unix:///home/me/.docker/run/docker.sock"),
        (set(), None),
    ],
)
def test_the_usual_sockets_are_tried_docker_first(there: set[str], found: str | None) -> None:
    environment = {"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/home/me"}

    def is_socket(path: Path) -> bool:
        return str(path) in there

    assert first_socket(environment, is_socket) == found


def use_context(home: Path, name: object) -> dict[str, str]:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))
    return {"HOME": str(home)}


def make_context(home: Path, name: str, endpoint: object) -> None:
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))


@pytest.mark.parametrize(
    ("in_file", "in_environment", "chosen"),
    [
        ("lab", {}, "lab"),
        ("lab", {"DOCKER_CONTEXT": "other"}, "other"),
        ("lab", {"DOCKER_CONTEXT": ""}, "lab"),
        ("lab", {"DOCKER_CONTEXT": "default"}, None),
        ("default", {}, None),
        ("", {}, None),
        (None, {}, None),
        (7, {}, None),
    ],
)
def test_the_environments_context_wins_and_default_is_none(
    tmp_path: Path, in_file: object, in_environment: dict[str, str], chosen: str | None
) -> None:
    assert chosen_context(use_context(tmp_path, in_file) | in_environment) == chosen


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_configuration_that_is_none_chooses_no_context(tmp_path: Path, content: str) -> None:
    environment = use_context(tmp_path, "lab")
    (tmp_path / ".docker/config.json").write_text(content)
    assert chosen_context(environment) is None
    assert chosen_context({"HOME": str(tmp_path / "nowhere")}) is None


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        (
            {"Host": "unix:///home/me/.docker/desktop/docker.sock"},
            "unix:///home/me/.docker/desktop/docker.sock",
        ),
        ({"Host": "tcp://lab:2376", "SkipTLSVerify": False}, None),
        ({"Host": 7}, None),
        ({}, None),
        (None, None),
    ],
)
def test_of_a_context_only_a_socket_of_this_machine_is_read(
    tmp_path: Path, endpoint: object, found: str | None
) -> None:
    make_context(tmp_path, "lab", endpoint)
    assert socket_of_context("lab", {"HOME": str(tmp_path)}) == found
    assert socket_of_context("another", {"HOME": str(tmp_path)}) is None


async def test_a_context_that_leads_to_a_socket_is_used(tmp_path: Path) -> None:
    environment = use_context(tmp_path, "desktop")
    make_context(tmp_path, "desktop", {"Host": f"unix://{tmp_path}/desktop.sock"})
    with pytest.raises(EngineUnreachableError, match=f"at unix://{tmp_path}/desktop.sock does not answer"):
        await DockerClient(environment=environment).get("info")


async def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    client = DockerClient(environment=use_context(tmp_path, "gone"))
    with pytest.raises(EngineUnreachableError, match=r"at Docker context gone does not answer: .*not found"):
        await client.get("info")
    assert not client.is_local


@pytest.mark.parametrize(("host", "local"), [("unix:///x", True), ("tcp://h:1", False), ("ssh://h", False)])
def test_only_a_socket_of_this_machine_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied. Your user may not use this socket"),
        (FileNotFoundError(2, "No such file or directory"), "The socket is not there: start the engine"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused. Check that the engine runs"),
    ],
)
def test_an_engine_that_does_not_answer_is_named_with_the_reason_and_what_to_do(
    error: OSError, advice: str
) -> None:
    text = explain_unreachable("unix:///x", error)
    assert text.startswith("The container engine at unix:///x does not answer: ")
    assert advice in text
