"""Ending a program with a code of our choice, on a process of this machine instead of a container's."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pillion.engines.docker.processes import CGROUP_ROOT, end_with, folder_in, main_process
from pillion.ports.injector import InjectionUnavailableError

traced = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64" or os.geteuid() != 0,
    reason="programs are traced on Linux, on x86_64, as root",
)

PROGRAMS = {
    "sleeps": "import sys, time; print('up', flush=True); time.sleep(60)",
    "ignores every signal": "import signal, sys\n"
    "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)\n"
    "print('up', flush=True)\nwhile True: signal.pause()",
    "has threads": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    "print('up', flush=True)\nwhile True: time.sleep(0.01)",
}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs for a minute unless it is ended."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROGRAMS[request.param]], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            yield process
        finally:
            process.kill()


@traced
@pytest.mark.parametrize("exit_code", [0, 1, 42])
def test_a_program_ends_with_the_code_that_is_asked_for(
    program: subprocess.Popen[bytes], exit_code: int
) -> None:
    end_with(program.pid, exit_code)
    assert program.wait(10) == exit_code


@traced
def test_a_program_that_has_ended_cannot_be_made_to() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    with pytest.raises(InjectionUnavailableError, match="No such process"):
        end_with(process.pid, 0)


@traced
def test_a_process_that_is_not_the_containers_is_left_alone() -> None:
    with pytest.raises(InjectionUnavailableError, match="counts its processes in another way"):
        main_process(os.getpid(), "0123456789abcdef")


def test_without_root_nothing_is_done_to_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InjectionUnavailableError, match="takes root on the engine's own machine"):
        main_process(os.getpid(), "")


def test_another_processor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(InjectionUnavailableError, match="not riscv64"):
        end_with(1, 0)


def test_the_cgroup_of_a_controller_is_found_by_its_name() -> None:
    membership = "9:cpu,cpuacct:/docker/a\n8:memory:/docker/b\n0::/\n"
    assert folder_in(membership, "memory") == CGROUP_ROOT / "memory" / "docker" / "b"
    assert folder_in(membership, "cpu") == CGROUP_ROOT / "cpu" / "docker" / "a"


@pytest.mark.parametrize("membership", ["8:memory:/\n0::/docker/b\n", "0::/\n"])
def test_the_root_is_no_containers_cgroup(membership: str) -> None:
    with pytest.raises(InjectionUnavailableError, match="about to end"):
        folder_in(membership, "memory")
