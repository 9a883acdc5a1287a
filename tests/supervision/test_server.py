"""What the server says, and to whom; and that it ends, whatever becomes of its files meanwhile."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pillion.control.claims import SERVER, Claim, find_claimant
from pillion.control.client import ControlClient
from pillion.core.plan.facts import PortBinding
from pillion.ports.control import ControlError
from pillion.supervision.server import ServerLog, say


class Full(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with Full() as log:
        monkeypatch.setattr(sys, "stderr", log)
        say("a task runs")
        monkeypatch.undo()


def test_the_log_tells_where_a_port_is_that_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    moved = PortBinding(host_ip="127.0.0.1", host_port=8081, container_port=80, protocol="tcp", moved=True)
    ServerLog("a" * 32, "web:1").published("app", (moved,))
    said = capsys.readouterr().err
    assert (
        "task aaaaaaaa of web:1 (app): port 80 is at 127.0.0.1:8081, because the wanted port is taken" in said
    )


SERVE = """
import os, sys
from pathlib import Path
import pillion.supervision.server
from pillion.cli.main import run_cli

gone, what = Path(sys.argv.pop(1)), sys.argv.pop(1)

class Removed:
    def find_spec(self, name, path=None, target=None):
        if gone.exists():
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Removed())
pillion.supervision.server.LOOK_S = 0.05
if what == "unread":
    os.set_blocking(2, False)
    while True:
        try:
            os.write(2, b"x")
        except BlockingIOError:
            break
    os.set_blocking(2, True)
run_cli()
"""
"""`pillion serve` of which no module can be imported any more, once the file `gone` is there."""


class Server:
    """A server in a process and a state folder of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.state = folder / "state"
        self._gone = folder / "gone"

    def remove_installation(self) -> None:
        self._gone.touch()

    def client(self) -> ControlClient:
        found = find_claimant(self.state, SERVER)
        assert found is not None
        return ControlClient(found)

    def end(self) -> list[str]:
        """Wait for its end, which has to be an orderly one; return what it said, without the times."""
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said
        return [line.partition(" pillion: ")[2] for line in said.splitlines()]


@contextmanager
def serving(folder: Path, *arguments: str, what: str = "") -> Iterator[Server]:
    """Return a server that listens."""
    reading, writing = os.pipe()
    program = [sys.executable, "-c", SERVE, str(folder / "gone"), what]
    with subprocess.Popen(
        [*program, "serve", "--ready-fd", str(writing), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=(writing,),
        env={**os.environ, "PILLION_STATE_DIR": str(folder / "state")},
    ) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as ready:
            ready.read()
        try:
            yield Server(process, folder)
        finally:
            process.kill()


@pytest.mark.slow
def test_a_server_whose_installation_was_removed_ends_when_it_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.remove_installation()
        server.process.send_signal(signal.SIGTERM)
        assert server.end()[1:] == ["ends"]
    assert find_claimant(server.state, SERVER) is None


@pytest.mark.slow
def test_a_server_whose_installation_was_removed_ends_when_it_is_idle(tmp_path: Path) -> None:
    with serving(tmp_path, "--exit-when-idle", "1s") as server:
        server.remove_installation()
        assert server.end()[1:] == ["ends"]


@pytest.mark.slow
def test_a_server_that_can_answer_nobody_any_more_says_why_and_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.remove_installation()
        with pytest.raises(ControlError):
            server.client().about()
        why, *rest = server.end()[1:]
    assert why.startswith(
        "others cannot ask this server, which ends for that: ModuleNotFoundError: No module"
    )
    assert why.endswith("was pillion removed or replaced while it ran?")
    assert rest == ["ends"]


@pytest.mark.slow
def test_a_server_whose_state_folder_was_removed_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shutil.rmtree(server.state)
        assert server.end()[1:] == [
            f"The journal in {server.state} was removed or replaced: the tasks are stopped, and then it ends",
            "ends",
        ]


@pytest.mark.slow
def test_a_server_whose_claim_was_removed_ends_and_leaves_that_of_its_successor_alone(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shutil.rmtree(server.state / "control")
        with Claim(server.state, SERVER):
            assert server.end()[1:] == [
                "its claim in the state folder was removed: it ends before another server takes its place",
                "ends",
            ]
            found = find_claimant(server.state, SERVER)
            assert found is not None
            assert found.process_id == os.getpid()


@pytest.mark.slow
def test_a_log_that_nobody_reads_holds_up_no_server(tmp_path: Path) -> None:
    with serving(tmp_path, what="unread") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
