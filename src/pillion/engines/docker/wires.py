"""Cutting a container's network as an outage would: the wire goes dead, addresses and routes stay.

The end of the container's wire that lies on this machine is switched off. Inside, nothing changes but that
no packet comes or goes; taking the container off its network would take its interface away instead, and its
published ports with it. This takes root on the engine's own machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from pillion.engines.docker.namespace import NamespaceUnavailableError, in_namespace_of
from pillion.engines.docker.netlink import Netlink
from pillion.ports.injector import InjectionUnavailableError

_INTERFACES = tuple(f"eth{number}" for number in range(4))
"""Docker names a container's interfaces so, one for each network. `ecs-eth0` leads to the ECS endpoints."""


def cut(pid: int, container_id: str) -> tuple[int, ...]:
    """Cut every wire of a container's namespace; return the numbers of our ends, for `mend`.

    Raises InjectionUnavailableError.
    """
    try:
        ends = in_namespace_of(pid, container_id, _other_ends)
    except NamespaceUnavailableError as error:
        raise InjectionUnavailableError(error.reason) from error
    if not ends:
        raise InjectionUnavailableError("its network namespace has no wire that could be cut")
    _switch(ends, up=False)
    return ends


def mend(ends: Sequence[int]) -> None:
    """Connect wires again, those that are still there."""
    for end in ends:
        with suppress(InjectionUnavailableError):
            _switch((end,), up=True)


def _other_ends() -> tuple[int, ...]:
    found = []
    with Netlink() as there:
        for name in _INTERFACES:
            with suppress(OSError):
                found.append(there.other_end(name))
    return tuple(found)


def _switch(ends: Sequence[int], *, up: bool) -> None:
    try:
        with Netlink() as here:
            for end in ends:
                here.switch(end, up=up)
    except OSError as error:
        text = f"the network cannot be switched: {error.strerror or os.strerror(error.errno or 0)}"
        raise InjectionUnavailableError(text) from error
