"""`pillion exec` into a task that another process runs: streams, exit codes, signals, a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenarios.running import TIME_LIMIT_S, Pillion, container, definition

PATIENCE_S = 60

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def task(pillion: Pillion) -> Iterator[Pillion]:
    """Have a task that runs, with a sidecar that has ended."""
    with pillion.session(
        definition(container("app"), container("done", "exit 0", essential=False))
    ) as session:
        session.until_running()
        session.until_seen(type="container", container="done", to="STOPPED")
        yield pillion
        session.interrupt()
        session.finish()


def test_streams_exit_codes_and_input_are_those_of_the_command(task: Pillion) -> None:
    both = task.command("exec", "scenario", "app", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (both.returncode, both.stdout, both.stderr) == (3, "out\n", "err\n")
    piped = task.command("exec", "-i", "scenario", "app", "--", "cat", stdin="one\ntwo" * 50_000)
    assert (piped.returncode, piped.stdout) == (0, "one\ntwo" * 50_000)
    unread = task.command("exec", "-i", "scenario", "app", "--", "head", "-c", "3", stdin="y\n" * 1_000_000)
    assert (unread.returncode, unread.stdout, unread.stderr) == (0, "y\ny", "")
    where = task.command(
        "exec",
        *("-w", "/tmp"),
        *("-u", "1000:1000"),
        *("-e", "A=a=b"),
        *("-e", "PILLION_STATE_DIR"),
        *("-e", "NOT_SET_ANYWHERE"),
        *("scenario", "app", "sh", "-c", "pwd; id -u; echo $A $PILLION_STATE_DIR ${NOT_SET_ANYWHERE-unset}"),
    )
    assert where.stdout.split() == ["/tmp", "1000", "a=b", str(task.folder / "state"), "unset"]


def test_what_cannot_be_run_is_said_with_dockers_exit_codes(task: Pillion) -> None:
    missing = task.command("exec", "scenario", "app", "--", "nope")
    assert missing.returncode in (126, 127)  # 127 since Docker 27
    assert missing.stderr.startswith("pillion: app: OCI runtime exec failed: ")
    assert '"nope": executable file not found in $PATH' in missing.stderr
    unknown = task.command("exec", "scenario", "db", "--", "ls")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "pillion: the task has no container db; it has app, done\n",
    )
    ended = task.command("exec", "scenario", "done", "--", "ls")
    assert (ended.returncode, ended.stderr) == (
        125,
        "pillion: done does not run any more: it ended with exit code 0\n",
    )
    nothing = task.command("exec", "scenario", "app", "--")
    assert (nothing.returncode, nothing.stderr.partition(":")[2]) == (
        2,
        " no command: pillion exec TASK CONTAINER -- COMMAND [ARGUMENT]…\n",
    )
    no_terminal = task.command("exec", "-it", "scenario", "app", "--", "sh", stdin="")
    assert (no_terminal.returncode, no_terminal.stderr) == (
        2,
        "pillion: -t needs a terminal on standard input; leave it out to pipe something in with -i\n",
    )


def test_a_signal_reaches_the_command(task: Pillion) -> None:
    script = "trap 'echo heard; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen(
        [sys.executable, "-m", "pillion", "exec", "scenario", "app", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=task.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=TIME_LIMIT_S)[0] == "heard\n"
        assert process.returncode == 9


class Terminal:
    """A person's terminal with `pillion exec -it` in it."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text: str) -> None:
        """Read until a text has come; forget what came up to it."""
        assert self.shows(text, within_s=PATIENCE_S), self._seen

    def shows(self, text: str, *, within_s: float) -> bool:
        """Read until a text has come, or the time is over; forget what came up to it."""
        ends_at_s = time.monotonic() + within_s
        while text not in self._seen:
            left_s = max(ends_at_s - time.monotonic(), 0.0)
            if not select.select([self._descriptor], [], [], left_s)[0]:
                return False
            self._seen += os.read(self._descriptor, 4096).decode(errors="replace")
        self._seen = self._seen.partition(text)[2]
        return True

    def is_cooked(self) -> bool:
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ICANON)


@contextmanager
def terminal(task: Pillion, *command: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    name = os.ttyname(theirs)  # who leads a session and opens a terminal first gets its signals
    shell = ["sh", "-c", f'exec "$@" < {name} > {name} 2>&1', "sh"]
    process = subprocess.Popen(
        [*shell, sys.executable, "-m", "pillion", "exec", "-it", "scenario", "app", "--", *command],
        env=task.environment,
        start_new_session=True,
    )
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_terminal_has_its_size_its_keys_and_is_given_back(task: Pillion) -> None:
    # No interactive shell: busybox's asks the terminal where the cursor is, and takes what is typed for it.
    # Before Docker 23 a terminal has its size a moment after the command has begun.
    shell = (
        'trap : INT; until stty size | grep .; do sleep 0.05; done; while read -r line; do eval "$line"; done'
    )
    with terminal(task, "sh", "-c", shell) as seen:
        seen.until("33 101")
        assert not seen.is_cooked()
        seen.resize(20, 60)
        seen.type("until stty size | grep -x '20 60'; do sleep 0.05; done\r")
        seen.until("\n20 60")
        seen.type("echo goes; sleep 600; echo on\r")
        seen.until("\ngoes")
        seen.type("\x03")
        seen.until("^C")
        while not seen.shows("on", within_s=1.0):  # the shell took it, which had not begun to sleep
            seen.type("\x03")
        seen.type("exit 7\r")
        assert seen.process.wait(TIME_LIMIT_S) == 7
        assert seen.is_cooked()


def test_a_terminal_is_given_back_when_pillion_is_told_to_end(task: Pillion) -> None:
    with terminal(task, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done") as seen:
        seen.until("ready")
        while not seen.is_cooked():  # two that come at once are one
            seen.process.send_signal(signal.SIGTERM)
            select.select([], [], [], 0.05)
        assert seen.process.wait(TIME_LIMIT_S) in (143, -signal.SIGTERM)
