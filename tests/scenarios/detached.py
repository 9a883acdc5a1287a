"""Tasks in the hands of a server: begun, looked at, and left when the server is killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pillion.control.claims import SERVER, find_claimant
from pillion.stores.output.changes import changes_of
from scenarios.running import PILLION, TIME_LIMIT_S, Pillion


class Detached:
    """pillion with a server of its own state folder."""

    def __init__(self, pillion: Pillion) -> None:
        self.pillion = pillion
        self.state = pillion.folder / "state"

    def __call__(self, *arguments: str) -> str:
        """Run a command that succeeds; return what it printed."""
        done = self.pillion.command(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr, self.log())
        return done.stdout

    def run(self, value: object, *arguments: str) -> str:
        """Begin a task; return its id."""
        path = str(self.pillion.write(value))
        task_id = self("run", "--detach", path, "--cluster", self.pillion.cluster, *arguments).strip()
        self.pillion.task_ids.append(task_id)
        return task_id

    def task(self, name: str) -> dict[str, Any]:
        """Describe a task."""
        found: dict[str, Any] = json.loads(self("describe", name))["tasks"][0]
        return found

    def container(self, task: str, name: str) -> dict[str, Any]:
        """Describe a container of a task."""
        found: dict[str, Any] = next(item for item in self.task(task)["containers"] if item["name"] == name)
        return found

    def until(self, task: str, **wanted: object) -> None:
        """Follow a task's events until one has all these members."""
        self._follow(("events", task), wanted)

    def until_said(self, task: str, *messages: str) -> None:
        """Follow a task's output from its beginning until these lines have come, one after the other."""
        self._follow(("logs", task), *({"message": message} for message in messages))

    def output(self, task: str, name: str) -> list[str]:
        """Return what a container wrote, as it is kept."""
        lines = self("logs", task, "--container", name, "--format", "json").splitlines()
        return [json.loads(line)["message"] for line in lines]

    def until_logged(self, text: str) -> None:
        """Wait until the server has printed a text."""
        path = self.state / "server.log"
        changes = changes_of(path)
        try:
            for _ in range(TIME_LIMIT_S):
                if text in self.log():
                    return
                changes.wait(1.0)
        finally:
            changes.close()
        raise AssertionError(f"the server never said {text!r}: {self.log()}")

    def log(self) -> str:
        """Return what the server printed."""
        path = self.state / "server.log"
        return path.read_text() if path.exists() else "the server printed nothing"

    def end_server(self, number: signal.Signals) -> None:
        """Send the server a signal, and wait until it is gone."""
        found = find_claimant(self.state, SERVER)
        assert found is not None, self.log()
        end_process(found.process_id, number)

    def end(self) -> None:
        """Stop everything that is left, and the server."""
        if (self.state / "journal.db").exists():
            self.pillion.command("stop", "--all", "--now")
        if find_claimant(self.state, SERVER) is not None:
            self.end_server(signal.SIGTERM)

    def _follow(self, command: tuple[str, str], *wanted: dict[str, Any]) -> None:
        left = list(wanted)
        with subprocess.Popen(
            [*PILLION, command[0], "-f", command[1], "--format", "json"],
            stdout=subprocess.PIPE,
            text=True,
            env=self.pillion.environment,
        ) as process:
            assert process.stdout is not None
            watchdog = threading.Timer(TIME_LIMIT_S, process.kill)
            watchdog.start()
            try:
                for text in process.stdout:
                    line = json.loads(text)
                    if all(line.get(key) == value for key, value in left[0].items()):
                        left.pop(0)
                    if not left:
                        return
            finally:
                watchdog.cancel()
                process.kill()
        raise AssertionError(f"{left} did not come from {command}: {self.log()}")


def end_process(process_id: int, number: signal.Signals) -> None:
    """Send a process that is not our child a signal, and wait until it is gone."""
    with ended(process_id):
        os.kill(process_id, number)


@contextmanager
def ended(process_id: int) -> Iterator[None]:
    """Wait, at the end of the context, until a process that is not our child is gone."""
    handle = os.pidfd_open(process_id)
    try:
        yield
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        assert poll.poll(TIME_LIMIT_S * 1000), f"process {process_id} does not end"
    finally:
        os.close(handle)


def free_of_times(shape: Any) -> Any:
    """Return a task without what is another in every run: times, ids, addresses."""
    if isinstance(shape, dict):
        return {
            key: free_of_times(value)
            for key, value in shape.items()
            if not key.endswith(("At", "Arn")) and key not in _OTHER_EACH_TIME
        }
    return [free_of_times(item) for item in shape] if isinstance(shape, list) else shape


_OTHER_EACH_TIME = ("runtimeId", "attachments", "networkInterfaces", "version")
