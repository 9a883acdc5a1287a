"""Where the engine is looked for, and what is said when it does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.engines.docker.host import chosen_host, explain_unreachable, first_socket, is_local


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
