"""Containers made before they are asked for: taken where nothing changed, made anew where something did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine, answering
from engines.docker.making import container, joined, pause, plain, task
from pillion.core.lifecycle.states import PullBehavior
from pillion.core.plan.model import (
    Bind,
    Mount,
    NamespacePlan,
    PortRequest,
    TaskPlan,
    VolumeKind,
    VolumePlan,
    VolumesFrom,
)
from pillion.engines.docker.ahead import is_unseen
from pillion.engines.docker.engine import DockerEngine
from pillion.engines.docker.task import DockerTask
from pillion.ports.engine import EngineError

IMAGE = "GET images/pillion-local/busybox:1/json"


class Making:
    """An engine that counts what is made and removed; containers are called c1, c2 …"""

    def __init__(self, fake: FakeEngine, engine: DockerEngine) -> None:
        self.fake = fake
        self._engine = engine
        self.made: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.refusals = 0
        fake.routes["POST containers/create"] = self._create
        fake.routes["GET containers/json"] = answering([])
        fake.routes[IMAGE] = answering({"Id": "sha256:one"})
        for number in range(1, 4):
            fake.routes[f"DELETE containers/c{number}"] = self._remove

    def open(self, plan: TaskPlan) -> DockerTask:
        return self._engine.open(plan)

    async def _create(self, request: web.Request) -> web.Response:
        if self.refusals:
            self.refusals -= 1
            return web.json_response({"message": "no room"}, status=500)
        self.made.append(await request.json())
        return web.json_response({"Id": f"c{len(self.made)}", "Warnings": ["mind"]}, status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        self.removed.append(request.path.rpartition("/")[2])
        return web.Response(status=204)


@pytest.fixture
async def making(tmp_path: Path) -> AsyncIterator[Making]:
    fake = FakeEngine(tmp_path)
    await fake.start()
    engine = DockerEngine(fake.host)
    try:
        yield Making(fake, engine)
    finally:
        await engine.close()
        await fake.stop()


async def test_what_was_made_ahead_is_taken(making: Making) -> None:
    running = making.open(task(container("web")))
    await running.make_ahead("web", {"A": "1"})
    assert len(making.made) == 1
    answer = await running.create("web", {"A": "1"})
    assert (answer.runtime_id, answer.warnings, len(making.made)) == ("c1", ("mind",), 1)
    assert making.removed == []


async def test_it_is_made_ahead_once(making: Making) -> None:
    running = making.open(task(container("web")))
    await running.make_ahead("web", {})
    await running.make_ahead("web", {})
    assert len(making.made) == 1


async def test_it_is_made_anew_where_its_environment_is_another(making: Making) -> None:
    running = making.open(task(container("web")))
    await running.make_ahead("web", {"A": "1"})
    answer = await running.create("web", {"A": "2"})
    assert (answer.runtime_id, making.removed) == ("c2", ["c1"])
    assert "A=2" in making.made[1]["Env"]


async def test_it_is_made_anew_where_its_image_is_another(making: Making) -> None:
    plan = task(container("web"))
    running = making.open(plan)
    await running.make_ahead("web", {})
    making.fake.routes[IMAGE] = answering({"Id": "sha256:two"})
    await running.pull("web", lambda: None, lambda progress: None)
    answer = await running.create("web", {})
    assert (answer.runtime_id, answer.image_id, making.removed) == ("c2", "sha256:two", ["c1"])


async def test_it_is_made_anew_where_the_namespace_it_joins_is_another(making: Making) -> None:
    making.fake.routes["GET info"] = answering({"Architecture": "x86_64"})
    running = making.open(task(pause(), joined("web")))
    await running.make_ahead("web", {})  # the pause container is not made yet, as its engine knows
    await running.create(pause().name, {})
    answer = await running.create("web", {})
    assert (answer.runtime_id, making.removed) == ("c3", ["c1"])


async def test_what_goes_wrong_ahead_is_said_when_it_is_asked_for(making: Making) -> None:
    making.refusals = 2
    running = making.open(task(container("web")))
    await running.make_ahead("web", {})
    with pytest.raises(EngineError, match="no room"):
        await running.create("web", {})
    assert (await running.create("web", {})).runtime_id == "c1"


async def test_the_ports_that_were_chosen_ahead_are_those_that_it_has(making: Making) -> None:
    wanted = PortRequest(container_port=80, host_port=18_080)
    running = making.open(task(container("web", namespaces=NamespacePlan(network="bridge"), ports=(wanted,))))
    await running.make_ahead("web", {})
    assert (await running.create("web", {})).runtime_id == "c1"
    (asked,) = making.made
    host_port = asked["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"]
    assert [str(port.host_port) for port in running.facts("web").bindings] == [host_port]


async def test_an_image_that_has_to_be_fetched_is_not_taken_as_it_is(making: Making) -> None:
    running = making.open(task(container("web"), pull_behavior=PullBehavior.ALWAYS))
    await running.make_ahead("web", {})
    assert making.made == []


async def test_an_image_that_is_not_here_makes_nothing(making: Making) -> None:
    del making.fake.routes[IMAGE]
    running = making.open(task(container("web")))
    await running.make_ahead("web", {})
    assert making.made == []


async def test_what_was_never_asked_for_is_not_kept(making: Making) -> None:
    running = making.open(task(container("web"), plain("init", "true")))
    await running.make_ahead("web", {})
    await running.create("init", {})
    await running.clean_up(keep=True)
    assert making.removed == ["c1"]


DATA = VolumePlan(name="data", kind=VolumeKind.TASK, engine_name="data")
HERE = VolumePlan(name="here", kind=VolumeKind.BIND, engine_name="/here")


def mount(volume: str) -> Mount:
    return Mount(volume=volume, container_path="/x")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"mounts": (mount("here"),)}, True),
        ({"binds": (Bind(host_path="/a", container_path="/b"),)}, True),
        ({"mounts": (mount("data"),)}, False),
        ({"mounts": (mount("here"), mount("data"))}, False),
        ({"volumes_from": (VolumesFrom(container="init"),)}, False),
        ({"namespaces": NamespacePlan(network="bridge", links=(("init", "init"),))}, False),
        ({"namespaces": NamespacePlan(network="bridge"), "ports": (PortRequest(container_port=80),)}, True),
        ({"namespaces": NamespacePlan(network="host")}, True),
    ],
)
def test_what_would_be_seen_from_inside_is_left(changes: dict[str, Any], expected: bool) -> None:
    plan = task(container("init"), container("web", **changes), volumes=(DATA, HERE))
    assert is_unseen(plan, plan.container("web")) is expected
