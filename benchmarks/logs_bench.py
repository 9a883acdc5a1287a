"""How fast a container's output reaches CloudWatch Logs, and how much of it, beside `docker logs`.

Run by `make bench`. One container writes short lines as fast as it can; in one run on one machine:

1. `docker logs` of that container: followed while it writes, and read afterwards. That is the limit.
2. The driver awslogs, in both of its modes. Goal: 50,000 lines a second or the speed of `docker logs`,
   whichever is lower, and none lost.
3. FireLens with the stand-in for the router's image: with Docker's synchronous driver, and with the
   asynchronous one, which is ECS's own way and throws away what is queued when a container exits in a burst.
4. What it costs to keep the output for `pillion logs`, against only reading it. Goal: under a quarter.
5. What local AWS costs the start of a task that does not need it. Goal: nothing.

What arrived is counted in CloudWatch Logs itself, which is the embedded local AWS; a line that came twice
counts once. A rate is lines that arrived, from Docker's stamp on the first line to the last event's ingestion
as CloudWatch tells it; so the speed of the container and the batches of the router are part of it.

Needs a Docker Engine and the images pillion-local/busybox:1 and pillion-local/router-standin:1. Leaves
nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pillion.app import TaskControl, docker_engine, run_task
from pillion.aws.clients import EMULATOR_KEYS, AwsClients
from pillion.aws.local.process import LocalAws
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.core.lifecycle import commands as cmd
from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.model import Notice
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.ports.aws import AwsCallError
from pillion.ports.engine import LogLine
from pillion.preparing import PreparedTask, prepare_task
from pillion.run_settings import RunSettings
from pillion.runtime.observer import SilentObserver
from pillion.stores.output.files import output_path, remove_output
from pillion.stores.output.writer import OutputWriter

IMAGE = "pillion-local/busybox:1"
ROUTER_IMAGE = "pillion-local/router-standin:1"
REGION = "eu-west-1"
GROUP = "/bench"
LINES = 200_000
FIRELENS_LINES = 50_000
"""Fewer: the stand-in is no Fluent Bit, and its speed is not what is measured."""
GOAL_PER_SECOND = 50_000
KEEPING_ROUNDS = 5
START_PAIRS = 25
RUN_TIMEOUT_S = 60.0


class Watcher(SilentObserver):
    """Notes when the task ran, when the app wrote its first line, and what went wrong."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.running_at = 0.0
        self.first_line_s = 0.0
        self.said: list[str] = []

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        if isinstance(report, cmd.ReportTask) and report.last_status == "RUNNING":
            self.running_at = time.perf_counter()
            self.running.set()

    def log(self, line: LogLine) -> None:
        if not self.first_line_s and line.container == "app":
            self.first_line_s = line.at_s

    def notice(self, notice: Notice) -> None:
        if notice.code in ("log-loss", "no-tls", "no-endpoints"):
            self.said.append(notice.text)

    def trouble(self, text: str) -> None:
        self.said.append(text)


def prepare(*containers: Mapping[str, Any]) -> PreparedTask:
    value = {
        "family": "logs-bench",
        "networkMode": "awsvpc",
        "taskRoleArn": "arn:aws:iam::123456789012:role/bench",  # the router's credentials
        "containerDefinitions": list(containers),
    }
    result = parse_task_definition(value)
    assert result.definition is not None, result
    return prepare_task(result.definition, None, RunOptions(), cluster="default")


def app(script: str, log: Mapping[str, Any] | None = None) -> dict[str, Any]:
    value = {"name": "app", "image": IMAGE, "memory": 64, "command": ["sh", "-c", script]}
    return value if log is None else {**value, "logConfiguration": log}


def awslogs(prefix: str, **options: str) -> dict[str, Any]:
    required = {"awslogs-group": GROUP, "awslogs-region": REGION, "awslogs-create-group": "true"}
    return {"logDriver": "awslogs", "options": {**required, "awslogs-stream-prefix": prefix, **options}}


def firelens(prefix: str) -> dict[str, Any]:
    options = {
        "Name": "cloudwatch_logs",
        "region": REGION,
        "log_group_name": GROUP,
        "auto_create_group": "true",
    }
    return {"logDriver": "awsfirelens", "options": {**options, "log_stream_prefix": f"{prefix}-"}}


async def run(
    prepared: PreparedTask, settings: RunSettings, watcher: Watcher, control: TaskControl | None = None
) -> None:
    async with asyncio.timeout(RUN_TIMEOUT_S):
        await run_task(
            prepared,
            settings,
            engine=docker_engine(settings.state_folder),
            observe=lambda notices, capabilities: watcher,
            control=control,
        )


