"""The holder as a container on a real engine, where it is PID 1."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from pillion.engines.docker.holder import holder_image_tar, holder_reference, relay_command, stub_command

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BUSYBOX = "pillion-local/busybox:1"

FETCH = "for i in $(seq 100); do wget -q -O - http://{} && exit; sleep 0.1; done; exit 1"

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
    fetch = FETCH.format("127.0.0.1:8080")
    network = f"container:{container}"
    assert docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", fetch) == "pillion stub"
    docker("exec", container, "/holder", "health")
    docker("stop", "--time", "30", container)
    assert state_of(docker, container) == ("exited", 0)


RIGHTS = ("--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN", "--read-only")


@pytest.fixture
def fetch(docker: Docker) -> Callable[[str, str], str]:
    """Return a function that fetches an address from inside the network namespace of a container."""

    def fetch_from(container: str, address: str) -> str:
        network = f"container:{container}"
        return docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", FETCH.format(address))

    return fetch_from


def test_relay_makes_link_local_addresses_and_takes_no_port_from_the_application(
    start: Start, fetch: Callable[[str, str], str]
) -> None:
    application = start("/holder", "stub", "80", "9000")
    routes = [(f"169.254.170.2:{port}", "127.0.0.1:9000") for port in (80, 8080)]
    routes += [("169.254.170.3:80", "127.0.0.1:9000"), ("127.0.0.1:7000", "127.0.0.1:9000")]
    start(*relay_command(routes), options=("--network", f"container:{application}", *RIGHTS))
    addresses = [*(address for address, _ in routes), "127.0.0.1:80"]
    assert [fetch(application, address) for address in addresses] == ["pillion stub"] * 5


def test_relay_can_be_started_again(docker: Docker, start: Start, fetch: Callable[[str, str], str]) -> None:
    application = start("/holder", "stub", "9000")
    relay = start(
        *relay_command([("169.254.170.2:80", "127.0.0.1:9000")]),
        options=("--network", f"container:{application}", *RIGHTS),
    )
    docker("restart", "--time", "30", relay)
    assert fetch(application, "169.254.170.2") == "pillion stub"


def test_application_may_take_port_80_after_the_relay(start: Start, fetch: Callable[[str, str], str]) -> None:
    pause = start()
    network = ("--network", f"container:{pause}")
    start(*relay_command([("169.254.170.2:80", "127.0.0.1:80")]), options=(*network, *RIGHTS))
    start("/holder", "stub", "80", options=network)
    assert fetch(pause, "169.254.170.2") == "pillion stub"


def test_relay_without_the_right_to_make_the_address_says_so(docker: Docker, start: Start) -> None:
    container = start("/holder", "relay", "169.254.170.2:80", "127.0.0.1:9000")
    assert docker("wait", container) == "1"
    said = subprocess.run(["docker", "logs", container], check=True, capture_output=True, text=True).stderr
    assert said == (
        "holder: cannot make the network of 169.254.170.2:80: "
        "not permitted; a link-local address needs NET_ADMIN and SYS_ADMIN\n"
    )
