"""Running `pillion run` for real, as a user does, and looking at what it prints and leaves behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

BUSYBOX = "pillion-local/busybox:1"

TIME_LIMIT_S = 60
"""No scenario takes nearly as long; one that hangs is killed and fails."""

UNTIL_TOLD = "until [ -e /go ]; do sleep 0.05; done"
"""A script waits with it until the test has said `tell`: how long anything takes then does not matter."""

UP = "up: a stop will be heard"

KILLED = 137
"""The exit code of what was killed."""

SERVE = ["sh", "-c", f"trap 'exit 0' TERM; echo '{UP}'; while :; do sleep 0.1; done"]
"""A container that runs until it is told to stop, and then ends with 0. It says when it can hear that."""


def container(name: str, script: str | None = None, **members: Any) -> dict[str, Any]:
    """Return a container definition that runs a shell script in the busybox image."""
    command = SERVE if script is None else ["sh", "-c", script]
    return {"name": name, "image": BUSYBOX, "memory": 64, "command": command, **members}


def definition(*containers: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a task definition in awsvpc mode."""
    return {
        "family": "scenario",
        "networkMode": "awsvpc",
        "containerDefinitions": list(containers),
        **members,
    }


@dataclass
class Run:
    """What a run printed: its JSON lines, its standard error and its exit code."""

    exit_code: int
    lines: list[dict[str, Any]]
    errors: str
    _result: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        results = [line for line in self.lines if line["type"] == "result"]
        self._result = results[-1] if results else {}

    @property
    def task(self) -> dict[str, Any]:
        """The task as DescribeTasks shows it."""
        assert self._result, f"no result line; standard error was:\n{self.errors}"
        found: dict[str, Any] = self._result["task"]
        return found

    def container(self, name: str) -> dict[str, Any]:
        """One container of the result."""
        return next(item for item in self.task["containers"] if item["name"] == name)

    def messages(self, name: str, *, stream: str | None = None) -> list[str]:
        """What a container wrote (to one stream), but for the line in which one that serves says so."""
        return [
            line["message"]
            for line in self.lines
            if line["type"] == "log"
            and line["container"] == name
            and line["message"] != UP
            and stream in (None, line["stream"])
        ]

    def statuses(self, name: str) -> list[str]:
        """The internal statuses that a container went through."""
        return [
            line["to"] for line in self.lines if line["type"] == "container" and line["container"] == name
        ]

    def moment(self, name: str, status: str) -> str:
        """When a container reached a status, as ISO 8601 (which sorts)."""
        return next(
            str(line["at"])
            for line in self.lines
            if line["type"] == "container" and line["container"] == name and line["to"] == status
        )

    def cause(self, name: str, status: str) -> str:
        """Why a container reached a status."""
        return next(
            str(line["cause"])
            for line in self.lines
            if line["type"] == "container" and line["container"] == name and line["to"] == status
        )

    def task_statuses(self) -> list[str]:
        """The lastStatus values of the task."""
        return [line["lastStatus"] for line in self.lines if line["type"] == "task"]


def _serving(value: object) -> set[str]:
    """Return the containers of a definition that say when they can hear a stop."""
    containers = value.get("containerDefinitions", []) if isinstance(value, dict) else []
    return {item["name"] for item in containers if item.get("command") == SERVE}


