"""How long a task takes to run, against the limit and against a peer, in one run on one machine.

1. From start to all containers running: pillion against the bare Docker API calls of the same graph.
2. The same services with docker-compose, whole commands, one of them waited for by health; beside them the
   bare API calls of our graph, which no command can be quicker than.
3. From a dependency's exit, as Docker stamps it, to the dependant's start call.
4. Fifty tasks of three containers in one process.
5. Memory of one `pillion run`; cold start of `pillion --version` against bare Python.

Needs a Docker Engine and the image pillion-local/busybox:1. Leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp

from pillion.app import RunOutcome, TaskControl, docker_engine, run_task
from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.engines.docker.hearing import Hearing
from pillion.engines.docker.task import DockerTask
from pillion.engines.docker.watch import Seen, Sighting
from pillion.preparing import PreparedTask, prepare_task
from pillion.run_settings import RunSettings
from pillion.runtime.observer import SilentObserver

IMAGE = "pillion-local/busybox:1"
SOCKET = "/var/run/docker.sock"
ROUNDS = 15
COMPOSE_ROUNDS = 11
TASKS = 50
COMMAND = str(Path(sys.executable).with_name("pillion"))
"""The command as pip installs it, which is what a user runs."""

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


def definition(wait: str | None = None) -> dict[str, Any]:
    web: dict[str, Any] = {"name": "web", "image": IMAGE, "memory": 64, "command": SLEEP}
    init = {"name": "init", "image": IMAGE, "memory": 64, "essential": False, "command": ["true"]}
    side: dict[str, Any] = {"name": "side", "image": IMAGE, "memory": 64, "command": SLEEP}
    if wait:
        side["healthCheck"] = {"command": ["CMD-SHELL", "true"], "interval": 1, "timeout": 1}
        web["dependsOn"] = [{"containerName": "side", "condition": wait}]
        init["command"] = SLEEP
    else:
        edge = [{"containerName": "init", "condition": "SUCCESS"}]
        web["dependsOn"] = side["dependsOn"] = edge
    return {"family": "bench", "networkMode": "awsvpc", "containerDefinitions": [init, side, web]}


class StopWhenRunning(SilentObserver):
    """Notes when the task is RUNNING."""

    def __init__(self) -> None:
        self.running_at: float | None = None
        self.running = asyncio.Event()

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        if isinstance(report, cmd.ReportTask) and report.last_status == "RUNNING":
            self.running_at = time.perf_counter()
            self.running.set()


def launch(
    prepared: PreparedTask, observer: StopWhenRunning, control: TaskControl, state_folder: Path
) -> asyncio.Task[RunOutcome]:
    """Begin to run a task on an engine connection of its own, as a command does."""
    return asyncio.create_task(
        run_task(
            prepared,
            RunSettings(state_folder=state_folder),
            engine=docker_engine(state_folder),
            observe=lambda notices, capabilities: observer,
            control=control,
        )
    )


async def pillion_once(state_folder: Path) -> float:
    result = parse_task_definition(definition())
    assert result.definition is not None
    observer = StopWhenRunning()
    begin = time.perf_counter()
    prepared = prepare_task(result.definition, None, RunOptions(), cluster="default")
    control = TaskControl()
    job = launch(prepared, observer, control, state_folder)
    await asyncio.wait({job, asyncio.create_task(observer.running.wait())}, return_when="FIRST_COMPLETED")
    control.kill()
    await job
    assert observer.running_at is not None
    return observer.running_at - begin


class Bare:
    """Nothing but API calls, in a network of its own."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._made: list[str] = []
        self.joined: Mapping[str, Any] = {}

    async def call(self, path: str, body: Mapping[str, Any] | None = None, *, method: str = "POST") -> Any:
        async with self._session.request(method, f"http://docker/v1.41{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status < 400, text
            return json.loads(text) if text else None

    async def up(self, name: str, command: list[str], host: Mapping[str, Any], **more: Any) -> str:
        body = {"Image": IMAGE, "Cmd": command, "HostConfig": host, **more}
        made = str((await self.call(f"/containers/create?name=bench-{name}", body))["Id"])
        self._made.append(made)
        await self.call(f"/containers/{made}/start")
        return made

    async def network(self) -> None:
        """Make the network and the container that holds the namespace which the others join."""
        await self.call("/networks/create", {"Name": "pillion-bench"})
        pause = await self.up("pause", SLEEP, {"NetworkMode": "pillion-bench"})
        self.joined = {"NetworkMode": f"container:{pause}", "Memory": 64 * 1024 * 1024}

    async def remove(self) -> None:
        for made in reversed(self._made):
            await self.call(f"/containers/{made}?force=1", method="DELETE")
        await self.call("/networks/pillion-bench", method="DELETE")


async def bare_once(session: aiohttp.ClientSession) -> float:
    """The graph of `definition()`, its network included, with nothing but the API calls that it takes."""
    bare = Bare(session)
    begin = time.perf_counter()
    await bare.network()
    init = await bare.up("init", ["true"], bare.joined)
    await bare.call(f"/containers/{init}/wait")
    await asyncio.gather(bare.up("web", SLEEP, bare.joined), bare.up("side", SLEEP, bare.joined))
    elapsed = time.perf_counter() - begin
    await bare.remove()
    return elapsed


async def bare_with_edge(edge: str) -> float:
    """The graph of `definition(wait=edge)` likewise: web waits for side, to start or to be healthy."""
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(SOCKET)) as session:
        bare = Bare(session)
        probe = {"Test": ["CMD-SHELL", "true"], "Interval": 10**9, "Timeout": 10**9}

        async def chain() -> None:
            side = await bare.up("side", SLEEP, bare.joined, Healthcheck=probe)
            if edge == "HEALTHY":
                await healthy(session, side)
            await bare.up("web", SLEEP, bare.joined)

        begin = time.perf_counter()
        await bare.network()
        await asyncio.gather(bare.up("init", SLEEP, bare.joined), chain())
        elapsed = time.perf_counter() - begin
        await bare.remove()
        return elapsed


