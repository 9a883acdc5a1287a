"""What happens to a task when somebody, or something, gets in its way."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from scenarios.running import PILLION, TIME_LIMIT_S, Pillion, container, definition, docker, of, tell

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SOCKET = "/var/run/docker.sock"


def after(name: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": "START"}]


def test_one_interrupt_stops_the_task_in_reverse_order(pillion: Pillion) -> None:
    with pillion.session(
        definition(container("first"), container("second", dependsOn=after("first")))
    ) as session:
        session.until_running()
        session.interrupt()
        run = session.finish()
    assert run.exit_code == 130
    assert run.moment("second", "STOPPED") <= run.moment("first", "STOPPED")
    assert [run.container(name)["exitCode"] for name in ("first", "second")] == [0, 0]
    assert (run.task["stopCode"], run.task["stoppedReason"]) == ("UserInitiated", "Task stopped by user")


def test_a_second_interrupt_kills(pillion: Pillion) -> None:
    stubborn = container(
        "app", "trap 'echo told' TERM; echo hears; while :; do sleep 0.1; done", stopTimeout=80
    )
    with pillion.session(definition(stubborn)) as session:
        session.until(type="log", message="hears")
        session.interrupt()
        session.until(type="log", message="told")
        session.interrupt()
        run = session.finish()
    assert (run.exit_code, run.container("app")["exitCode"]) == (130, 137)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_other_signals_that_end_a_program_stop_the_task_in_order(
    pillion: Pillion, number: signal.Signals
) -> None:
    with pillion.session(definition(container("app"))) as session:
        session.until_running()
        session.send(number)
        run = session.finish()
    assert (run.exit_code, run.container("app")["exitCode"]) == (130, 0)


def test_an_interrupt_while_the_task_still_waits_leaves_nothing(pillion: Pillion) -> None:
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5}
    proxy = container("proxy", healthCheck=check)
    app = container("app", dependsOn=[{"containerName": "proxy", "condition": "HEALTHY"}])
    with pillion.session(definition(proxy, app)) as session:
        session.until(type="container", container="proxy", to="RUNNING")
        session.interrupt()
        run = session.finish()
    assert run.exit_code == 130
    assert "runtimeId" not in run.container("app")
    assert run.task_statuses() == ["PENDING", "STOPPED"]


def test_a_container_that_somebody_removes_ends_the_task(pillion: Pillion) -> None:
    with pillion.session(definition(container("app"), container("other"))) as session:
        session.until_running()
        label = f"label=com.amazonaws.ecs.cluster={pillion.cluster}"
        name = "label=com.amazonaws.ecs.container-name=other"
        docker("rm", "-f", docker("ps", "-q", "--filter", label, "--filter", name))
        run = session.finish()
    assert (run.exit_code, run.task["stopCode"]) == (137, "EssentialContainerExited")
    assert run.container("app")["exitCode"] == 0


class Proxy:
    """Passes connections on to the engine's socket until it is cut, and from then on no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._path.unlink(missing_ok=True)
        for end in (self._server, *self._pairs):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._server.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(SOCKET)
                self._pairs += [ours, theirs]
                for source, target in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.mark.skipif(not Path(SOCKET).is_socket(), reason="the engine is not at its usual socket")
def test_an_engine_that_goes_away_is_said_once_with_what_is_left_there(
    pillion: Pillion, tmp_path: Path
) -> None:
    proxy = Proxy(tmp_path / "p.sock")
    pillion.environment["DOCKER_HOST"] = f"unix://{tmp_path}/p.sock"
    try:
        with pillion.session(definition(container("app"))) as session:
            session.until_running()
            proxy.cut()
            run = session.finish()
    finally:
        proxy.cut()
        label = f"label=com.amazonaws.ecs.cluster={pillion.cluster}"
        docker("rm", "-f", *docker("ps", "-aq", "--filter", label).split())
        network = docker("network", "ls", "-q", "--filter", f"name={pillion.cluster}").split()
        if network:
            docker("network", "rm", *network)
    assert run.exit_code == 125
    assert (run.task["lastStatus"], run.container("app")["lastStatus"]) == ("RUNNING", "RUNNING")
    assert "Traceback" not in run.errors
    message, left = run.errors.splitlines()
    assert message.startswith(f"pillion: The container engine at unix://{tmp_path}/p.sock does not answer: ")
    assert left.startswith("  The task's containers may still be there: pillion serve takes it over when the")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk that is soon full."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_a_disk_that_fills_up_in_the_middle_stops_the_task_in_order(pillion: Pillion, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "256k") as disk:
        pillion.environment["PILLION_STATE_DIR"] = str(disk)
        with pillion.session(
            definition(container("first"), container("second", dependsOn=after("first")))
        ) as session:
            session.until_running()
            fill(disk)
            docker_kill(pillion, "second")
            run = session.finish()
    assert "Traceback" not in run.errors
    assert run.errors.count("the journal") == 1, run.errors
    assert "free some space there" in run.errors
    assert (run.exit_code, run.container("first")["exitCode"]) == (137, 0)
    assert run.lines[-1]["type"] == "result"


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_a_full_disk_alone_stops_a_task_that_did_not_ask_for_it_and_is_no_success(
    pillion: Pillion, tmp_path: Path
) -> None:
    check = {"command": ["CMD-SHELL", "test ! -f /tmp/ill"], "interval": 1, "timeout": 10, "retries": 1}
    app = container("app", healthCheck=check)
    with small_disk(tmp_path / "disk", "256k") as disk:
        pillion.environment["PILLION_STATE_DIR"] = str(disk)
        with pillion.session(definition(app)) as session:
            session.until_running()
            session.until_seen(type="health", status="HEALTHY")
            fill(disk)
            tell(pillion, "app", "/tmp/ill")  # which is news that the journal cannot take
            run = session.finish()
    assert (run.exit_code, run.container("app")["exitCode"]) == (125, 0)
    assert run.task["stoppedReason"].startswith("The journal cannot be written: ")


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def docker_kill(pillion: Pillion, name: str) -> None:
    docker("kill", docker("ps", "-q", *of(pillion, name)))


def test_a_disk_that_is_full_from_the_start_is_said_before_anything_runs(
    pillion: Pillion, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "16k") as disk:
        fill(disk)
        pillion.environment["PILLION_STATE_DIR"] = str(disk)
        done = pillion.run_text(definition(container("app")))
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith("pillion: the journal ")
    assert "Traceback" not in done.stderr


def test_a_run_whose_output_nobody_takes_any_more_stops_in_order_and_leaves_nothing(pillion: Pillion) -> None:
    path = pillion.write(definition(container("app")))
    with subprocess.Popen(
        [*PILLION, "run", str(path), "--format", "json", "--cluster", pillion.cluster],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=pillion.environment,
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.wait(TIME_LIMIT_S) == 141
    listed = pillion.command("ps", "-a", "--format", "json")
    (task,) = json.loads(listed.stdout)["tasks"]
    assert task["lastStatus"] == "STOPPED"
