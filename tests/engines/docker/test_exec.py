"""Commands beside a container's process, where Docker's answers differ or are missing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering
from pillion.engines.docker import exec as exec_module
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.exec import DockerExecution, execute
from pillion.engines.docker.transport.pipe import RawPipe
from pillion.engines.simulated.engine import SimulatedEngine
from pillion.engines.simulated.virtual_time import VirtualClock
from pillion.ports.engine import EngineError, EngineUnreachableError
from pillion.ports.execution import ExecutionRequest, NotStartedError

REQUEST = ExecutionRequest(command=["ls"])


@pytest.fixture(autouse=True)
def makes_commands(fake: FakeEngine) -> None:
    fake.routes["POST containers/c1/exec"] = answering({"Id": "e1"})


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncIterator[DockerClient]:
    made = DockerClient(fake.host)
    yield made
    await made.close()


def failing(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


async def run(client: DockerClient, container: str = "c1") -> None:
    async with execute(client, container, REQUEST) as execution:
        async for _ in execution.output():
            pass


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('OCI runtime exec failed: exec failed: "ls": executable file not found in $PATH: unknown', 127),
        ('OCI runtime exec failed: exec failed: "ls": permission denied: unknown', 126),
        ("unable to find user x: no matching entries in passwd file", 126),
    ],
)
async def test_a_newer_engine_says_at_once_that_nothing_was_started(
    fake: FakeEngine, client: DockerClient, text: str, code: int
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return failing(400, text)

    fake.routes["POST exec/e1/start"] = answer
    with pytest.raises(NotStartedError) as told:
        await run(client)
    assert (str(told.value), told.value.exit_code) == (text, code)


async def test_a_container_that_is_not_there_is_named_as_docker_names_it(client: DockerClient) -> None:
    with pytest.raises(EngineError, match="CannotExecuteError: Error response from daemon: no such thing"):
        await run(client, "c2")


async def test_an_engine_that_knows_no_upgrade_is_named(fake: FakeEngine, client: DockerClient) -> None:
    fake.routes["POST exec/e1/start"] = answering({})
    with pytest.raises(EngineUnreachableError, match="does not know upgrades"):
        await run(client)


async def test_a_command_is_sent_its_signal_once_the_engine_knows_its_process(
    fake: FakeEngine, client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_module, "PROCESS_PAUSE_S", 0.0)
    looks = [0, 0, os.getpid()]

    async def look(_: web.Request) -> web.Response:
        return web.json_response({"Running": True, "Pid": looks.pop(0)})

    fake.routes["GET exec/e1/json"] = look
    pipe = RawPipe(asyncio.StreamReader(), None, fake.host)
    is_here = ""  # stands in each process's cgroup
    execution = DockerExecution(client, "e1", pipe, REQUEST, container_id=is_here)
    await execution.send_signal(0)  # which asks whether there is such a process
    assert looks == []


async def test_simulated_containers_run_no_commands() -> None:
    engine = SimulatedEngine(clock=VirtualClock())
    with pytest.raises(EngineError, match="simulated containers run no commands"):
        async with engine.execute("id", REQUEST):
            pass
