"""The holder as a program to be run by tests: as it was committed, and as it is built here."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pillion.engines.docker.holder as holder_package

HOLDER_FOLDER = Path(holder_package.__file__).parent
PATIENCE_S = 10.0

Program = tuple[str, ...]
Run = Callable[..., "subprocess.Popen[bytes]"]
Connect = Callable[[int], socket.socket]
Eventually = Callable[[Callable[[], bool]], None]


def runnable(binary: Path, architecture: str) -> Program:
    """Return how to run a binary here; skip where this machine cannot."""
    if platform.machine() == architecture:
        return (str(binary),)
    emulator = shutil.which(f"qemu-{architecture}-static")
    if emulator is None:
        pytest.skip(
            f"an {architecture} program does not run here, and qemu-{architecture}-static is not installed"
        )
    return (emulator, str(binary))


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that builds the holder for an architecture, once; it skips without a compiler."""
    made: dict[str, Path] = {}

    def build_once(architecture: str) -> Path:
        if shutil.which(f"{architecture}-linux-gnu-gcc") is None:
            pytest.skip(f"{architecture}-linux-gnu-gcc is not installed")
        if architecture not in made:
            folder = tmp_path_factory.mktemp(architecture)
            subprocess.run(["sh", HOLDER_FOLDER / "build.sh", architecture, folder], check=True)
            made[architecture] = folder / f"holder-{architecture}"
        return made[architecture]

    return build_once


@pytest.fixture(params=["committed x86_64", "committed aarch64", "rebuilt x86_64", "rebuilt aarch64"])
def program(request: pytest.FixtureRequest, build: Callable[[str], Path]) -> Program:
    """Return the holder as a command, in each of the ways in which it exists."""
    origin, architecture = request.param.split()
    binary = HOLDER_FOLDER / f"holder-{architecture}" if origin == "committed" else build(architecture)
    return runnable(binary, architecture)


@pytest.fixture
def run(program: Program) -> Iterator[Run]:
    """Return a function that starts the holder; what still runs at the end is killed."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, before: str = "") -> subprocess.Popen[bytes]:
        command = ["sh", "-c", f'{before} exec "$@"', "sh", *program, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Return a function that looks again and again until what it is given says yes."""

    def look_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "this never came about"
            time.sleep(0.001)  # another process has to act, and nothing tells us when it has

    return look_until


@pytest.fixture
def connect(eventually: Eventually) -> Iterator[Connect]:
    """Return a function that connects to a port of this machine as soon as something listens there."""
    made: list[socket.socket] = []

    def connected(port: int) -> bool:
        try:
            made.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S))
        except ConnectionRefusedError:
            return False
        return True

    def connect_when_listening(port: int) -> socket.socket:
        eventually(lambda: connected(port))
        return made[-1]

    yield connect_when_listening
    for connection in made:
        connection.close()


@pytest.fixture
def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
