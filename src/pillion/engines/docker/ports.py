"""Host ports: which one each container port is published on.

The wanted port is used when it is free; otherwise the next free one above it, unless it has to be exactly
that one: then the engine is left to refuse it in its own words. Whether a port is free is found out by
binding it, which means something only when the engine runs on this machine; elsewhere the engine decides.
A port that was chosen stays reserved in this process until its container is gone, so that two tasks that
start together do not choose the same one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from pillion.core.plan.model import ContainerPlan, PortRangeRequest, PortRequest, TaskPlan, holder_of
from pillion.ports.engine import EngineError

PORT_MAX = 65_535

RANGE_FIRST = 32_768
"""Where the search for a contiguous range begins: Linux's own range for free ports."""

BINDINGS_MAX = 100
"""ECS reports no more bindings of one container."""

PortKey = tuple[str, str, int]  # address, protocol, port
IsFree = Callable[[str, str, int], bool]


class Published(Struct, frozen=True, kw_only=True):
    """One container port and the host port chosen for it; None leaves the choice to the engine.

    `owner` is the container of the definition that asked for it; `first_of` is the length of the range
    that begins here, 0 for the other ports of a range.
    """

    owner: str
    container_port: int
    protocol: str
    host_ip: str
    host_port: int | None
    moved: bool = False
    first_of: int = 1

    @property
    def key(self) -> str:
        """How Docker names the container port."""
        return f"{self.container_port}/{self.protocol}"


def is_bindable(host_ip: str, protocol: str, port: int) -> bool:
    """Say whether a port of this machine is free, by binding it for a moment."""
    family = socket.AF_INET6 if ":" in host_ip else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host_ip, port))
        except OSError:
            return False
    return True


def requests_of(task: TaskPlan, holder: ContainerPlan) -> tuple[tuple[ContainerPlan, ...], bool]:
    """Return the containers whose ports `holder` publishes, itself first; and whether Docker publishes any.

    In awsvpc mode the pause container publishes for all that join it: Docker refuses ports on the others.
    """
    network = holder.namespaces.network
    if network in ("host", "none") or holder_of(network) is not None:
        return (), False
    joined = tuple(item for item in task.containers if holder_of(item.namespaces.network) == holder.name)
    return (holder, *joined), True


def can_move(task: TaskPlan, holder: ContainerPlan) -> bool:
    """Say whether another choice of host ports is allowed: none of them has to be exactly the one it is."""
    owners, publishes = requests_of(task, holder)
    return publishes and not any(request.exact for owner in owners for request in owner.ports)


class PortBook:
    """The host ports that this process has promised to containers."""

    def __init__(self, is_free: IsFree = is_bindable) -> None:
        self._is_free = is_free
        self._promised: dict[PortKey, str] = {}

    def choose(
        self, owners: Iterable[ContainerPlan], *, holder: str, avoid: frozenset[int] = frozenset()
    ) -> tuple[Published, ...]:
        """Choose host ports for all requests of `owners` and promise them to `holder` (an engine's name).

        `avoid` are ports that turned out to be taken. Raises EngineError (HostConfigError).
        """
        chosen: list[Published] = []
        for owner in owners:
            chosen.extend(self._one(owner.name, request, holder, avoid) for request in owner.ports)
            for span in owner.port_ranges:
                chosen.extend(self._range(owner.name, span, holder, avoid))
        return tuple(chosen)

    def recall(
        self, owners: Iterable[ContainerPlan], *, holder: str, host_ports: Mapping[str, int | None]
    ) -> tuple[Published, ...]:
        """Return what was chosen for a container that exists already, and promise it to `holder`.

        `host_ports` are those that its engine was asked for, by container port (`80/tcp`).
        """
        found: list[Published] = []
        for owner in owners:
            found += [
                _published(
                    owner.name, request, host_ports.get(f"{request.container_port}/{request.protocol}")
                )
                for request in owner.ports
            ]
            for span in owner.port_ranges:
                first = host_ports.get(f"{span.first}/{span.protocol}")
                found += [] if first is None else _published_range(owner.name, span, first)
        for item in found:
            if item.host_port is not None:
                self._promised[item.host_ip, item.protocol, item.host_port] = holder
        return tuple(found)

    def release(self, holder: str) -> None:
        """Forget the promises made to a container."""
        self._promised = {key: name for key, name in self._promised.items() if name != holder}

    def _one(self, owner: str, request: PortRequest, holder: str, avoid: frozenset[int]) -> Published:
        host_port = request.host_port or None
        if host_port is not None and not request.exact:
            host_port = self._next_free(request, host_port, avoid)
        if host_port is not None:
            self._promised[request.host_ip, request.protocol, host_port] = holder
        return _published(owner, request, host_port)

    def _next_free(self, request: PortRequest, wanted: int, avoid: frozenset[int]) -> int:
        # A privileged port's neighbours are no better: an unprivileged one is looked for above 1023.
        candidates: tuple[int, ...] = (wanted, *range(max(wanted + 1, 1024), PORT_MAX + 1))
        for port in candidates:
            if port not in avoid and self._is_usable(request.host_ip, request.protocol, port):
                return port
        raise EngineError("HostConfigError", "error retrieving docker port map: a host port is unavailable")

    def _range(
        self, owner: str, span: PortRangeRequest, holder: str, avoid: frozenset[int]
    ) -> list[Published]:
        count = span.last - span.first + 1
        if count > BINDINGS_MAX:
            text = f"error retrieving docker port map: {count} bindings are more than {BINDINGS_MAX}"
            raise EngineError("HostConfigError", text)
        first = self._free_range(span, count, avoid)
        for offset in range(count):
            self._promised[span.host_ip, span.protocol, first + offset] = holder
        return _published_range(owner, span, first)

    def _free_range(self, span: PortRangeRequest, count: int, avoid: frozenset[int]) -> int:
        first = span.first
        while first + count - 1 <= PORT_MAX:
            taken = [
                port
                for port in range(first, first + count)
                if port in avoid or not self._is_usable(span.host_ip, span.protocol, port)
            ]
            if not taken:
                return first
            beyond = taken[-1] + 1
            first = beyond if beyond > RANGE_FIRST else RANGE_FIRST
        text = f"error retrieving docker port map: {count} contiguous host ports are unavailable"
        raise EngineError("HostConfigError", text)

    def _is_usable(self, host_ip: str, protocol: str, port: int) -> bool:
        return (host_ip, protocol, port) not in self._promised and self._is_free(host_ip, protocol, port)


def asked_ports(inspection: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the host ports that an inspected container was made with; None where the engine chose."""
    bindings = (inspection.get("HostConfig") or {}).get("PortBindings") or {}
    return {
        key: int(asked[0]["HostPort"]) if asked and asked[0].get("HostPort") else None
        for key, asked in bindings.items()
    }


def _published(owner: str, request: PortRequest, host_port: int | None) -> Published:
    return Published(
        owner=owner,
        container_port=request.container_port,
        protocol=request.protocol,
        host_ip=request.host_ip,
        host_port=host_port,
        moved=bool(request.host_port) and host_port != request.host_port,
    )


def _published_range(owner: str, span: PortRangeRequest, first: int) -> list[Published]:
    count = span.last - span.first + 1
    return [
        Published(
            owner=owner,
            container_port=span.first + offset,
            protocol=span.protocol,
            host_ip=span.host_ip,
            host_port=first + offset,
            moved=first != span.first,
            first_of=0 if offset else count,
        )
        for offset in range(count)
    ]
