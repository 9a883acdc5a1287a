"""How a cluster's network is asked for; apart from `network`, as that comes before asyncio is there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from pillion.core.plan.model import NetworkMode, TaskPlan
from pillion.engines.docker import labels
from pillion.engines.docker.host import SOCKET_SCHEME, chosen_host, find_engine
from pillion.engines.docker.transport.early import EarlyCall
from pillion.ports.engine import EngineUnreachableError

CREATE = "networks/create"


class AskedNetwork(NamedTuple):
    """A cluster's network that the engine at `host` was asked for; whoever has `call` reads the answer."""

    host: str
    cluster: str
    call: EarlyCall


def network_name(cluster: str) -> str:
    """Return the name of a cluster's network."""
    return f"pillion-{cluster}"


def network_body(cluster: str) -> bytes:
    """Return what is sent to `CREATE`; where the network is there, the engine answers that it is."""
    wanted = {
        "Name": network_name(cluster),
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Labels": {labels.NETWORK: cluster},
        "Options": {"com.docker.network.bridge.enable_icc": "true"},
    }
    return json.dumps(wanted).encode()


def ask_for_network(
    plan: TaskPlan, host: str | None = None, environment: Mapping[str, str] | None = None
) -> AskedNetwork | None:
    """Ask an engine at a socket of this machine for a task's network; None where there is nothing to ask.

    What goes wrong is left for `FirstCalls` to meet, which takes the call over and has to be closed.
    """
    if plan.network_mode is not NetworkMode.AWSVPC:
        return None
    environment = os.environ if environment is None else environment
    try:
        address, _ = find_engine(chosen_host(host, environment), environment)
    except EngineUnreachableError:
        return None
    if address is None or not address.startswith(SOCKET_SCHEME):
        return None
    cluster = plan.identity.cluster
    call = EarlyCall.send(address, f"/{CREATE}", network_body(cluster))
    return None if call is None else AskedNetwork(host=address, cluster=cluster, call=call)
