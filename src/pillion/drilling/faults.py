"""Which faults a drill makes, and which of them can happen to which container of a plan.

What makes no sense for a container is left out with the reason: health without a health check, memory without
a limit, a full volume where nothing can be written. The network of a task in awsvpc mode is one namespace, so
cutting it concerns the task; there it is a case of the task and of no container.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import ContainerPlan, NetworkMode, TaskPlan

THE_TASK = "the task"


class Fault(Enum):
    """What is done to a container; the value is its name on the command line."""

    KILL = "kill"
    EXIT_0 = "exit-0"
    EXIT_1 = "exit-1"
    MEMORY = "memory"
    FREEZE = "freeze"
    NEVER_HEALTHY = "never-healthy"
    UNHEALTHY = "unhealthy"
    DELAY = "delay"
    VOLUME = "volume"
    NETWORK = "network"


WORDS = {
    Fault.KILL: "is killed",
    Fault.EXIT_0: "exits with 0",
    Fault.EXIT_1: "exits with 1",
    Fault.MEMORY: "runs out of memory",
    Fault.FREEZE: "is frozen",
    Fault.NEVER_HEALTHY: "never gets healthy",
    Fault.UNHEALTHY: "turns unhealthy",
    Fault.DELAY: "starts late",
    Fault.VOLUME: "finds its volume full",
    Fault.NETWORK: "loses its network",
}
"""Each fault as the rest of a sentence about the container."""

FROM_THE_START = frozenset({Fault.NEVER_HEALTHY, Fault.DELAY})
"""Faults that are there before the container runs."""

HELD = frozenset({Fault.FREEZE, Fault.UNHEALTHY, Fault.NETWORK})
"""Faults that last for a while and are then taken back."""


class Case(Struct, frozen=True, kw_only=True):
    """One fault of one container; `container` is None where it is the task's. `volumes`: what is filled."""

    container: str | None
    fault: Fault
    volumes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How the case is called: `web:kill`."""
        return f"{self.container or 'task'}:{self.fault.value}"

    @property
    def words(self) -> str:
        """What happens, as a sentence: `web is killed`."""
        return f"{self.container or THE_TASK} {WORDS[self.fault]}"


class LeftOut(Struct, frozen=True, kw_only=True):
    """A fault that does not apply to a container, and why, in a half-sentence."""

    container: str | None
    fault: Fault
    reason: str


class Matrix(Struct, frozen=True, kw_only=True):
    """All cases of a plan, container by container, and what was left out."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]

    def only(self, containers: frozenset[str], faults: frozenset[Fault]) -> Matrix:
        """Return the part that somebody chose; an empty choice is all. The task goes by the name `task`."""
        return Matrix(
            cases=tuple(item for item in self.cases if _is_chosen(item, containers, faults)),
            left_out=tuple(item for item in self.left_out if _is_chosen(item, containers, faults)),
        )


def _is_chosen(item: Case | LeftOut, containers: frozenset[str], faults: frozenset[Fault]) -> bool:
    return (not containers or (item.container or "task") in containers) and (
        not faults or item.fault in faults
    )


def matrix_of(plan: TaskPlan, *, local: bool) -> Matrix:
    """Return every fault of every container of the definition, and of the task.

    Args:
        plan: the task.
        local: whether the engine shares this machine's files, as a case needs that makes a check fail.
    """
    found: list[Case | LeftOut] = []
    for item in plan.containers:
        if item.kind is ContainerKind.NORMAL:
            found += [
                _applied(plan, item, fault, local=local) for fault in Fault if fault is not Fault.NETWORK
            ]
            if plan.network_mode is NetworkMode.BRIDGE:
                found.append(_cut_on_bridge(item))
    if plan.network_mode is not NetworkMode.BRIDGE:
        found.append(_cut_of_task(plan))
    return Matrix(
        cases=tuple(item for item in found if isinstance(item, Case)),
        left_out=tuple(item for item in found if isinstance(item, LeftOut)),
    )


def _applied(plan: TaskPlan, item: ContainerPlan, fault: Fault, *, local: bool) -> Case | LeftOut:
    if fault is Fault.VOLUME:
        return _filled(plan, item)
    reason = _obstacle(item, fault, local=local)
    if reason is not None:
        return LeftOut(container=item.name, fault=fault, reason=reason)
    return Case(container=item.name, fault=fault)


def _obstacle(item: ContainerPlan, fault: Fault, *, local: bool) -> str | None:
    if fault is Fault.MEMORY and item.limits.memory_bytes is None:
        return "it has no memory limit of its own"
    if fault in (Fault.NEVER_HEALTHY, Fault.UNHEALTHY) and item.health is None:
        return "it has no healthCheck"
    if fault is Fault.UNHEALTHY and item.health is not None:
        if item.health.command[0] != "CMD-SHELL":
            return "its health check runs without a shell and cannot be made to fail later: see freeze"
        if not local:
            return "the engine is on another machine"
    return None


def _filled(plan: TaskPlan, item: ContainerPlan) -> Case | LeftOut:
    known = {volume.name for volume in plan.volumes}
    writable = tuple(
        dict.fromkeys(mount.volume for mount in item.mounts if not mount.read_only and mount.volume in known)
    )
    shared = [name for name in writable if len(list(_users(plan, name))) > 1]
    if not writable:
        return LeftOut(container=item.name, fault=Fault.VOLUME, reason="it mounts no volume it could fill")
    if shared and plan.network_mode is not NetworkMode.AWSVPC:
        reason = f"outside awsvpc mode nothing keeps a small volume {shared[0]} between its users"
        return LeftOut(container=item.name, fault=Fault.VOLUME, reason=reason)
    return Case(container=item.name, fault=Fault.VOLUME, volumes=writable)


def _users(plan: TaskPlan, volume: str) -> Iterator[str]:
    for item in plan.containers:
        if any(mount.volume == volume for mount in item.mounts):
            yield item.name


def _cut_on_bridge(item: ContainerPlan) -> Case | LeftOut:
    if item.namespaces.network == "none":
        return LeftOut(container=item.name, fault=Fault.NETWORK, reason="it has no network")
    return Case(container=item.name, fault=Fault.NETWORK)


def _cut_of_task(plan: TaskPlan) -> Case | LeftOut:
    if plan.network_mode is NetworkMode.AWSVPC:
        return Case(container=None, fault=Fault.NETWORK)
    reason = (
        "in network mode host it is the machine's own"
        if plan.network_mode is NetworkMode.HOST
        else "in network mode none there is none"
    )
    return LeftOut(container=None, fault=Fault.NETWORK, reason=reason)
