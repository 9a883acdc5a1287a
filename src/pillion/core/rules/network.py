"""Rules about ports, links and names on the network, which depend on the network mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pillion.core.findings import Path
from pillion.core.rules.examples import app, sidecar, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, set_to, task_rule, we_say
from pillion.core.task_view import ContainerView, Json, TaskView, absent, members, number, text

_PORTS = guide("task_definition_parameters.html#container_definition_portmappings")
_NETWORK = guide("task_definition_parameters.html#container_definition_network")
_PORT_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,64}")

PORT_MAX: Final = 65_535


class UsedPort(NamedTuple):
    """Ports that one mapping takes in the task's namespace."""

    container: ContainerView
    path: Path
    protocol: str
    first: int
    last: int


def port_range(mapping: Json) -> tuple[int, int] | None:
    """First and last port of a `containerPortRange`, or None where it is none."""
    match = re.fullmatch(r"(\d{1,6})-(\d{1,6})", text(mapping, "containerPortRange") or "")
    return (int(match[1]), int(match[2])) if match else None


def used_ports(task: TaskView) -> Iterator[UsedPort]:
    """The container ports that the task's mappings name, in order."""
    for container in task.containers:
        for index, mapping in members(container.raw, "portMappings"):
            protocol = "udp" if text(mapping, "protocol") == "udp" else "tcp"
            if not absent(mapping, "protocol") and text(mapping, "protocol") is None:
                continue
            port, ports = number(mapping, "containerPort"), port_range(mapping)
            if port is not None:
                path = container.at("portMappings", index, "containerPort")
                yield UsedPort(container, path, protocol, port, port)
            elif ports is not None:
                path = container.at("portMappings", index, "containerPortRange")
                yield UsedPort(container, path, protocol, *ports)


def _mapped(*mappings: object, **members: object) -> dict[str, object]:
    return task(app(portMappings=list(mappings)), **members)


