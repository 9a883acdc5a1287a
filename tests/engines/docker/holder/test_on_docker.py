"""The holder as a container on a real engine, where it is PID 1."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from pillion.engines.docker.holder import holder_image_tar, holder_reference, stub_command

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BUSYBOX = "pillion-local/busybox:1"

Docker = Callable[..., str]
Start = Callable[..., str]
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def docker() -> Docker:
    """Return a function that runs Docker's command and gives what it prints."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "version"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no Docker engine answers")

    def call(*arguments: str, given: bytes | None = None) -> str:
        done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    return call


@pytest.fixture(scope="module")
def image(docker: Docker) -> str:
    """Return the holder's image on the engine; it stays, as it does for users."""
    said = docker("load", given=holder_image_tar(platform.machine()))
    reference = holder_reference(platform.machine())
    assert said == f"Loaded image: {reference}"
    return reference


@pytest.fixture
def start(docker: Docker, image: str) -> Iterator[Start]:
    """Return a function that starts a holder container and gives its id."""
    started: list[str] = []

    def run(*command: str, options: tuple[str, ...] = ()) -> str:
        name = f"pillion-test-{uuid.uuid4().hex[:12]}"
        started.append(name)
        docker("run", "--detach", "--name", name, *options, image, *command)
        return name

    yield run
    for name in started:
        docker("rm", "--force", "--volumes", name)


def state_of(docker: Docker, container: str) -> tuple[str, int]:
    state = json.loads(docker("inspect", container))[0]["State"]
    return state["Status"], state["ExitCode"]


def test_pause_is_what_the_image_runs_and_ends_with_0_when_stopped(docker: Docker, start: Start) -> None:
    container = start()
    assert state_of(docker, container) == ("running", 0)
    docker("stop", "--time", "30", container)
    assert state_of(docker, container) == ("exited", 0)


def test_pause_reaps_the_orphans_of_a_shared_pid_namespace(
    docker: Docker, start: Start, eventually: Eventually
) -> None:
    container = start()
    docker("run", "--rm", "--pid", f"container:{container}", BUSYBOX, "sh", "-c", "sh -c 'sleep 0.1 &'")
    eventually(
        lambda: len(docker("top", container, "-eo", "pid").splitlines()) == 2
    )  # a heading and the holder


def test_stub_answers_other_containers_and_is_healthy(docker: Docker, start: Start) -> None:
    container = start(*stub_command([(8080, "tcp"), (8125, "udp")]), options=("--read-only",))
    fetch = "for i in $(seq 100); do wget -q -O - http://127.0.0.1:8080/ && exit; done"
    network = f"container:{container}"
    assert docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", fetch) == "pillion stub"
    docker("exec", container, "/holder", "health")
    docker("stop", "--time", "30", container)
    assert state_of(docker, container) == ("exited", 0)


def test_relay_gives_the_namespace_the_address_it_listens_on(docker: Docker, start: Start) -> None:
    server = start("/holder", "stub", "9000")
    container = f"container:{server}"
    start(
        "/holder", "relay", "169.254.170.2:80", "127.0.0.1:9000",
        options=("--network", container, "--cap-add", "NET_ADMIN"),
    )  # fmt: skip
    fetch = "for i in $(seq 100); do wget -q -O - http://169.254.170.2/ && exit; done"
    assert docker("run", "--rm", "--network", container, BUSYBOX, "sh", "-c", fetch) == "pillion stub"


def test_relay_without_the_right_to_add_the_address_says_so(docker: Docker, start: Start) -> None:
    container = start("/holder", "relay", "169.254.170.2:80", "127.0.0.1:9000")
    assert docker("wait", container) == "1"
    said = subprocess.run(["docker", "logs", container], check=True, capture_output=True, text=True).stderr
    assert said == (
        "holder: cannot give the loopback interface the address 169.254.170.2:80: "
        "not permitted; adding an address needs NET_ADMIN\n"
    )
