"""Two tasks on a real engine, asked from inside their containers."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from endpoints.making import CREDENTIALS, awsvpc_task
from pillion.core.plan.endpoints import ENDPOINT_HOST, EndpointIds
from pillion.endpoints import EndpointServer, TaskDesk
from pillion.endpoints.metadata import Version, container_metadata, task_metadata
from pillion.engines.docker.holder import holder_image_tar, holder_reference
from pillion.engines.docker.namespace import open_listeners
from pillion.ports.aws import RoleCredentials

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BUSYBOX = "pillion-local/busybox:1"


def call(*arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


class Roles:
    async def credentials_of(self, role_arn: str, session_name: str) -> RoleCredentials:
        return CREDENTIALS


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task with a real network namespace: a holder container that answers on port 80, as an app would."""

    container: str
    ids: EndpointIds

    async def fetch(self, path: str, host: str = ENDPOINT_HOST) -> str:
        """Ask from inside; wget says the status of a refusal."""
        script = f"wget -q -O - http://{host}{path} 2>&1"
        command = ("run", "--rm", "--network", f"container:{self.container}", BUSYBOX, "sh", "-c")
        return await asyncio.to_thread(call, *command, f"{script} || true")


@pytest.fixture
def holder() -> str:
    """Return the holder's image, where containers can be run and their networks entered."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "version"], check=False, capture_output=True).returncode:
        pytest.skip("no Docker engine answers")
    if os.geteuid() != 0:
        pytest.skip("entering a container's network namespace needs root")
    call("load", given=holder_image_tar(platform.machine()))
    return holder_reference(platform.machine())


@pytest.fixture
async def tasks(holder: str) -> AsyncIterator[tuple[Task, Task]]:
    async with AsyncExitStack() as stack:

        async def make() -> Task:
            name = f"pillion-test-{uuid.uuid4().hex[:12]}"
            stack.callback(call, "rm", "--force", name)
            call(
                "run",
                "--detach",
                "--name",
                name,
                holder_reference(platform.machine()),
                "/holder",
                "stub",
                "80",
            )
            found = json.loads(call("inspect", name))[0]
            ids = EndpointIds(
                containers={"app": str(uuid.uuid4()), "agent": str(uuid.uuid4())},
                credentials=str(uuid.uuid4()),
            )
            view = awsvpc_task()
            desk = TaskDesk(
                plan=view.plan,
                definition=view.definition,
                ids=ids,
                state=lambda: view.state,
                facts=lambda name: view.facts[name],
                roles=Roles(),
                tags=view.tags,
                availability_zone=view.availability_zone,
            )
            server = EndpointServer(desk)
            stack.push_async_callback(server.close)
            address = (ENDPOINT_HOST, 80)
            await server.start(open_listeners(found["State"]["Pid"], [address], container_id=found["Id"]))
            return Task(container=name, ids=ids)

        yield await make(), await make()


async def test_containers_know_themselves_and_nothing_of_another_task(tasks: tuple[Task, Task]) -> None:
    first, second = tasks
    view = awsvpc_task()
    app, credentials = second.ids.containers["app"], second.ids.credentials

    assert json.loads(await second.fetch(f"/v4/{app}")) == container_metadata(view, "app", Version.V4)
    assert json.loads(await second.fetch(f"/v4/{app}/task")) == task_metadata(view, Version.V4)
    assert json.loads(await second.fetch("/v2/metadata")) == task_metadata(view, Version.V2)
    assert json.loads(await second.fetch(f"/v2/credentials/{credentials}"))["AccessKeyId"] == "ASIAEXAMPLE"

    assert "404" in await first.fetch(f"/v4/{app}")
    assert "404" in await first.fetch(f"/v4/{app}/task")
    assert "400" in await first.fetch(f"/v2/credentials/{credentials}")


async def test_the_application_keeps_port_80_of_every_other_address(tasks: tuple[Task, Task]) -> None:
    first, _ = tasks
    assert await first.fetch("/", host="127.0.0.1") == "pillion stub"