@container_rule(
    code="E301",
    title="A host port that differs from the container port",
    why="With awsvpc and host there is one network namespace, so nothing could translate between two ports.",
    fix="Leave hostPort out, or give it the value of containerPort.",
    source=_PORTS,
    bad=_mapped({"containerPort": 8080, "hostPort": 80}, networkMode="awsvpc"),
    good=_mapped({"containerPort": 8080, "hostPort": 8080}, networkMode="awsvpc"),
    on="portMappings",
)
def host_port(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """With awsvpc and host, `hostPort` is absent or equal to `containerPort`."""
    if task.network_mode not in ("awsvpc", "host"):
        return
    for index, mapping in members(container.raw, "portMappings"):
        port, host = number(mapping, "containerPort"), number(mapping, "hostPort")
        if port is not None and host is not None and host != port and not absent(task.raw, "networkMode"):
            path = container.at("portMappings", index, "hostPort")
            message = (
                f"When networkMode={task.network_mode}, the host ports and container ports "
                "in port mappings must match."
            )
            detail = f"hostPort is {host}, containerPort is {port}."
            yield aws_says(path, message, detail, edit=set_to(path, port))


@task_rule(
    code="E302",
    title="Two mappings take the same port of the task",
    why="With awsvpc all containers share one network namespace, in which a port exists once.",
    fix="Let one of the programs listen on another port.",
    source=_PORTS,
    bad=task(
        app(portMappings=[{"containerPort": 8080}]),
        sidecar("proxy", portMappings=[{"containerPort": 8080}]),
        networkMode="awsvpc",
    ),
    good=task(
        app(portMappings=[{"containerPort": 8080}]),
        sidecar("proxy", portMappings=[{"containerPort": 9901}]),
        networkMode="awsvpc",
    ),
    on="portMappings",
)
def port_used_twice(task: TaskView) -> Iterator[Hit]:
    """With awsvpc, each port of a protocol appears once in the task, ranges included."""
    if task.network_mode != "awsvpc":
        return
    seen: list[UsedPort] = []
    for port in used_ports(task):
        for other in seen:
            if other.protocol == port.protocol and other.first <= port.last and port.first <= other.last:
                clash = max(other.first, port.first)
                protocol = port.protocol.upper()
                message = (
                    f"{protocol} container port '{clash}' is used multiple times in task "
                    "when networkMode=awsvpc."
                )
                yield aws_says(port.path, message, f"It is also a port of {other.container.label}.")
                break
        seen.append(port)


@task_rule(
    code="E303",
    title="Two port mappings have the same name",
    why="Service Connect finds a port by its name.",
    fix="Give every port a name of its own.",
    source=_PORTS,
    bad=_mapped(
        {"containerPort": 8080, "name": "web"},
        {"containerPort": 8081, "name": "web"},
        networkMode="awsvpc",
    ),
    good=_mapped(
        {"containerPort": 8080, "name": "web"},
        {"containerPort": 8081, "name": "admin"},
        networkMode="awsvpc",
    ),
    on="portMappings",
)
def port_name_used_twice(task: TaskView) -> Iterator[Hit]:
    """Names of port mappings are unique in the task."""
    seen: set[str] = set()
    for container in task.containers:
        for index, mapping in members(container.raw, "portMappings"):
            name = text(mapping, "name")
            if name is None:
                continue
            if name in seen:
                path = container.at("portMappings", index, "name")
                if task.network_mode == "awsvpc":
                    message = "When networkMode=awsvpc, port mapping name is already used"
                    yield aws_says(path, message, f"The name is {name!r}.")
                else:
                    yield we_say(path, f"The port mapping name {name!r} is already used.")
            seen.add(name)


@container_rule(
    code="E304",
    title="A containerPortRange that is no range of ports",
    why="AWS takes an ascending range between 1 and 65535.",
    fix="Write first-last, such as 8000-8010.",
    source=_PORTS,
    bad=_mapped({"containerPortRange": "8010-8000"}),
    good=_mapped({"containerPortRange": "8000-8010"}),
    on="portMappings",
)
def bad_port_range(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The range is ascending and within 1 to 65535."""
    for index, mapping in members(container.raw, "portMappings"):
        value = text(mapping, "containerPortRange")
        if value is None:
            continue
        ports = port_range(mapping)
        if ports is None or not 1 <= ports[0] < ports[1] <= PORT_MAX:
            path = container.at("portMappings", index, "containerPortRange")
            message = f"Invalid 'containerPortRange' setting for container '{container.label}'."
            yield aws_says(path, message, f"The range is {value[:40]!r}.")


@container_rule(
    code="E305",
    title="A port mapping with both a port and a range",
    why="A mapping is for one port or for one range.",
    fix="Make two mappings of it.",
    source=_PORTS,
    bad=_mapped({"containerPort": 8080, "containerPortRange": "8000-8010"}),
    good=_mapped({"containerPort": 8080}, {"containerPortRange": "8000-8010"}),
    on="portMappings",
)
def port_and_range(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A range excludes `containerPort` and `hostPort`."""
    for index, mapping in members(container.raw, "portMappings"):
        single = number(mapping, "containerPort") is not None or number(mapping, "hostPort") is not None
        if single and text(mapping, "containerPortRange") is not None:
            message = (
                f"Invalid port mapping for container '{container.label}', "
                "cannot specify both single port and port range."
            )
            yield aws_says(container.at("portMappings", index), message)


@container_rule(
    code="E306",
    title="A port outside 1 to 65535",
    why="There are no other ports; a hostPort may also be 0, which asks for a free one.",
    fix="Use a port from 1 to 65535.",
    source=_PORTS,
    bad=_mapped({"containerPort": 80800}),
    good=_mapped({"containerPort": 8080, "hostPort": 0}),
    on="portMappings",
)
def port_number(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Ports are in range."""
    for index, mapping in members(container.raw, "portMappings"):
        for key, least in (("containerPort", 1), ("hostPort", 0)):
            port = number(mapping, key)
            if port is not None and not least <= port <= PORT_MAX:
                path = container.at("portMappings", index, key)
                yield we_say(path, f"{key} is {port}, not {least} to {PORT_MAX}.")


@container_rule(
    code="E307",
    title="A port mapping where there is no network",
    why="With networkMode none a container has no network, so there is no port to map.",
    fix="Take portMappings away, or use another network mode.",
    source=_PORTS,
    bad=_mapped({"containerPort": 8080}, networkMode="none"),
    good=_mapped(networkMode="none"),
    on="portMappings",
)
def port_without_network(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """There are no port mappings with `networkMode` none."""
    if task.network_mode == "none" and members(container.raw, "portMappings"):
        message = "Port mappings are not possible when networkMode=none."
        yield we_say(container.at("portMappings"), message)


@container_rule(
    code="E308",
    title="A port mapping's name that AWS does not take",
    why="The name becomes part of Service Connect's configuration.",
    fix="Use up to 64 small letters, digits, - and _, not beginning with a hyphen.",
    source=_PORTS,
    bad=_mapped({"containerPort": 8080, "name": "Web"}),
    good=_mapped({"containerPort": 8080, "name": "web"}),
    on="portMappings",
)
def port_name(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Characters and length of a port mapping's name."""
    for index, mapping in members(container.raw, "portMappings"):
        name = text(mapping, "name")
        if name and not _PORT_NAME.fullmatch(name):
            path = container.at("portMappings", index, "name")
            yield we_say(path, f"The port mapping name {name[:80]!r} is not 1 to 64 of a-z, 0-9, - and _.")


@container_rule(
    code="E309",
    title="Links outside bridge mode",
    why="Links are entries of the default bridge; with awsvpc the containers reach each other on localhost.",
    fix="Take links away, use 127.0.0.1 for the other container, and dependsOn for the order.",
    source=_NETWORK,
    bad=task(app(links=["db"]), sidecar("db"), networkMode="awsvpc"),
    good=task(app(), sidecar("db"), networkMode="awsvpc"),
    on="links",
)
def links_outside_bridge(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`links` are for bridge mode."""
    if container.raw["links"] and task.network_mode in ("awsvpc", "host", "none"):
        message = f"Links are not supported when networkMode={task.network_mode}."
        path = container.at("links")
        yield we_say(path, message) if task.network_mode == "none" else aws_says(path, message)


_NOT_WITH_AWSVPC: Final = {
    "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc.",
    "hostname": "hostname is not supported on container when networkMode=awsvpc.",
    "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc.",
    "dnsSearchDomains": "DNS search domains are not supported on container when networkMode=awsvpc.",
    "disableNetworking": "Disable Networking is not supported on container when networkMode=awsvpc.",
}
_NOT_OBSERVED: Final = frozenset({"dnsSearchDomains"})


@container_rule(
    code="E310",
    title="A network setting that awsvpc does not have",
    why="With awsvpc the task has one interface, one name and one resolver, and they are the VPC's.",
    fix="Take the member away.",
    source=_NETWORK,
    bad=task(app(hostname="web"), networkMode="awsvpc"),
    good=task(app(), networkMode="awsvpc"),
)
def awsvpc_settings(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """None of the settings of other network modes is given with awsvpc."""
    if task.network_mode != "awsvpc":
        return
    for key, message in _NOT_WITH_AWSVPC.items():
        value = container.raw.get(key)
        if isinstance(value, (str, list, bool)) and value:
            path = container.at(key)
            yield we_say(path, message) if key in _NOT_OBSERVED else aws_says(path, message)


@container_rule(
    code="W301",
    title="A protocol that AWS takes for tcp",
    why="AWS treats any protocol that it does not know as tcp, without saying so.",
    fix="Write tcp or udp.",
    source=_PORTS,
    bad=_mapped({"containerPort": 8125, "protocol": "UDP"}),
    good=_mapped({"containerPort": 8125, "protocol": "udp"}),
    on="portMappings",
)
def unknown_protocol(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The protocol is tcp or udp, in small letters."""
    for index, mapping in members(container.raw, "portMappings"):
        protocol = text(mapping, "protocol")
        if protocol is not None and protocol not in ("tcp", "udp"):
            path = container.at("portMappings", index, "protocol")
            yield we_say(path, f"AWS will treat the protocol {protocol[:40]!r} as tcp.")


@task_rule(
    code="W302",
    title="One port for two protocols",
    why=(
        "AWS's API documentation says that a port cannot be exposed for several protocols, although the "
        "service has been seen to take it; do not build on that."
    ),
    fix="Use two ports.",
    source=_PORTS,
    bad=_mapped(
        {"containerPort": 8125, "protocol": "udp"},
        {"containerPort": 8125, "protocol": "tcp"},
        networkMode="awsvpc",
    ),
    good=_mapped(
        {"containerPort": 8125, "protocol": "udp"},
        {"containerPort": 8126, "protocol": "tcp"},
        networkMode="awsvpc",
    ),
    on="portMappings",
)
def port_of_two_protocols(task: TaskView) -> Iterator[Hit]:
    """With awsvpc, a port serves one protocol."""
    if task.network_mode != "awsvpc":
        return
    seen: dict[int, str] = {}
    for port in used_ports(task):
        if port.first == port.last and seen.setdefault(port.first, port.protocol) != port.protocol:
            yield we_say(port.path, f"Port {port.first} is mapped for tcp and for udp.")
