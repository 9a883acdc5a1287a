"""The generated configuration, untouched, in the stand-in router on a real engine.

The router reaches local CloudWatch Logs by AWS's own host name over TLS, with pillion's CA under its hashed
name: the way of the real Fluent Bit, which speaks nothing else.
"""

import asyncio
import fcntl
import ipaddress
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from pillion.aws.backend import AwsBackend
from pillion.aws.gateway import TLS_PORT, gateway_runner
from pillion.aws.log_counts import report_firelens
from pillion.aws.router_files import remove_router_files, write_router_files
from pillion.aws.settings import AwsSettings
from pillion.aws.tls import Authority, host_names, open_authority, server_context
from pillion.core.plan.model import NetworkMode
from pillion.ports.aws import Reading
from pillion.sidecars.firelens.plan import FirelensPlan, FirelensSettings, plan_firelens
from sidecars.firelens.definitions import CLOUDWATCH, IDENTITY, app, router, task

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROUTER = "pillion-local/router-standin:1"
APP = "pillion-local/busybox:1"
REGION = "eu-west-1"
PATIENCE_S = 30.0


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def bridge_address() -> str:
    """The host as containers see it; where AWS's names lead in this test."""
    found_docker = shutil.which("docker")
    version = [found_docker or "", "version"]
    if found_docker is None or subprocess.run(version, check=False, capture_output=True).returncode:
        pytest.skip("no Docker engine answers")
    if os.geteuid() != 0:
        pytest.skip("listening on port 443 needs root")
    found = json.loads(docker("network", "inspect", "bridge"))
    config = found[0]["IPAM"]["Config"][0]
    return str(config.get("Gateway") or ipaddress.ip_network(config["Subnet"])[1])


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[FirelensPlan]:
    definition = task(router(memory=128), app(**CLOUDWATCH, **{"exclude-pattern": "health"}))
    settings = FirelensSettings(folder=str(tmp_path / "fl"), asynchronous=False)
    made = plan_firelens(definition, IDENTITY, NetworkMode.AWSVPC, settings)
    assert made is not None
    write_router_files(made, None)
    yield made
    remove_router_files(made)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return open_authority(tmp_path / "tls")


@pytest.fixture
async def backend(bridge_address: str, authority: Authority, tmp_path: Path) -> AsyncIterator[AwsBackend]:
    async with AwsBackend(AwsSettings(), region=REGION, folder=tmp_path) as opened:
        runner = gateway_runner(opened.url)
        await runner.setup()
        context = server_context(authority, REGION)
        # The port is AWS's own, and there is one of it: test processes of others wait.
        with (Path(tempfile.gettempdir()) / "pillion-tests-443.lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            await web.TCPSite(runner, bridge_address, TLS_PORT, ssl_context=context).start()
            yield opened
            await runner.cleanup()


def start_router(name: str, plan: FirelensPlan, authority: Authority, address: str) -> None:
    binds = [(bind.host_path, bind.container_path) for bind in plan.binds]
    binds.append((str(authority.certificate_path), authority.container_path))
    volumes = [part for host, path in binds for part in ("--volume", f"{host}:{path}")]
    hosts = [part for each in host_names(REGION) for part in ("--add-host", f"{each}:{address}")]
    keys = ["--env", "AWS_ACCESS_KEY_ID=x", "--env", "AWS_SECRET_ACCESS_KEY=y"]
    docker("run", "--detach", "--name", name, *volumes, *hosts, *keys, ROUTER)
    deadline_s = time.monotonic() + PATIENCE_S
    while not Path(plan.socket_path).exists():
        assert time.monotonic() < deadline_s, "the router made no socket"
        time.sleep(0.02)


async def test_every_line_reaches_cloudwatch_with_the_tasks_metadata(
    plan: FirelensPlan, authority: Authority, backend: AwsBackend, bridge_address: str
) -> None:
    name = f"pillion-test-router-{os.getpid()}"
    options = [
        part for pair in plan.routed["app"].log.options.items() for part in ("--log-opt", "=".join(pair))
    ]
    script = 'for i in $(seq 1000); do echo "line $i"; done; echo "GET /health"; printf "no end"'
    try:
        await asyncio.to_thread(start_router, name, plan, authority, bridge_address)
        driver = ("--log-driver", plan.routed["app"].log.driver or "", *options)
        await asyncio.to_thread(docker, "run", "--rm", *driver, APP, "sh", "-c", script)
        await asyncio.to_thread(
            docker, "exec", name, "sh", "-c", "echo '{\"health\": 1}' | nc 127.0.0.1 8877"
        )
        await asyncio.to_thread(docker, "stop", "--time", "60", name)
        exit_code = await asyncio.to_thread(docker, "inspect", "--format", "{{.State.ExitCode}}", name)
    finally:
        await asyncio.to_thread(docker, "rm", "--force", name)
    (report,) = await report_firelens(plan, {"app": Reading(lines=1002)}, backend, names={})
    assert (exit_code, report.arrived, report.filtered) == ("0", 1001, True)
    held = await backend.clients.call(
        "logs",
        "get_log_events",
        logGroupName="/web/app",
        logStreamName=f"app-app-firelens-{IDENTITY.task_id}",
        limit=1,
        startFromHead=True,
    )
    record = json.loads(held["events"][0]["message"])
    assert {key: record[key] for key in record if key not in ("container_id", "container_name")} == {
        "source": "stdout",
        "log": "line 1",
        "ecs_cluster": "prod",
        "ecs_task_arn": IDENTITY.task_arn,
        "ecs_task_definition": "web:7",
    }