async def healthy(session: aiohttp.ClientSession, container: str) -> None:
    """Wait for Docker to tell that a container is healthy; it may have done so already."""
    wanted = json.dumps({"container": [container], "event": ["health_status: healthy"]})
    parameters = {"filters": wanted, "since": str(int(time.time()) - 5)}
    async with session.get("http://docker/v1.41/events", params=parameters) as answer:
        await answer.content.readline()


async def against_bare(state_folder: Path) -> None:
    connector = aiohttp.UnixConnector(SOCKET)
    async with aiohttp.ClientSession(connector=connector) as session:
        ours, bare = [], []
        for _ in range(ROUNDS):
            bare.append(await bare_once(session))
            ours.append(await pillion_once(state_folder))
    mine, limit = statistics.median(ours), statistics.median(bare)
    print(
        f"start to all running: pillion {mine * 1000:.0f} ms, bare API calls {limit * 1000:.0f} ms, "
        f"ratio {mine / limit:.2f} (goal 1.10), medians of {ROUNDS}"
    )


COMPOSE = """
version: "2.4"
services:
  init: {image: IMAGE, command: COMMAND, mem_limit: 64m}
  side:
    image: IMAGE
    command: COMMAND
    mem_limit: 64m
    healthcheck: {test: ["CMD-SHELL", "true"], interval: 1s, timeout: 1s}
  web:
    image: IMAGE
    command: COMMAND
    mem_limit: 64m
    depends_on: {side: {condition: CONDITION}}
  pause: {image: IMAGE, command: COMMAND}
"""


