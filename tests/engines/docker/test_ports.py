"""Which host ports are chosen, on a machine where some are taken."""

from __future__ import annotations

import socket

import pytest

from engines.docker.making import container, joined, pause, task
from pillion.core.plan.model import ContainerPlan, NamespacePlan, PortRangeRequest, PortRequest
from pillion.engines.docker.ports import PortBook, Published, can_move, is_bindable, requests_of
from pillion.ports.engine import EngineError

BRIDGE = NamespacePlan(network="bridge")


def book(*taken: int) -> PortBook:
    return PortBook(is_free=lambda host_ip, protocol, port: port not in taken)


def web(*ports: PortRequest, ranges: tuple[PortRangeRequest, ...] = ()) -> ContainerPlan:
    return container("web", ports=ports, port_ranges=ranges, namespaces=BRIDGE)


def chosen(where: PortBook, *ports: PortRequest, holder: str = "one") -> list[tuple[int | None, bool]]:
    return [(port.host_port, port.moved) for port in where.choose([web(*ports)], holder=holder)]


def test_the_wanted_port_is_used_when_it_is_free() -> None:
    request = PortRequest(container_port=80, host_port=8080, protocol="udp", host_ip="127.0.0.2")
    assert book().choose([web(request)], holder="one") == (
        Published(owner="web", container_port=80, protocol="udp", host_ip="127.0.0.2", host_port=8080),
    )


def test_a_taken_port_gives_way_to_the_next_free_one_and_says_so() -> None:
    assert chosen(book(8080, 8081), PortRequest(container_port=80, host_port=8080)) == [(8082, True)]


def test_instead_of_a_taken_privileged_port_an_unprivileged_one_is_looked_for() -> None:
    assert chosen(book(80), PortRequest(container_port=80, host_port=80)) == [(1024, True)]


def test_a_port_that_has_to_be_exact_is_left_for_the_engine_to_refuse() -> None:
    assert chosen(book(8080), PortRequest(container_port=80, host_port=8080, exact=True)) == [(8080, False)]


@pytest.mark.parametrize("nothing", [None, 0])
def test_without_a_wish_the_engine_chooses(nothing: int | None) -> None:
    assert chosen(book(), PortRequest(container_port=80, host_port=nothing)) == [(None, False)]


def test_two_tasks_that_start_together_do_not_choose_the_same_port() -> None:
    where, request = book(), PortRequest(container_port=80, host_port=8080)
    assert chosen(where, request, holder="one") == [(8080, False)]
    assert chosen(where, request, holder="two") == [(8081, True)]
    where.release("one")
    assert chosen(where, request, holder="three") == [(8080, False)]


def test_tcp_and_udp_do_not_get_in_each_others_way() -> None:
    ports = [PortRequest(container_port=53, host_port=5353, protocol=protocol) for protocol in ("tcp", "udp")]
    assert chosen(book(), *ports) == [(5353, False), (5353, False)]


def test_a_port_that_turned_out_to_be_taken_is_avoided() -> None:
    where = book()
    found = where.choose(
        [web(PortRequest(container_port=80, host_port=8080))], holder="one", avoid=frozenset({8080})
    )
    assert [port.host_port for port in found] == [8081]


def test_no_free_port_at_all_has_the_agents_text() -> None:
    where = PortBook(is_free=lambda host_ip, protocol, port: False)
    with pytest.raises(EngineError) as failure:
        chosen(where, PortRequest(container_port=80, host_port=65000))
    assert str(failure.value) == (
        "HostConfigError: error retrieving docker port map: a host port is unavailable"
    )


def test_a_range_stays_together_and_is_one_binding() -> None:
    found = book(9001).choose([web(ranges=(PortRangeRequest(first=9000, last=9002),))], holder="one")
    assert [(port.container_port, port.host_port, port.first_of, port.moved) for port in found] == [
        (9000, 32768, 3, True),
        (9001, 32769, 0, True),
        (9002, 32770, 0, True),
    ]


def test_a_free_range_keeps_its_own_ports() -> None:
    found = book().choose([web(ranges=(PortRangeRequest(first=9000, last=9001),))], holder="one")
    assert [(port.host_port, port.moved) for port in found] == [(9000, False), (9001, False)]


def test_a_range_that_fits_nowhere_has_the_agents_text() -> None:
    where = PortBook(is_free=lambda host_ip, protocol, port: port % 2 == 0)
    with pytest.raises(EngineError, match="port map: 2 contiguous host ports are unavailable"):
        where.choose([web(ranges=(PortRangeRequest(first=9000, last=9001),))], holder="one")


def test_more_than_a_hundred_bindings_are_refused() -> None:
    with pytest.raises(EngineError, match=r"HostConfigError: .*101 bindings are more than 100"):
        book().choose([web(ranges=(PortRangeRequest(first=9000, last=9100),))], holder="one")


def test_the_pause_container_publishes_for_all_that_join_it() -> None:
    plan = task(pause(), joined("web"), container("alone", namespaces=BRIDGE))
    assert [item.name for item in requests_of(plan, plan.containers[0])[0]] == ["~internal~ecs~pause", "web"]
    assert requests_of(plan, plan.containers[1]) == ((), False)
    assert [item.name for item in requests_of(plan, plan.containers[2])[0]] == ["alone"]


@pytest.mark.parametrize("network", ["host", "none"])
def test_without_a_network_of_its_own_nothing_is_published(network: str) -> None:
    plan = task(container("web", namespaces=NamespacePlan(network=network)))
    assert requests_of(plan, plan.containers[0]) == ((), False)


def test_other_ports_may_be_tried_only_when_none_has_to_be_exact() -> None:
    free, exact = (PortRequest(container_port=80, host_port=80, exact=exact) for exact in (False, True))
    for ports, expected in (((free,), True), ((free, exact), False)):
        plan = task(web(*ports))
        assert can_move(plan, plan.containers[0]) is expected


def test_whether_a_port_is_free_is_found_by_binding_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_bindable("127.0.0.1", "tcp", port)
        assert is_bindable("127.0.0.1", "udp", port)
    assert is_bindable("127.0.0.1", "tcp", port)
