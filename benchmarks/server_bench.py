"""The server with many tasks: memory, idle processor time, how long a takeover takes, commands beside it."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.own_server import OwnServer, remove_left

SIZES = (1, 10, 100)
IDLE_S = 20.0
COMMANDS = 7
SERVE = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="pillion-bench-") as folder:
        server = OwnServer(Path(folder))
        try:
            _measure(server)
        finally:
            if server.process is not None and server.process.poll() is None:
                subprocess.run(
                    [sys.executable, "-m", "pillion", "stop", "--all", "--now"],
                    env=server.environment,
                    capture_output=True,
                    check=False,
                )
            server.end(signal.SIGTERM)
            remove_left()


def _measure(server: OwnServer) -> None:
    server.start()
    print(f"memory without a task: {server.memory_mib():.0f} MiB")
    begun = 0
    for size in SIZES:
        begins_s = time.monotonic()
        while begun < size:
            server.begin(SERVE)
            begun += 1
        server.wait_until_said_times("is RUNNING", size, seconds=180)
        took_s = time.monotonic() - begins_s
        print(
            f"memory with {size:3} tasks: {server.memory_mib():.0f} MiB, {server.descriptors()} descriptors"
            f" (started within {took_s:.1f} s)"
        )
    before_s = server.cpu_s()
    time.sleep(IDLE_S)
    share = (server.cpu_s() - before_s) / IDLE_S
    print(f"idle with {begun} containers: {share:.2%} of a core over {IDLE_S:.0f} s (goal: under 2 %)")
    for command in (("ps",), ("ps", "--format", "json"), ("describe",), ("--version",)):
        took_ms = _median_s(server, *command) * 1000
        print(f"pillion {' '.join(command):17}: {took_ms:.0f} ms, median of {COMMANDS}")
    server.end(signal.SIGKILL)
    begins_s = time.monotonic()
    server.start()
    answers_s = time.monotonic() - begins_s
    server.wait_until_said(f"{begun} tasks were taken over", seconds=120)
    print(
        f"after kill -9 with {begun} tasks: answers after {answers_s:.2f} s,"
        f" all taken over after {time.monotonic() - begins_s:.2f} s"
    )


def _median_s(server: OwnServer, *command: str) -> float:
    def once() -> float:
        begins_s = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "pillion", *command],
            env=server.environment,
            capture_output=True,
            check=True,
        )
        return time.monotonic() - begins_s

    return statistics.median(once() for _ in range(COMMANDS))


if __name__ == "__main__":
    main()
