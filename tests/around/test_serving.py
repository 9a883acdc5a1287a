"""Where endpoints are served, and servers that are made when somebody connects."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from endpoints.making import FakeQueries, awsvpc_task
from pillion.around.doors import SOCKET_PATH_BYTES_MAX, open_doors
from pillion.around.serving import (
    EndpointsSettingError,
    Place,
    TaskServers,
    Way,
    check_setting,
    choose_way,
    find_place,
)
from pillion.core.plan.model import NetworkMode
from pillion.ports.engine import Capabilities, RelayRoute

HERE = Capabilities(name="docker", version="27.0", local=True)
ELSEWHERE = Capabilities(name="docker", version="27.0", local=False)
METADATA, AWS = ("169.254.170.2", 80), ("169.254.170.2", 4566)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and unix doors are Linux's")


@pytest.mark.parametrize(
    ("mode", "way"),
    [
        (NetworkMode.AWSVPC, Way.NAMESPACE),
        (NetworkMode.BRIDGE, Way.NAMESPACE),
        (NetworkMode.HOST, Way.LOOPBACK),
        (NetworkMode.NONE, Way.NOWHERE),
    ],
)
@linux_only
def test_root_beside_the_engine_serves_in_the_namespace(
    mode: NetworkMode, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert choose_way(mode, HERE) is way


@pytest.mark.parametrize(
    ("capabilities", "user", "wanted"),
    [
        (HERE, 1000, "auto"),
        (ELSEWHERE, 0, "auto"),
        (Capabilities(name="docker", version="27.0", rootless=True), 0, "auto"),
        (HERE, 0, "relay"),
        (HERE, 0, "10.1.2.3"),
    ],
)
def test_everybody_else_needs_a_relay(
    capabilities: Capabilities, user: int, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert choose_way(NetworkMode.AWSVPC, capabilities, wanted=wanted) is Way.RELAY


@linux_only
def test_containers_find_ecss_own_address_in_both_ways() -> None:
    for way in (Way.NAMESPACE, Way.RELAY):
        assert find_place(way, HERE) == Place(way=way, metadata="169.254.170.2", aws="169.254.170.2:4566")


def test_an_engine_in_a_machine_of_its_own_is_led_to_the_users_loopback() -> None:
    place = find_place(Way.RELAY, ELSEWHERE)
    assert (place.door_address, place.route_host) == ("127.0.0.1", "host.docker.internal")


def test_an_address_of_this_machine_can_be_given() -> None:
    place = find_place(Way.RELAY, ELSEWHERE, wanted="10.1.2.3")
    assert (place.door_address, place.route_host) == ("10.1.2.3", "10.1.2.3")


def test_a_setting_that_means_nothing_is_refused_with_what_it_may_be() -> None:
    assert [check_setting(text) for text in ("auto", "relay", "10.1.2.3")] == ["auto", "relay", "10.1.2.3"]
    with pytest.raises(EndpointsSettingError, match="'host' means nothing: write auto, relay, or"):
        check_setting("host")


@linux_only
def test_unix_doors_are_in_a_folder_of_the_user_alone_and_go_with_it(tmp_path: Path) -> None:
    place = find_place(Way.RELAY, HERE)
    doors = open_doors(place, [METADATA, AWS], state_folder=tmp_path)
    assert doors.folder is not None
    assert doors.folder.stat().st_mode & 0o777 == 0o700
    assert doors.routes == (
        RelayRoute(address=METADATA, target=f"unix:{doors.folder}/80"),
        RelayRoute(address=AWS, target=f"unix:{doors.folder}/4566"),
    )
    for door in doors.sockets:
        door.close()
    doors.remove()
    assert list(tmp_path.iterdir()) == []


@linux_only
def test_a_state_folder_with_a_long_path_does_not_make_doors_impossible(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * SOCKET_PATH_BYTES_MAX)
    doors = open_doors(find_place(Way.RELAY, HERE), [METADATA], state_folder=deep)
    assert doors.folder is not None
    assert deep not in doors.folder.parents
    doors.sockets[0].close()
    doors.remove()
    assert not doors.folder.exists()


def test_doors_on_an_address_are_told_under_the_name_that_the_engine_knows() -> None:
    doors = open_doors(find_place(Way.RELAY, ELSEWHERE), [METADATA], state_folder=Path("/nowhere"))
    (door,) = doors.sockets
    with door:
        host, port = door.getsockname()
        assert host == "127.0.0.1"
        assert doors.routes == (RelayRoute(address=METADATA, target=f"host.docker.internal:{port}"),)


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def servers(troubles: list[str]) -> TaskServers:
    async def nowhere() -> str | None:
        return None

    return TaskServers(FakeQueries(task=awsvpc_task()), trouble=troubles.append, aws=nowhere, tls=None)


async def test_the_first_connection_is_answered_and_makes_the_servers() -> None:
    troubles: list[str] = []
    made = servers(troubles)
    group = (listening(), listening())
    ports = [item.getsockname()[1] for item in group]
    made.serve(group)
    async with aiohttp.ClientSession() as session:
        answers = [await session.get(f"http://127.0.0.1:{port}/nothing") for port in ports]
        assert [answer.status for answer in answers] == [404, 503]  # no such path; no AWS here
    await made.close()
    assert troubles == []


async def test_sockets_of_several_namespaces_are_served_by_the_same_servers() -> None:
    made = servers([])
    groups = [(listening(),), (listening(),)]
    for group in groups:
        made.serve(group)

    async def status(port: int) -> int:
        async with aiohttp.ClientSession() as session:
            return (await session.get(f"http://127.0.0.1:{port}/nothing")).status

    asked = [status(item.getsockname()[1]) for (item,) in groups]
    assert await asyncio.gather(*asked) == [404, 404]
    await made.close()


async def test_sockets_that_nobody_connected_to_are_closed_in_the_end() -> None:
    made = servers([])
    listener = listening()
    made.serve((listener,))
    await made.close()
    assert listener.fileno() == -1
