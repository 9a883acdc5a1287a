"""What an engine found out about a container beside its status: ports and addresses, for reports."""

from __future__ import annotations

from msgspec import Struct


class PortBinding(Struct, frozen=True, kw_only=True):
    """A port as it was published. `moved` says that the wanted host port was taken.

    A range is one binding whose `count` is the number of consecutive ports from each of the two.
    """

    host_ip: str
    host_port: int
    container_port: int
    protocol: str
    moved: bool = False
    count: int = 1


class NetworkAddress(Struct, frozen=True, kw_only=True):
    """Where a container can be reached: its address on one network."""

    network: str
    ipv4: str | None = None
    ipv6: str | None = None
    mac: str | None = None
    gateway_ipv4: str | None = None
    prefix_length: int | None = None


class ContainerFacts(Struct, frozen=True, kw_only=True):
    """Ports and addresses of one container, and the process that holds its namespaces."""

    bindings: tuple[PortBinding, ...] = ()
    addresses: tuple[NetworkAddress, ...] = ()
    namespace_pid: int | None = None