def against_compose(folder: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        print("docker-compose: not installed (Debian's package docker-compose); left out")
        return
    for words, condition, edge in (
        ("no waiting", "service_started", "START"),
        ("one service waited for by health (interval 1 s)", "service_healthy", "HEALTHY"),
    ):
        file = folder / "docker-compose.yml"
        text = COMPOSE.replace("IMAGE", IMAGE).replace("COMMAND", json.dumps(SLEEP))
        file.write_text(text.replace("CONDITION", condition))
        task = folder / "task.json"
        task.write_text(json.dumps(definition(wait=edge)))
        theirs, ours, bare = [], [], []
        for _ in range(COMPOSE_ROUNDS):
            base = [program, "-p", "pillionbench", "-f", str(file)]
            begin = time.perf_counter()
            subprocess.run([*base, "up", "-d"], check=True, capture_output=True)
            theirs.append(time.perf_counter() - begin)
            subprocess.run([*base, "down", "-t", "0"], check=True, capture_output=True)
            ours.append(command_once(task))
            bare.append(asyncio.run(bare_with_edge(edge)))
        mine, peer, limit = statistics.median(ours), statistics.median(theirs), statistics.median(bare)
        print(
            f"whole command, {words}: pillion {mine:.2f} s, docker-compose {peer:.2f} s, "
            f"ratio {mine / peer:.2f} (goal 0.50), medians of {COMPOSE_ROUNDS}; "
            f"the bare API calls take {limit:.2f} s, ratio {limit / peer:.2f}"
        )


def command_once(task: Path, when_running: Callable[[int], None] = lambda pid: None) -> float:
    """Return how long the whole command takes to say that the task is RUNNING; then interrupt it."""
    elapsed = 0.0
    begin = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [COMMAND, "run", str(task), "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=errors,  # it notes that AWS would refuse an interval of one second
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "task" and event["lastStatus"] == "RUNNING":
                elapsed = time.perf_counter() - begin
                when_running(process.pid)
                process.send_signal(2)
        if not elapsed:
            errors.seek(0)
            raise RuntimeError(errors.read())
    return elapsed


async def exit_to_start(state_folder: Path) -> None:
    """From the exit of a dependency to the dependant's start call, by both of Docker's stamps.

    FinishedAt is when the process ended; the `die` event is stamped when Docker has taken note of it and
    tells. What lies between is Docker's own time, and is printed beside.
    """
    calls: dict[str, float] = {}
    creates: dict[str, float] = {}
    told: dict[str, float] = {}
    real_create, real_start, real_saw = DockerTask.create, DockerTask.start, Hearing.saw

    async def create(self: DockerTask, container: str, *rest: Any, **more: Any) -> Any:
        creates[container] = time.time()
        return await real_create(self, container, *rest, **more)

    async def start(self: DockerTask, container: str, *, restart: bool) -> float:
        calls[container] = time.time()
        return await real_start(self, container, restart=restart)

    def saw(self: Hearing, sighting: Sighting) -> None:
        if sighting.kind is Seen.DIE:
            told[sighting.container] = sighting.at_s
        real_saw(self, sighting)

    by_event, by_process, asked = [], [], []
    with (
        mock.patch.object(DockerTask, "create", create),
        mock.patch.object(DockerTask, "start", start),
        mock.patch.object(Hearing, "saw", saw),
    ):
        for _ in range(ROUNDS):
            finished = await one_exit(state_folder)
            by_process.append(calls["web"] - finished)
            by_event.append(calls["web"] - told["init"])
            asked.append(creates["web"] - told["init"])
    event_ms, process_ms = statistics.median(by_event) * 1000, statistics.median(by_process) * 1000
    print(
        f"exit of a dependency to the dependant's start call: {event_ms:.1f} ms after Docker's die event "
        f"(worst {max(by_event) * 1000:.1f}), {process_ms:.1f} ms after FinishedAt, medians of {ROUNDS} "
        f"(goal: median under 10 ms); creation is asked for after {statistics.median(asked) * 1000:.1f} ms"
    )


async def one_exit(state_folder: Path) -> float:
    """Run the task until web runs; return init's FinishedAt in POSIX seconds."""
    result = parse_task_definition(definition())
    assert result.definition is not None
    observer = StopWhenRunning()
    prepared = prepare_task(result.definition, None, RunOptions(), cluster="default")
    control = TaskControl()
    job = launch(prepared, observer, control, state_folder)
    await observer.running.wait()
    name = prepared.plan.container("init").engine_name
    text = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.FinishedAt}}", name], capture_output=True, text=True, check=True
    ).stdout.strip()
    control.kill()
    await job
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


async def many_tasks(state_folder: Path) -> None:
    value = {
        "family": "many",
        "networkMode": "awsvpc",
        "containerDefinitions": [
            {"name": f"c{number}", "image": IMAGE, "memory": 32, "command": SLEEP} for number in range(3)
        ],
    }
    result = parse_task_definition(value)
    assert result.definition is not None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    observers = [StopWhenRunning() for _ in range(TASKS)]
    controls = [TaskControl() for _ in range(TASKS)]
    begin = time.perf_counter()
    jobs = [
        launch(prepare_task(result.definition, None, RunOptions(), cluster="default"), *pair, state_folder)
        for pair in zip(observers, controls, strict=True)
    ]
    waits = [asyncio.create_task(observer.running.wait()) for observer in observers]
    for wait, job in zip(waits, jobs, strict=True):
        await asyncio.wait({wait, job}, return_when="FIRST_COMPLETED")
        assert wait.done(), job.result()
    up_s = time.perf_counter() - begin
    for control in controls:
        control.stop()
    await asyncio.gather(*jobs)
    down_s = time.perf_counter() - begin - up_s
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{TASKS} tasks of 3 containers in one process: all running after {up_s:.1f} s, "
        f"stopped after another {down_s:.1f} s, {grown / 1024:.0f} MiB more than before"
    )


def memory_of_one_run(folder: Path) -> None:
    task = folder / "task.json"
    task.write_text(json.dumps(definition()))

    def look(pid: int) -> None:
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(part for part in status.splitlines() if part.startswith("VmRSS"))
        print(f"memory of one `pillion run`: {int(resident.split()[1]) / 1024:.0f} MiB resident")

    command_once(task, look)


def cold_start() -> None:
    def median_of(arguments: list[str]) -> float:
        times = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    bare, ours = median_of(["-c", "pass"]), median_of(["-m", "pillion", "--version"])
    print(
        f"cold start of `pillion --version`: {ours * 1000:.0f} ms, bare Python {bare * 1000:.0f} ms, "
        f"{(ours - bare) * 1000:.0f} ms above (goal: under 100)"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ["PILLION_STATE_DIR"] = str(folder / "state")
        cold_start()
        asyncio.run(against_bare(folder / "state"))
        against_compose(folder)
        asyncio.run(exit_to_start(folder / "state"))
        memory_of_one_run(folder)
        asyncio.run(many_tasks(folder / "state"))


if __name__ == "__main__":
    main()
