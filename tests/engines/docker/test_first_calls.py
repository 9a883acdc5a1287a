"""The network of a task that is asked for before there is an event loop, and who takes it over."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engines.docker.fake_engine import FakeEngine, answering
from engines.docker.making import CLUSTER, pause, task
from pillion.core.plan.model import NetworkMode
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.first_calls import FirstCalls
from pillion.engines.docker.network_request import AskedNetwork, ask_for_network
from pillion.ports.engine import EngineUnreachableError

PLAN = task(pause())


def asked_of(fake: FakeEngine) -> AskedNetwork:
    found = ask_for_network(PLAN, fake.host, {})
    assert found is not None
    return found


def knows_networks(fake: FakeEngine) -> None:
    fake.routes["POST networks/create"] = answering({"Id": "ours"}, status=201)
    fake.routes["GET networks"] = answering([{"Name": f"pillion-{CLUSTER}", "Id": "ours", "Created": "1"}])
    fake.routes["DELETE networks/ours"] = answering(None, status=204)


def calls(fake: FakeEngine, kind: str) -> list[str]:
    return [call for call in fake.asked if call.endswith(kind)]


async def test_the_network_is_asked_for_once(fake: FakeEngine) -> None:
    knows_networks(fake)
    first = FirstCalls(fake.host, asked=asked_of(fake))
    await first.begin(PLAN)
    await first.networks.ensure(CLUSTER)
    await first.close()
    assert calls(fake, "networks/create") == ["POST networks/create"]
    assert calls(fake, "networks/ours") == []


async def test_where_it_is_there_already_it_is_taken_as_it_is(fake: FakeEngine) -> None:
    knows_networks(fake)
    text = f"network with name pillion-{CLUSTER} already exists"
    fake.routes["POST networks/create"] = answering({"message": text}, status=409)
    first = FirstCalls(fake.host, asked=asked_of(fake))
    await first.begin(PLAN)
    await first.networks.ensure(CLUSTER)
    await first.close()
    assert calls(fake, "networks/create") == ["POST networks/create"]


async def test_what_nobody_went_on_with_is_removed(fake: FakeEngine) -> None:
    knows_networks(fake)
    await FirstCalls(fake.host, asked=asked_of(fake)).close()
    assert calls(fake, "networks/create") == ["POST networks/create"]
    assert calls(fake, "networks/ours") == ["DELETE v1.41/networks/ours"]


async def test_what_the_engine_refused_is_asked_for_again_by_the_task(fake: FakeEngine) -> None:
    fake.routes["POST networks/create"] = answering({"message": "not now"}, status=500)
    fake.routes["GET networks"] = answering([])
    first = FirstCalls(fake.host, asked=asked_of(fake))
    await first.begin(PLAN)
    with pytest.raises(ApiError, match="not now"):
        await first.networks.ensure(CLUSTER)
    await first.close()
    assert calls(fake, "networks/create") == ["POST networks/create", "POST v1.41/networks/create"]


async def test_an_engine_that_was_refused_and_is_another_one_now_is_left_clean(fake: FakeEngine) -> None:
    knows_networks(fake)
    fake.api = "1.30"
    first = FirstCalls(fake.host, asked=asked_of(fake))
    with pytest.raises(EngineUnreachableError, match=r"speaks API 1\.30"):
        await first.begin(PLAN)
    fake.api = "1.41"
    await first.close()
    assert calls(fake, "networks/ours") == ["DELETE v1.41/networks/ours"]


def test_only_a_task_with_a_network_of_its_own_at_a_socket_that_is_there_asks(fake: FakeEngine) -> None:
    assert ask_for_network(replace(PLAN, network_mode=NetworkMode.BRIDGE), fake.host, {}) is None
    assert ask_for_network(PLAN, "tcp://127.0.0.1:1", {}) is None
    assert ask_for_network(PLAN, f"{fake.host}.gone", {}) is None
    assert fake.asked == []