class Session:
    """A `pillion run` under way."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str], serving: set[str]) -> None:
        self._process = process
        self._serving = serving
        self._errors = errors
        self.lines: list[dict[str, Any]] = []

    def until(self, **wanted: object) -> dict[str, Any]:
        """Read lines until one has all these members; fail if the run ends first."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: dict[str, Any] = json.loads(text)
            self.lines.append(line)
            if all(line.get(key) == value for key, value in wanted.items()):
                return line
        code = self._process.wait(TIME_LIMIT_S)
        how = f"was killed after {TIME_LIMIT_S} s" if code == -signal.SIGKILL else f"ended with {code}"
        raise AssertionError(f"the run {how} before {wanted}; lines {self.lines}; errors {self.errors()}")

    def until_seen(self, **wanted: object) -> dict[str, Any]:
        """As `until`, but a line that was read already counts: for what comes in no order that is told."""
        for line in self.lines:
            if all(line.get(key) == value for key, value in wanted.items()):
                return line
        return self.until(**wanted)

    def until_running(self) -> None:
        """Wait for the task to be RUNNING, and for all that serve to be able to hear a stop."""
        self.until(type="task", lastStatus="RUNNING")
        while self._serving > {line["container"] for line in self.lines if line.get("message") == UP}:
            self.until(type="log", message=UP)

    def errors(self) -> str:
        """What was written to standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def send(self, number: signal.Signals) -> None:
        """Send any signal."""
        self._process.send_signal(number)

    def finish(self) -> Run:
        """Read to the end."""
        assert self._process.stdout is not None
        self.lines += [json.loads(text) for text in self._process.stdout]
        exit_code = self._process.wait(TIME_LIMIT_S)
        return Run(exit_code, self.lines, self.errors())


PILLION = (sys.executable, "-m", "pillion")


class Pillion:
    """Runs pillion in a folder of its own, with a state folder of its own."""

    def __init__(self, folder: Path, cluster: str | None = None) -> None:
        self.folder = folder
        self.cluster = cluster or f"scenario-{secrets.token_hex(4)}"
        self.task_ids: list[str] = []
        self.environment = {**os.environ, "PILLION_STATE_DIR": str(folder / "state")}

    def write(self, value: object, name: str = "task.json") -> Path:
        """Write a document into the folder."""
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    @contextmanager
    def session(self, value: object, *arguments: str) -> Iterator[Session]:
        """Start `pillion run --format json` on a definition; end it whatever happens."""
        path = self.write(value)
        with tempfile.TemporaryFile("w+", dir=self.folder) as errors:
            process = subprocess.Popen(
                [*PILLION, "run", str(path), "--format", "json", "--cluster", self.cluster, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                text=True,
                cwd=self.folder,
                env=self.environment,
            )
            session = Session(process, errors, _serving(value) - set(arguments))  # not the muted, the stubbed
            watchdog = threading.Timer(TIME_LIMIT_S, process.kill)
            watchdog.start()
            try:
                yield session
            finally:
                watchdog.cancel()
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(TIME_LIMIT_S)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                if process.stdout is not None:
                    process.stdout.close()
                self.task_ids += [
                    line["task"]["taskArn"].rsplit("/", 1)[1]
                    for line in session.lines
                    if line["type"] == "result"
                ]

    def run(self, value: object, *arguments: str) -> Run:
        """Run a definition to its end."""
        with self.session(value, *arguments) as session:
            return session.finish()

    def run_text(self, value: object, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a definition to its end as a person does, without a terminal."""
        return self.command("run", str(self.write(value)), "--cluster", self.cluster, *arguments)

    def command(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run any command of pillion and return what it printed."""
        return subprocess.run(
            [*PILLION, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            timeout=TIME_LIMIT_S,
            check=False,
        )


def eventually(look: Callable[[], str]) -> str:
    """Return what a look finds as soon as it finds anything; for what nobody announces."""
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found
    raise AssertionError("nothing was found in time")


def docker(*arguments: str) -> str:
    """Run the Docker client and return its output."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def of(pillion: Pillion, name: str) -> tuple[str, ...]:
    """Return the filters that find one container of a task."""
    labels = {"cluster": pillion.cluster, "container-name": name}
    return tuple(f"--filter=label=com.amazonaws.ecs.{key}={value}" for key, value in labels.items())


def tell(pillion: Pillion, name: str, path: str = "/go") -> None:
    """Make a file in a container that runs; it may die of that at once, and take along who told it."""
    command = ["docker", "exec", docker("ps", "-q", *of(pillion, name)), "touch", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, KILLED), done.stderr


def left_behind(pillion: Pillion) -> list[str]:
    """Return containers, networks, volumes and cgroups that tasks of this pillion left."""
    cluster = f"label=com.amazonaws.ecs.cluster={pillion.cluster}"
    found = docker("ps", "-aq", "--filter", cluster).split()
    found += docker("network", "ls", "-q", "--filter", f"name={pillion.cluster}").split()
    for task_id in pillion.task_ids:
        label = f"label=dev.pillion.task={task_id}"
        found += docker("ps", "-aq", "--filter", label).split()
        found += docker("volume", "ls", "-q", "--filter", label).split()
        # os.walk goes on where a folder vanishes under it, as those of other containers do.
        for folder, names, _ in os.walk("/sys/fs/cgroup"):
            found += [f"{folder}/{name}" for name in names if task_id in name]
    return found
