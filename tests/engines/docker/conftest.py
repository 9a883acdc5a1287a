"""A Docker engine for the tests marked `docker`, each of which leaves nothing behind; and a fake one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from engines.docker.fake_engine import FakeEngine
from engines.docker.making import CLUSTER
from pillion.core.lifecycle.events import ContainerEvent, Event
from pillion.core.plan.model import NETWORK_RESOURCE, TaskPlan, volume_resource
from pillion.engines.docker import labels
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.task import DockerTask
from pillion.ports.engine import LogLine

PATIENCE_S = 60.0
"""Nothing takes nearly as long; a busy machine may take several times what an idle one does."""


@pytest.fixture
async def client() -> AsyncIterator[DockerClient]:
    """Return a connection of the test's own, to look behind the engine's back."""
    made = DockerClient()
    yield made
    await made.close()


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    """Return an engine that answers what a test tells it to."""
    made = FakeEngine(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[DockerEngine]:
    made = DockerEngine(state_folder=tmp_path)
    yield made
    await made.close()


class Running:
    """A task on the engine with its events, as far as they have come."""

    def __init__(self, task: DockerTask) -> None:
        self.task = task
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.task.events():
            self.events.append(event)
            self._news.set()

    def of(self, name: str, kind: type[ContainerEvent] = ContainerEvent) -> list[ContainerEvent]:
        return [event for event in self.events if isinstance(event, kind) and event.container == name]

    async def wait(self, name: str, kind: type[ContainerEvent], count: int = 1) -> ContainerEvent:
        """Return the `count`th event of a kind of a container."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.of(name, kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(name, kind)[count - 1]

    async def create(self, name: str) -> str:
        await self.task.resolve_manifest(name)
        await self.task.pull(name, lambda: None, lambda progress: None)
        return (await self.task.create(name, {})).runtime_id

    async def start(self, *names: str) -> None:
        """Have containers made and started, in this order."""
        for name in names or [item.name for item in self.task.plan.containers]:
            await self.create(name)
            await self.task.start(name, restart=False)

    async def output(self, name: str) -> list[str]:
        return [line.message for line in await self.lines(name)]

    async def lines(self, name: str) -> list[LogLine]:
        async with asyncio.timeout(PATIENCE_S):
            return [line async for line in self.task.logs(name)]

    async def until_said(self, name: str, message: str) -> None:
        """Wait for a line of a container that runs on."""
        async with asyncio.timeout(PATIENCE_S):
            async for line in self.task.logs(name):
                if line.message == message:
                    return

    async def close(self) -> None:
        await self.task.clean_up(keep=False)
        await self._reader


Run = Callable[[TaskPlan], Awaitable[Running]]


@pytest.fixture
async def run(engine: DockerEngine, client: DockerClient) -> AsyncIterator[Run]:
    """Return a function that opens a task and prepares its resources; in the end all of it is gone."""
    opened: list[Running] = []

    async def begin(plan: TaskPlan) -> Running:
        running = Running(engine.open(plan))
        opened.append(running)
        resources = [volume_resource(volume.name) for volume in plan.volumes]
        if any(item.namespaces.network == "own" for item in plan.containers):
            resources.append(NETWORK_RESOURCE)
        if plan.limits is not None:
            resources.append("cgroup")
        for resource in resources:
            await running.task.prepare(resource)
        return running

    yield begin
    await asyncio.gather(*(running.close() for running in opened))
    assert await left_behind(client, [running.task.plan for running in opened]) == []


async def left_behind(client: DockerClient, plans: list[TaskPlan]) -> list[str]:
    """Return what is still there of some tasks: containers, volumes, the network, cgroups."""
    found = []
    for plan in plans:
        task_id = plan.identity.task_id
        wanted = {"filters": labels.of_task(task_id)}
        containers = await client.get("containers/json", params={"all": "1", **wanted})
        volumes = await client.get("volumes", params=wanted)
        found += [f"container {item['Names']}" for item in containers]
        found += [f"volume {item['Name']}" for item in volumes["Volumes"] or []]
        found += [f"cgroup {path}" for path in _cgroups(task_id)]
    networks = await client.get("networks", params={"filters": labels.filters(name=f"pillion-{CLUSTER}")})
    return found + [f"network {item['Name']}" for item in networks]


def _cgroups(task_id: str) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"*/pillion/{task_id}")) + list(
        Path("/sys/fs/cgroup").glob(f"pillion/{task_id}")
    )
