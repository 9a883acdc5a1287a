"""`make soak`: a hundred tasks at once, churned for some minutes with faults at random; what is left?

Tasks end by themselves, are stopped, are killed, lose a container by force, and their server is killed and
started again. The seed is printed; PILLION_SOAK_SEED repeats it. Ends with 1 where something leaked.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks.own_server import CLUSTER, OwnServer, left_of, remove_left

from pillion.ports.control import ControlError

TASKS = int(os.environ.get("PILLION_SOAK_TASKS", "100"))
MINUTES = float(os.environ.get("PILLION_SOAK_MINUTES", "3"))
KILLS = 4
"""How often the server is killed in that time."""

GROWTH_MIB_MAX = 30.0
"""What the server may have grown by between its first full house and its last; allocators keep some."""

DESCRIPTORS_MAX = 60
REST_S = 40.0
"""Descriptors that a server without tasks may have open, and how long it has to come to rest."""

SCRIPTS = (
    "trap 'exit 0' TERM; while :; do echo tick; sleep 1; done",
    "sleep $((RANDOM % 20 + 5)); exit 0",
    "sleep 3; echo done; exit 7",
    "while :; do sleep 1; done",
)


def main() -> int:
    """Churn; return the exit code."""
    seed = int(os.environ.get("PILLION_SOAK_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}: {TASKS} tasks for {MINUTES:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="pillion-soak-") as folder:
        server = OwnServer(Path(folder))
        try:
            return _report(server, _churn(server, random.Random(seed)))
        finally:
            server.end(signal.SIGTERM)
            remove_left()


def _churn(server: OwnServer, chance: random.Random) -> list[str]:
    """Let it go on; return what leaked."""
    server.start()
    running: list[str] = []
    done: Counter[str] = Counter()
    full_house: list[tuple[float, int]] = []
    begins_s = time.monotonic()
    kills_at_s = [begins_s + MINUTES * 60 * (number + 1) / (KILLS + 1) for number in range(KILLS)]
    while time.monotonic() < begins_s + MINUTES * 60:
        if kills_at_s and time.monotonic() > kills_at_s[0]:
            kills_at_s.pop(0)
            server.end(signal.SIGKILL)
            server.start()
            done["servers killed"] += 1
        running = [task for task in running if task in set(server.client.about()["tasks"])]
        if len(running) < TASKS:
            running.append(server.begin(chance.choice(SCRIPTS), essential=True))
            done["tasks begun"] += 1
        else:
            full_house.append((server.memory_mib(), server.descriptors()))
        if len(running) > TASKS // 2:
            _harm(server, chance, chance.choice(running), done)
    stop = [sys.executable, "-m", "pillion", "stop", "--all"]
    subprocess.run(stop, env=server.environment, check=False)
    print(", ".join(f"{count} {what}" for what, count in done.items()), flush=True)
    return _leaks(server, full_house)


def _harm(server: OwnServer, chance: random.Random, task: str, done: Counter[str]) -> None:
    match chance.choice(("stop", "kill", "remove", "pause", "nothing", "nothing")):
        case "stop":
            with suppress(ControlError):
                server.client.stop(task, "churned")
                done["stopped"] += 1
        case "kill":
            with suppress(ControlError):
                server.client.kill(task)
                done["killed"] += 1
        case "remove":
            for container in left_of(f"dev.pillion.task={task}"):
                subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=False)
                done["removed by force"] += 1
        case "pause":
            for container in left_of(f"dev.pillion.task={task}"):
                subprocess.run(["docker", "pause", container], capture_output=True, check=False)
                done["frozen"] += 1
        case _:
            pass


def _leaks(server: OwnServer, full_house: list[tuple[float, int]]) -> list[str]:
    found = []
    left = left_of(f"com.amazonaws.ecs.cluster={CLUSTER}")
    if left:
        found += [f"a container is left: {_told_of(server, container)}" for container in left]
    if server.client.about()["tasks"]:
        found.append(f"tasks are still supervised: {server.client.about()['tasks']}")
    descriptors = _descriptors_at_rest(server)
    if len(full_house) > 1:
        (first_mib, first_fds), (last_mib, last_fds) = full_house[0], full_house[-1]
        print(
            f"at full house: {first_mib:.0f} MiB and {first_fds} descriptors first, {last_mib:.0f} MiB and"
            f" {last_fds} last; at rest: {server.memory_mib():.0f} MiB and {descriptors}",
            flush=True,
        )
        if last_mib - first_mib > GROWTH_MIB_MAX:
            found.append(f"memory grew by {last_mib - first_mib:.0f} MiB")
    if descriptors > DESCRIPTORS_MAX:
        found.append(f"{descriptors} descriptors are open without a task")
    if "Traceback" in server.log():
        found.append(f"the server complained: {server.log()[-3000:]}")
    return found


def _descriptors_at_rest(server: OwnServer) -> int:
    """Return how many descriptors stay open; connections to the engine are kept for a few seconds."""
    until_s = time.monotonic() + REST_S
    while server.descriptors() > DESCRIPTORS_MAX and time.monotonic() < until_s:
        time.sleep(0.5)
    return server.descriptors()


def _told_of(server: OwnServer, container: str) -> str:
    """Return what the engine and the server say of a container that was left."""
    form = '{{.Name}} {{.State.Status}} created {{.Created}} {{index .Config.Labels "dev.pillion.task"}}'
    told = subprocess.run(
        ["docker", "inspect", "-f", form, container], capture_output=True, text=True, check=True
    ).stdout.strip()
    task = told.rpartition(" ")[2]
    lines = [line for line in server.log().splitlines() if task[:8] in line or "serves tasks" in line]
    return "\n  ".join([told, *lines])


def _report(server: OwnServer, leaks: list[str]) -> int:
    del server
    for leak in leaks:
        print(f"LEAK: {leak}")
    print("nothing is left" if not leaks else f"{len(leaks)} leaks")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