async def arrived(clients: AwsClients, prefix: str) -> tuple[int, float]:
    """Count the different lines in the streams that begin so; return when the last one came, too."""
    found = await clients.call(
        "logs", "describe_log_streams", region=REGION, logGroupName=GROUP, logStreamNamePrefix=prefix
    )
    seen: set[str] = set()
    last_ms = 0
    for stream in found["logStreams"]:
        token: dict[str, str] = {}
        while True:
            page = await clients.call(
                "logs",
                "get_log_events",
                region=REGION,
                logGroupName=GROUP,
                logStreamName=stream["logStreamName"],
                limit=10_000,
                startFromHead=True,
                **token,
            )
            if not page["events"]:
                break
            seen.update(event["message"] for event in page["events"])
            last_ms = max(last_ms, *(event["ingestionTime"] for event in page["events"]))
            token = {"nextToken": page["nextForwardToken"]}
    return len(seen), last_ms / 1000


def docker_logs() -> float:
    """Print how fast Docker itself gives the output away; return lines a second, read afterwards."""
    name = f"pillion-logs-bench-{os.getpid()}"
    try:
        create = ["docker", "create", "--name", name, IMAGE, "seq", "1", str(LINES)]
        subprocess.run(create, check=True, capture_output=True)
        began = time.perf_counter()
        subprocess.run(["docker", "start", name], check=True, capture_output=True)
        follow = subprocess.run(["docker", "logs", "-f", "-t", name], check=True, capture_output=True)
        live_s = time.perf_counter() - began
        times = []
        for _ in range(3):
            began = time.perf_counter()
            read = subprocess.run(["docker", "logs", "-t", name], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
    limit = LINES / statistics.median(times)
    followed = follow.stdout.count(b"\n")
    assert read.stdout.count(b"\n") == LINES
    print(
        f"docker logs: {limit:,.0f} lines/s read afterwards; {followed / live_s:,.0f} lines/s followed "
        f"from the container's start, of which it did not give {LINES - followed:,}"
    )
    return limit


async def through_awslogs(
    settings: RunSettings, clients: AwsClients, *, mode: str | None, limit_per_second: float
) -> None:
    prefix = mode or "default"
    log = awslogs(prefix, **({"mode": mode} if mode else {}))
    watcher = Watcher()
    await run(prepare(app(f"seq 1 {LINES}", log)), settings, watcher)
    count, last_s = await arrived(clients, prefix)
    rate = count / (last_s - watcher.first_line_s)
    goal = min(GOAL_PER_SECOND, limit_per_second)
    met = rate >= goal and count == LINES
    print(
        f"awslogs, mode {prefix}: {rate:,.0f} lines/s, {count:,} of {LINES:,} arrived, "
        f"{LINES - count:,} lost (goal: {goal:,.0f} lines/s, none lost: {'met' if met else 'NOT met'})"
    )
    tell(watcher)


async def through_firelens(
    settings: RunSettings, clients: AwsClients, *, name: str, stays_s: int, promise: str
) -> None:
    router = {
        "name": "log_router",
        "image": ROUTER_IMAGE,
        "memory": 256,
        "user": "0",
        "firelensConfiguration": {"type": "fluentbit"},
    }
    # The router takes a moment to listen after its start; what comes before is another loss than this one.
    script = f"sleep 2; seq 1 {FIRELENS_LINES}; sleep {stays_s}"
    watcher = Watcher()
    await run(prepare(router, app(script, firelens(name))), settings, watcher)
    try:
        count, last_s = await arrived(clients, f"{name}-")
    except AwsCallError:
        count, last_s = 0, 0.0  # not even the group is there
    rate = f"{count / (last_s - watcher.first_line_s):,.0f} lines/s, " if count else ""
    mode = "async" if settings.firelens_asynchronous else "sync"
    end = f"exit {stays_s} s after the last line" if stays_s else "exit with the last line"
    print(
        f"firelens (stand-in router), {mode}, {end}: {rate}{count:,} of {FIRELENS_LINES:,} arrived, "
        f"{FIRELENS_LINES - count:,} lost ({promise})"
    )
    tell(watcher)


async def cost_of_keeping(folder: Path) -> None:
    """Read the output of a container that has ended, with and without keeping it, in turns."""
    engine = docker_engine(folder)
    task = engine.open(prepare(app(f"seq 1 {LINES}")).plan)
    times: dict[bool, list[float]] = {False: [], True: []}
    try:
        for name in (item.name for item in task.plan.containers):
            await task.resolve_manifest(name)
            await task.pull(name, lambda: None, lambda progress: None)
            await task.create(name, {})
            await task.start(name, restart=False)
        async for _ in task.logs("app"):
            pass  # until it has ended
        for number in range(2 * KEEPING_ROUNDS):
            is_kept = bool(number % 2)
            writer = OutputWriter(folder, f"bench-{number}", trouble=print)
            count = 0
            began = time.process_time()
            async for line in task.logs("app"):
                count += 1
                if is_kept:
                    writer.add(line)
            writer.close()
            times[is_kept].append(time.process_time() - began)
            assert count == LINES
            kept = output_path(folder, f"bench-{number}").read_bytes().count(b'"stream"')
            assert kept == (LINES if is_kept else 0), kept
            remove_output(folder, f"bench-{number}")
    finally:
        await task.clean_up(keep=False)
        await engine.close()
    read_s, kept_s = statistics.median(times[False]), statistics.median(times[True])
    print(
        f"output read through pillion: {LINES / read_s:,.0f} lines a second of CPU; read and kept for "
        f"`pillion logs`: {LINES / kept_s:,.0f}, {(kept_s - read_s) / LINES * 1e6:.1f} us a line more, "
        f"ratio {kept_s / read_s:.2f} (goal: under 1.25: {'met' if kept_s < 1.25 * read_s else 'NOT met'})"
    )


def tell(watcher: Watcher) -> None:
    for text in watcher.said:
        print(f"  pillion said: {text}")


async def cost_on_start(folder: Path) -> None:
    sleeper = {"name": "app", "image": IMAGE, "memory": 64, "command": ["sleep", "600"]}

    async def start_ms(mode: AwsMode) -> float:
        watcher, control = Watcher(), TaskControl()
        settings = RunSettings(state_folder=folder, aws=AwsSettings(mode=mode, region=REGION))
        began = time.perf_counter()
        job = asyncio.create_task(run(prepare(sleeper), settings, watcher, control))
        wait = asyncio.create_task(watcher.running.wait())
        await asyncio.wait({job, wait}, return_when="FIRST_COMPLETED")
        control.kill()
        await job
        wait.cancel()
        return (watcher.running_at - began) * 1000

    await start_ms(AwsMode.LOCAL)  # imports
    # Pairs of runs side by side in time, in turns the first: what else the machine does meanwhile
    # moves both, and falls out of their difference.
    without: list[float] = []
    differences: list[float] = []
    for number in range(START_PAIRS):
        order = (AwsMode.NONE, AwsMode.LOCAL) if number % 2 else (AwsMode.LOCAL, AwsMode.NONE)
        found = {mode: await start_ms(mode) for mode in order}
        without.append(found[AwsMode.NONE])
        differences.append(found[AwsMode.LOCAL] - found[AwsMode.NONE])
    low, middle, high = statistics.quantiles(differences, n=4)
    print(
        f"start to RUNNING of a task that needs no AWS: --aws none {statistics.median(without):.0f} ms, "
        f"--aws local {middle:+.1f} ms (goal: none), median of {START_PAIRS} pairs; "
        f"half of them lie between {low:+.1f} and {high:+.1f} ms"
    )


async def measure(folder: Path) -> None:
    limit_per_second = docker_logs()
    server = LocalAws()
    try:
        url = await server.url()
        # One server for all runs, so that what arrived can be counted when they are over.
        aws = AwsSettings(mode=AwsMode.URL, url=url, region=REGION)
        settings = RunSettings(state_folder=folder, aws=aws)

        async def endpoint() -> str:
            return url

        clients = AwsClients(region=REGION, endpoint=endpoint, keys=EMULATOR_KEYS)
        for mode in ("blocking", None):
            await through_awslogs(settings, clients, mode=mode, limit_per_second=limit_per_second)
        for asynchronous, stays_s, promise in (
            (False, 0, "goal: none lost"),
            (True, 3, "goal: none lost"),
            (True, 0, "ECS's own way, which loses here"),
        ):
            name = f"firelens{asynchronous:d}{stays_s}"
            own = replace(settings, firelens_asynchronous=asynchronous)
            await through_firelens(own, clients, name=name, stays_s=stays_s, promise=promise)
    finally:
        await server.close()
    await cost_of_keeping(folder)
    await cost_on_start(folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as text:
        asyncio.run(measure(Path(text)))


if __name__ == "__main__":
    main()
