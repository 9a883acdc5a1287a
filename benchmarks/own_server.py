"""A `pillion serve` of a benchmark's own, with a state folder of its own and tasks of one small container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pillion.aws.settings import AwsMode, AwsSettings
from pillion.control.claims import SERVER, find_claimant
from pillion.control.client import ControlClient
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.preparing import prepare_task
from pillion.run_settings import AwsSource, RunSettings
from pillion.supervision.requests import encode_request

BUSYBOX = "pillion-local/busybox:1"
CLUSTER = "bench-server"
PAUSE_S = 0.02


class OwnServer:
    """Runs in `folder`; start it, kill it, start it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PILLION_STATE_DIR": str(folder)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; return when it answers."""
        reading, writing = os.pipe()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pillion", "serve", "--ready-fd", str(writing)],
                stderr=log,
                stdin=subprocess.DEVNULL,
                pass_fds=(writing,),
                env=self.environment,
            )
        os.close(writing)
        with os.fdopen(reading, "rb") as ready:
            ready.read()

    def end(self, number: signal.Signals) -> None:
        """End it with a signal."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    @property
    def client(self) -> ControlClient:
        """Who to ask."""
        found = find_claimant(self.folder, SERVER)
        assert found is not None, self.log()
        return ControlClient(found)

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "server.log").read_text()

    def wait_until_said(self, text: str, *, seconds: float) -> None:
        """Wait until it has printed a text."""
        self.wait_until_said_times(text, 1, seconds=seconds)

    def wait_until_said_times(self, text: str, times: int, *, seconds: float) -> None:
        """Wait until it has printed a text so often."""
        until_s = time.monotonic() + seconds
        while self.log().count(text) < times:
            assert time.monotonic() < until_s, f"it said {text!r} {self.log().count(text)} times"
            time.sleep(PAUSE_S)

    def begin(self, script: str, **members: Any) -> str:
        """Begin a task of one container; return its id."""
        document = {
            "family": "bench",
            "networkMode": "none",
            "containerDefinitions": [
                {
                    "name": "app",
                    "image": BUSYBOX,
                    "memory": 32,
                    "command": ["sh", "-c", script],
                    "stopTimeout": 2,
                    **members,
                }
            ],
        }
        definition = parse_task_definition(document).definition
        assert definition is not None
        prepared = prepare_task(definition, None, RunOptions(), cluster=CLUSTER)
        settings = RunSettings(
            state_folder=self.folder,
            aws=AwsSettings(mode=AwsMode.NONE),
            aws_source=AwsSource(folder=str(self.folder), endpoint="none"),
            keep_history_s=60.0,
        )
        return str(self.client.submit(encode_request(prepared, settings, source=None))["task_id"])

    # What the system says of its process.

    def memory_mib(self) -> float:
        """Resident memory."""
        return int(self._status("VmRSS").split()[0]) / 1024

    def descriptors(self) -> int:
        """Open files and sockets."""
        assert self.process is not None
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """Processor time so far, of the process and its threads."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> str:
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(name))


def left_of(label: str) -> list[str]:
    """Return the containers that are there with a label."""
    command = ["docker", "ps", "-aq", "--filter", f"label={label}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def remove_left() -> None:
    """Remove what a benchmark that broke off has left."""
    left = left_of(f"com.amazonaws.ecs.cluster={CLUSTER}")
    if left:
        subprocess.run(["docker", "rm", "-f", *left], capture_output=True, check=False)
