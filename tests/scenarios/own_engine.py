"""A Docker Engine of a test's own, beside the machine's: one that can be ended, killed and started again.

It runs in a network namespace of its own: a daemon without a bridge removes the one that it finds. Its
containers have no network, which is all that such a test needs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from scenarios.detached import end_process
from scenarios.running import BUSYBOX

START_TRIES = 200


def missing() -> str | None:
    """Return why there can be no engine of our own here, if so."""
    for program in ("dockerd", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None if os.geteuid() == 0 else "an engine of its own needs root"


class OwnEngine:
    """Started in a folder of its own; `remove` takes everything away."""

    def __init__(self, folder: Path, *, live_restore: bool) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/sock"
        self._live_restore = live_restore
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon; return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = [
            *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
            *("--pidfile", str(self.folder / "pid"), "--host", self.host),
            *("--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs"),
            *(("--live-restore",) if self._live_restore else ()),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "dockerd", *arguments], stdout=log, stderr=log
            )
        for _ in range(START_TRIES):
            # The daemon's own client waits a moment for a socket that is not there yet.
            if self.docker("version", check=False).returncode == 0:
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        raise AssertionError("dockerd does not answer")

    def load(self, image: str = BUSYBOX) -> None:
        """Give it an image of the machine's own engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            command = ["docker", "-H", self.host, "load"]
            subprocess.run(command, stdin=saved.stdout, check=True, capture_output=True)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon with a signal; return when it is gone."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Ask it as a person does."""
        return subprocess.run(
            ["docker", "-H", self.host, *arguments], capture_output=True, text=True, check=check
        )

    def remove(self) -> None:
        """End everything that it started, and remove what it left."""
        if self._process is not None and self._process.poll() is None:
            left = self.docker("ps", "-aq", check=False).stdout.split()
            if left:
                self.docker("rm", "-f", *left, check=False)
            self.end()
        containerd = self.folder / "exec" / "containerd" / "containerd.pid"
        process_id = containerd.read_text().strip() if containerd.exists() else ""
        if process_id and Path(f"/proc/{process_id}").exists():
            end_process(int(process_id), signal.SIGKILL)
        for line in Path("/proc/mounts").read_text().splitlines():
            place = line.split()[1]
            if place.startswith(str(self.folder)):
                subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
