"""The relay of a task on a real engine: endpoints served from here, asked from inside."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

import pytest
from aiohttp import web

from engines.docker.conftest import Run
from engines.docker.making import PAUSE, joined, pause, task
from pillion.core.plan.model import NamespacePlan
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.holder import holder_reference
from pillion.engines.docker.relay import HOST_NAME, SOCKET_FOLDER, start_relay
from pillion.ports.engine import EngineError, RelayRoute

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ASK = "wget -q -O - http://169.254.170.2/v4/id"


async def test_containers_ask_at_the_agents_address_and_a_unix_socket_answers(
    run: Run, client: DockerClient, tmp_path: Path
) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.path} here\n")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "s")).start()
    web_server = joined("web", "nc -l -p 80 -s 0.0.0.0")  # the application has port 80 for itself
    running = await run(task(pause(), web_server, joined("app", ASK)))
    try:
        await running.start(PAUSE, "web")
        await start_relay(
            client,
            running.task.plan,
            beside=running.task.plan.container(PAUSE).engine_name,
            image=holder_reference(platform.machine()),
            routes=[("169.254.170.2:80", f"unix:{SOCKET_FOLDER}/s")],
            socket_folder=str(tmp_path),
        )
        await running.start("app")
        assert await running.output("app") == ["/v4/id here"]
    finally:
        await runner.cleanup()


async def test_what_the_relay_says_is_in_the_error(run: Run, client: DockerClient) -> None:
    running = await run(task(pause()))
    await running.start(PAUSE)
    with pytest.raises(EngineError) as caught:
        await start_relay(
            client,
            running.task.plan,
            beside=running.task.plan.container(PAUSE).engine_name,
            image=holder_reference(platform.machine()),
            routes=[("10.1.2.3:80", "127.0.0.1:1")],
        )
    assert str(caught.value) == (
        "NamespaceUnavailable: the relay does not run: "
        "holder: cannot listen on 10.1.2.3:80: the address is not one of this network namespace"
    )


async def test_an_engine_that_refuses_is_quoted(run: Run, client: DockerClient) -> None:
    running = await run(task(pause()))
    await running.start(PAUSE)
    with pytest.raises(
        EngineError, match=r"^NamespaceUnavailable: the relay cannot be started: .*no-such-image"
    ):
        await start_relay(
            client,
            running.task.plan,
            beside=PAUSE,
            image="no-such-image:1",
            routes=[("127.0.0.1:1", "unix:/x")],
        )


async def test_the_task_opens_its_relay_to_the_host_by_dockers_name_for_it_and_again_in_its_place(
    run: Run, client: DockerClient
) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.path} on the host\n")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    door = socket.create_server(("0.0.0.0", 0))
    await web.SockSite(runner, door).start()
    holder = pause(namespaces=NamespacePlan(network="own", extra_hosts=((HOST_NAME, "host-gateway"),)))
    running = await run(task(holder, joined("app", ASK)))
    route = RelayRoute(address=("169.254.170.2", 80), target=f"{HOST_NAME}:{door.getsockname()[1]}")
    try:
        await running.start(PAUSE)
        await running.task.open_relay(PAUSE, [route])
        await running.task.open_relay(PAUSE, [route])
        await running.start("app")
        assert await running.output("app") == ["/v4/id on the host"]
    finally:
        await runner.cleanup()
