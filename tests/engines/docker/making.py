"""Plans for the tests of the Docker engine, as short as a test wants to write them."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from msgspec.structs import replace

from pillion.core.lifecycle.spec import ContainerSpec, RestartPolicy, TaskSpec
from pillion.core.lifecycle.states import ContainerKind, PullBehavior
from pillion.core.plan.model import (
    ContainerPlan,
    ImagePlan,
    NamespacePlan,
    NetworkMode,
    TaskIdentity,
    TaskLimits,
    TaskPlan,
    VolumePlan,
)

BUSYBOX = "pillion-local/busybox:1"
PAUSE = "~internal~ecs~pause"
CLUSTER = f"tests-{secrets.token_hex(4)}"
"""One for each process, because a cluster has one network and a test must leave none behind.

All are as long: Docker finds a network also by the beginning of its name, and no one is another's beginning.
"""
ACCOUNT = "arn:aws:ecs:us-east-1:000000000000"


def identity(task_id: str | None = None) -> TaskIdentity:
    number = task_id or uuid.uuid4().hex
    return TaskIdentity(
        task_id=number,
        task_arn=f"{ACCOUNT}:task/{CLUSTER}/{number}",
        cluster=CLUSTER,
        cluster_arn=f"{ACCOUNT}:cluster/{CLUSTER}",
        family="shop",
        revision=1,
        definition_arn=f"{ACCOUNT}:task-definition/shop:1",
        region="us-east-1",
        account="000000000000",
    )


def container(name: str, script: str = "sleep 60", **changes: Any) -> ContainerPlan:
    """Return a busybox container that runs a shell script and ends at once when it is told to stop."""
    settled: dict[str, Any] = {
        "image": ImagePlan(reference=BUSYBOX),
        "command": ("sh", "-c", f"trap 'exit 143' TERM; {script} & wait $!"),
        "namespaces": NamespacePlan(network="none"),
        "stop_timeout_s": 2.0,
    }
    return ContainerPlan(name=name, engine_name=name, arn=f"{ACCOUNT}:container/{name}", **settled | changes)


def plain(name: str, script: str, **changes: Any) -> ContainerPlan:
    """Return a busybox container whose script is its first process, with nothing around it."""
    return container(name, **{"command": ("sh", "-c", script)} | changes)


def pause(**changes: Any) -> ContainerPlan:
    settled: dict[str, Any] = {
        "kind": ContainerKind.CNI_PAUSE,
        "image": ImagePlan(reference="pillion/holder", local=True),
        "entry_point": ("/holder",),
        "command": ("pause",),
        "namespaces": NamespacePlan(network="own"),
        "stop_timeout_s": 5.0,
    }
    return container(PAUSE, **settled | changes)


def joined(name: str, script: str = "sleep 60", **changes: Any) -> ContainerPlan:
    """Return a container in the network namespace of the pause container."""
    return container(name, script, namespaces=NamespacePlan(network=f"container:{PAUSE}"), **changes)


def task(
    *containers: ContainerPlan,
    volumes: tuple[VolumePlan, ...] = (),
    limits: TaskLimits | None = None,
    pull_behavior: PullBehavior = PullBehavior.PREFER_CACHED,
    task_id: str | None = None,
    dns_aliases: tuple[str, ...] = (),
    restart: RestartPolicy | None = None,
) -> TaskPlan:
    """Return a task of these containers; their engine names become those of this one task."""
    who = identity(task_id)
    named = tuple(
        replace(item, engine_name=f"ecs-shop-1-{item.name.strip('~').replace('~', '-')}-{who.task_id[:20]}")
        for item in containers
    )
    shared = any(item.namespaces.network == "own" for item in named)
    return TaskPlan(
        identity=who,
        network_mode=NetworkMode.AWSVPC if shared else NetworkMode.BRIDGE,
        containers=named,
        volumes=volumes,
        limits=limits,
        dns_aliases=dns_aliases,
        pull_behavior=pull_behavior,
        spec=TaskSpec(
            task_arn=who.task_arn,
            containers=tuple(
                ContainerSpec(
                    name=item.name,
                    kind=item.kind,
                    has_health_check=item.health is not None,
                    stop_timeout_s=item.stop_timeout_s,
                    restart=restart,
                )
                for item in named
            ),
        ),
    )
