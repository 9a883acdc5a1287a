"""Ports and networks of a container, as the metadata endpoint shows them. Pure.

In awsvpc mode every container of a task shows the task's one interface and no ports: the containers share
a namespace, and publishing belongs to whoever owns it. In the other modes there is one entry for each
network of the engine, under the network's own name.
"""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from pillion.core.plan.facts import ContainerFacts, NetworkAddress
from pillion.core.plan.model import ContainerPlan, NetworkMode
from pillion.endpoints.gojson import present
from pillion.ports.queries import TaskView

_NO_FACTS = ContainerFacts()


def ports_of(task: TaskView, container: ContainerPlan, *, with_host_ip: bool) -> list[dict[str, Any]]:
    """Return the published ports of a container; a range is one entry for each of its ports."""
    if task.plan.network_mode is NetworkMode.AWSVPC:
        return []
    return [
        {
            "ContainerPort": binding.container_port + offset,
            "Protocol": binding.protocol,
            "HostPort": binding.host_port + offset,
            **({"HostIp": binding.host_ip} if with_host_ip else {}),
        }
        for binding in task.facts.get(container.name, _NO_FACTS).bindings
        for offset in range(binding.count)
    ]


def networks_of(task: TaskView, container: ContainerPlan, *, with_interface: bool) -> list[dict[str, Any]]:
    """Return the networks of a container; `with_interface` adds what version 4 says of the interface."""
    mode = task.plan.network_mode
    if mode is NetworkMode.AWSVPC:
        return _task_interface(task, with_interface=with_interface)
    addresses = task.facts.get(container.name, _NO_FACTS).addresses
    if not addresses:
        return [{"NetworkMode": mode.value, "IPv4Addresses": [""]}]
    return [_network(address.network, address) for address in addresses]


def _network(mode: str, address: NetworkAddress) -> dict[str, Any]:
    ipv6 = [address.ipv6] if address.ipv6 else []
    return present({"NetworkMode": mode, "IPv4Addresses": [address.ipv4 or ""], "IPv6Addresses": ipv6})


def _task_interface(task: TaskView, *, with_interface: bool) -> list[dict[str, Any]]:
    holder = task.plan.spec.network_holder
    addresses = task.facts.get(holder, _NO_FACTS).addresses if holder else ()
    if not holder or not addresses:
        return []
    shape = _network("awsvpc", addresses[0])
    return (
        [shape | _interface(task, task.plan.container(holder), addresses[0])] if with_interface else [shape]
    )


def _interface(task: TaskView, holder: ContainerPlan, address: NetworkAddress) -> dict[str, Any]:
    subnet = gateway = None
    if address.ipv4 and address.prefix_length:
        subnet = str(ip_interface(f"{address.ipv4}/{address.prefix_length}").network)
        gateway = f"{address.gateway_ipv4}/{address.prefix_length}" if address.gateway_ipv4 else None
    return present(
        {
            "AttachmentIndex": 0,
            "MACAddress": address.mac,
            "IPv4SubnetCIDRBlock": subnet,
            "DomainNameServers": list(holder.namespaces.dns_servers),
            "DomainNameSearchList": list(holder.namespaces.dns_search),
            "PrivateDNSName": _private_name(address.ipv4, task.plan.identity.region),
            "SubnetGatewayIpv4Address": gateway,
        }
    )


def _private_name(ipv4: str | None, region: str) -> str | None:
    """Return the name that EC2 gives to an address; us-east-1 has a domain of its own, for history's sake."""
    if not ipv4:
        return None
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{ipv4.replace('.', '-')}.{domain}"
