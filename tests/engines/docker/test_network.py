"""The network of a cluster, when many tasks want it at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from engines.docker.fake_engine import FakeEngine
from pillion.engines.docker.client import DockerClient
from pillion.engines.docker.errors import ApiError
from pillion.engines.docker.network import NO_ROOM, ROOM_PAUSES_S, Networks

OURS = {"Name": "pillion-shop", "Id": "ours", "Created": "2"}
OLDER = {"Name": "pillion-shop", "Id": "older", "Created": "1"}


class Crowd:
    """An engine without addresses for another network; what it lists is what a test says, look by look."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        self.looks: list[list[dict[str, str]]] = []
        self.refuses = True
        fake.routes["GET networks"] = self._list
        fake.routes["POST networks/create"] = self._create
        fake.routes["DELETE networks/ours"] = self._remove

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self.looks.pop(0) if self.looks else [])

    async def _create(self, request: web.Request) -> web.Response:
        if self.refuses:
            text = f"{NO_ROOM} IPv4 address pool among the defaults to assign to the network"
            return web.json_response({"message": text}, status=500)
        return web.json_response({"Id": "ours"}, status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    def asked(self, call: str) -> int:
        return sum(item.replace("v1.41/", "") == call for item in self.fake.asked)


@pytest.fixture
async def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crowd]:
    monkeypatch.setattr("pillion.engines.docker.network.ROOM_PAUSES_S", [0.0] * len(ROOM_PAUSES_S))
    fake = FakeEngine(tmp_path)
    await fake.start()
    yield Crowd(fake)
    await fake.stop()


async def ensure(crowd: Crowd) -> None:
    client = DockerClient(crowd.fake.host)
    try:
        await Networks(client).ensure("shop")
    finally:
        await client.close()


async def test_a_network_that_is_there_is_taken(crowd: Crowd) -> None:
    crowd.looks = [[OLDER]]
    await ensure(crowd)
    assert crowd.asked("POST networks/create") == 0


async def test_what_was_begun_for_a_task_is_taken_by_it(crowd: Crowd) -> None:
    crowd.refuses = False
    crowd.looks = [[], [OURS]]
    client = DockerClient(crowd.fake.host)
    networks = Networks(client)
    await networks.expect("shop")
    await networks.expect("shop")
    await networks.ensure("shop")
    await networks.close()
    await client.close()
    assert crowd.asked("POST networks/create") == 1
    assert crowd.asked("DELETE networks/ours") == 0


async def test_what_was_begun_for_a_task_that_never_came_is_removed(crowd: Crowd) -> None:
    crowd.refuses = False
    crowd.looks = [[], [OURS], [OURS]]
    client = DockerClient(crowd.fake.host)
    networks = Networks(client)
    await networks.expect("shop")
    await networks.close()
    await client.close()
    assert crowd.asked("DELETE networks/ours") == 1


async def test_what_went_wrong_ahead_is_tried_again_and_said_when_it_is_asked_for(crowd: Crowd) -> None:
    client = DockerClient(crowd.fake.host)
    networks = Networks(client)
    await networks.expect("shop")
    with pytest.raises(ApiError, match="non-overlapping"):
        await networks.ensure("shop")
    await networks.close()
    await client.close()
    assert crowd.asked("POST networks/create") == 2 * (1 + len(ROOM_PAUSES_S))
    assert crowd.asked("DELETE networks/ours") == 0


async def test_of_two_that_were_made_at_once_the_older_one_stays(crowd: Crowd) -> None:
    crowd.refuses = False
    crowd.looks = [[], [OURS, OLDER]]
    await ensure(crowd)
    assert crowd.asked("DELETE networks/ours") == 1


async def test_where_the_addresses_are_used_up_another_ones_network_is_taken(crowd: Crowd) -> None:
    crowd.looks = [[], [OLDER]]
    await ensure(crowd)
    assert crowd.asked("POST networks/create") == 1


async def test_where_the_addresses_are_used_up_others_get_time_to_remove_theirs(crowd: Crowd) -> None:
    crowd.looks = [[], [], [], [OLDER]]
    await ensure(crowd)
    assert crowd.asked("POST networks/create") == 3


async def test_where_they_stay_used_up_the_engine_says_so(crowd: Crowd) -> None:
    with pytest.raises(ApiError, match="non-overlapping"):
        await ensure(crowd)
    assert crowd.asked("POST networks/create") == 1 + len(ROOM_PAUSES_S)
