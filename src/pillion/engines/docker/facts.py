"""Ports and addresses: what an inspection of a running container shows, as facts for reports. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pillion.core.plan.facts import ContainerFacts, NetworkAddress, PortBinding
from pillion.core.plan.model import ContainerPlan
from pillion.engines.docker.ports import Published

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what Docker and ECS report, nothing is bound to it here


class Found(Struct, frozen=True, kw_only=True):
    """What the engine says of a container that holds a network namespace.

    `host_ports` has the host port of each published container port (`80/tcp`).
    """

    addresses: tuple[NetworkAddress, ...] = ()
    host_ports: Mapping[str, int] = field(default_factory=dict)
    pid: int | None = None


def found_in(inspection: Mapping[str, Any]) -> Found:
    """Read an inspection."""
    settings = inspection.get("NetworkSettings") or {}
    host_ports = {
        key: int(bindings[0]["HostPort"])
        for key, bindings in (settings.get("Ports") or {}).items()
        if bindings and bindings[0].get("HostPort")
    }
    networks = (settings.get("Networks") or {}).items()
    return Found(
        addresses=tuple(
            address for name, network in networks if (address := _address(name, network)).ipv4 or address.ipv6
        ),
        host_ports=host_ports,
        pid=inspection["State"].get("Pid") or None,
    )


def facts_of(owner: str, published: tuple[Published, ...], found: Found) -> ContainerFacts:
    """Return the facts of one container of a namespace: its own ports, the namespace's addresses."""
    return ContainerFacts(
        bindings=tuple(
            PortBinding(
                host_ip=port.host_ip,
                host_port=host_port,
                container_port=port.container_port,
                protocol=port.protocol,
                moved=port.moved,
                count=port.first_of,
            )
            for port in published
            if port.owner == owner
            and port.first_of
            and (host_port := found.host_ports.get(port.key, port.host_port)) is not None
        ),
        addresses=found.addresses,
        namespace_pid=found.pid,
    )


def facts_on_host(plan: ContainerPlan) -> ContainerFacts:
    """Return the facts of a container on the host's own network: every port is the host's."""
    single = [
        PortBinding(
            host_ip=EVERYWHERE,
            host_port=port.container_port,
            container_port=port.container_port,
            protocol=port.protocol,
        )
        for port in plan.ports
    ]
    spans = [
        PortBinding(
            host_ip=EVERYWHERE,
            host_port=span.first,
            container_port=span.first,
            protocol=span.protocol,
            count=span.last - span.first + 1,
        )
        for span in plan.port_ranges
    ]
    return ContainerFacts(bindings=(*single, *spans))


def _address(name: str, network: Mapping[str, Any]) -> NetworkAddress:
    return NetworkAddress(
        network=name,
        ipv4=network.get("IPAddress") or None,
        ipv6=network.get("GlobalIPv6Address") or None,
        mac=network.get("MacAddress") or None,
        gateway_ipv4=network.get("Gateway") or None,
        prefix_length=network.get("IPPrefixLen") or None,
    )
