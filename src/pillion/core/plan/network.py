"""Network modes, namespaces and ports as neutral requests.

In awsvpc mode one pause container holds the network namespace: ports are published there, and the task's
containers join it. AWS refuses links, hostname, extraHosts and DNS settings in that mode.
"""

from __future__ import annotations

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import JOINED, NamespacePlan, NetworkMode, Notice, PortRangeRequest, PortRequest
from pillion.core.plan.options import Publish, RunOptions
from pillion.core.taskdef.model import ContainerDefinition, PortMapping, TaskDefinition

CNI_PAUSE_NAME = "~internal~ecs~pause"
NAMESPACE_PAUSE_NAME = "~internal~ecs~pause~namespace"

_DYNAMIC = (None, 0)


def network_mode_of(definition: TaskDefinition) -> NetworkMode:
    """Return the definition's network mode; an empty one is bridge."""
    return NetworkMode(definition.network_mode or "bridge")


def pause_kinds(definition: TaskDefinition) -> tuple[ContainerKind, ...]:
    """Return which pause containers a task needs: for its network, for its PID and IPC namespaces."""
    kinds = []
    if network_mode_of(definition) is NetworkMode.AWSVPC:
        kinds.append(ContainerKind.CNI_PAUSE)
    if "task" in (definition.pid_mode, definition.ipc_mode):
        kinds.append(ContainerKind.NAMESPACE_PAUSE)
    return tuple(kinds)


def dns_aliases(definition: TaskDefinition, container: str | None) -> tuple[str, ...]:
    """Return the names under which other tasks find this one, or one container of it."""
    family = definition.family or "task"
    if container is None:
        names = [item.name for item in definition.container_definitions or ()]
        return (family, *(f"{name}.{family}" for name in names))
    return (family, f"{container}.{family}")


def container_namespaces(definition: TaskDefinition, container: ContainerDefinition) -> NamespacePlan:
    """Return the namespaces of a container of the definition."""
    mode = network_mode_of(definition)
    pid, ipc = _process_namespaces(definition)
    if mode is NetworkMode.AWSVPC:
        return NamespacePlan(network=f"{JOINED}{CNI_PAUSE_NAME}", pid=pid, ipc=ipc)
    if container.disable_networking:
        return NamespacePlan(network="none", hostname=container.hostname, pid=pid, ipc=ipc)
    return NamespacePlan(
        network=mode.value,
        aliases=dns_aliases(definition, container.name) if mode is NetworkMode.BRIDGE else (),
        links=tuple(_link(link) for link in container.links or ()),
        hostname=container.hostname,
        extra_hosts=tuple((entry.hostname, entry.ip_address) for entry in container.extra_hosts or ()),
        dns_servers=tuple(container.dns_servers or ()),
        dns_search=tuple(container.dns_search_domains or ()),
        pid=pid,
        ipc=ipc,
    )


def pause_namespaces(definition: TaskDefinition, kind: ContainerKind) -> NamespacePlan:
    """Return the namespaces of a pause container."""
    if kind is ContainerKind.CNI_PAUSE:
        return NamespacePlan(network="own", aliases=dns_aliases(definition, None))
    return NamespacePlan(network="none", ipc="shareable" if definition.ipc_mode == "task" else None)


def _process_namespaces(definition: TaskDefinition) -> tuple[str | None, str | None]:
    holder = f"{JOINED}{NAMESPACE_PAUSE_NAME}"
    pid = {"task": holder, "host": "host"}.get(definition.pid_mode or "")
    ipc = {"task": holder, "host": "host", "none": "none"}.get(definition.ipc_mode or "")
    return pid, ipc


def _link(text: str) -> tuple[str, str]:
    name, _, alias = text.partition(":")
    return name, alias or name


def awsvpc_notices(definition: TaskDefinition) -> tuple[Notice, ...]:
    """Say which settings have no effect because the containers share one network namespace."""
    if network_mode_of(definition) is not NetworkMode.AWSVPC:
        return ()
    fields = {
        "links": "links",
        "hostname": "hostname",
        "extra_hosts": "extraHosts",
        "dns_servers": "dnsServers",
        "dns_search_domains": "dnsSearchDomains",
    }
    return tuple(
        Notice(
            code="not-with-awsvpc",
            text=f"{spelling} has no effect in awsvpc mode, and AWS refuses it",
            container=container.name,
        )
        for container in definition.container_definitions or ()
        for field, spelling in fields.items()
        if getattr(container, field)
    )


def plan_ports(
    definition: TaskDefinition, container: ContainerDefinition, options: RunOptions
) -> tuple[tuple[PortRequest, ...], tuple[PortRangeRequest, ...]]:
    """Return what a container wants published: by its port mappings and by `--publish`.

    A mapping asks for the port that the definition names (in awsvpc, the container port) and takes a free
    one if that is taken; `--publish` with a host port insists.
    """
    mode = network_mode_of(definition)
    if mode in (NetworkMode.HOST, NetworkMode.NONE):
        return (), ()
    single: dict[tuple[int, str], PortRequest] = {}
    ranges = []
    for mapping in container.port_mappings or ():
        protocol = mapping.protocol or "tcp"
        if mapping.container_port_range:
            first, _, last = mapping.container_port_range.partition("-")
            ranges.append(
                PortRangeRequest(
                    first=int(first), last=int(last or first), protocol=protocol, host_ip=options.host_ip
                )
            )
        elif mapping.container_port is not None:
            single[mapping.container_port, protocol] = _request(mapping, mode, options)
    for wish in options.publish:
        if wish.container in (None, container.name) and _means(wish, definition, container, single):
            single[wish.container_port, wish.protocol] = PortRequest(
                container_port=wish.container_port,
                protocol=wish.protocol,
                host_ip=wish.host_ip or options.host_ip,
                host_port=wish.host_port,
                exact=wish.host_port is not None,
            )
    return tuple(single.values()), tuple(ranges)


def _request(mapping: PortMapping, mode: NetworkMode, options: RunOptions) -> PortRequest:
    port = mapping.container_port or 0
    wanted = mapping.host_port if mapping.host_port not in _DYNAMIC else None
    if mode is NetworkMode.AWSVPC:
        wanted = port
    elif mapping.host_port is None:
        wanted = port  # dynamic in ECS; here the same port is the most useful free one
    return PortRequest(
        container_port=port,
        protocol=mapping.protocol or "tcp",
        host_ip=options.host_ip,
        host_port=wanted,
        name=mapping.name,
    )


def _means(
    wish: Publish,
    definition: TaskDefinition,
    container: ContainerDefinition,
    mapped: dict[tuple[int, str], PortRequest],
) -> bool:
    """Say whether a wish without a container's name is for this one: who maps the port, else the first."""
    if wish.container is not None or (wish.container_port, wish.protocol) in mapped:
        return True
    others = definition.container_definitions or ()
    if any(_maps(other, wish) for other in others):
        return False
    return bool(others) and others[0].name == container.name


def _maps(container: ContainerDefinition, wish: Publish) -> bool:
    return any(
        mapping.container_port == wish.container_port and (mapping.protocol or "tcp") == wish.protocol
        for mapping in container.port_mappings or ()
    )
