"""Puts FireLens into a plan: the router's mounts and variables, the log driver of those it serves.

The dependencies between them are in the plan already, and so is the resource that the router waits for
(`core.plan.build`). In bridge mode FLUENT_HOST is missing here: it is the router's address, which has to be
added when a container is created (`RoutedContainer.needs_router_address`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import Bind, ContainerPlan, NetworkMode, TaskPlan
from pillion.sidecars.firelens.plan import FirelensPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsNames:
    """AWS's host names answered on this machine: which, where, and the CA that vouches for them.

    `certificate` is the CA's file as the router mounts it.
    """

    names: tuple[str, ...]
    address: str
    certificate: Bind

    @property
    def hosts(self) -> tuple[tuple[str, str], ...]:
        """The names as entries of /etc/hosts."""
        return tuple((name, self.address) for name in self.names)


def amend_for_firelens(plan: TaskPlan, firelens: FirelensPlan, names: AwsNames | None) -> TaskPlan:
    """Return the plan with FireLens in it.

    Args:
        plan: of the task; containers that are left out of the run are not in it.
        firelens: what FireLens adds.
        names: with local AWS only, for routers that speak nothing but TLS to AWS's own host names.
    """
    shared = plan.network_mode is NetworkMode.AWSVPC
    containers: list[ContainerPlan] = []
    for container in plan.containers:
        amended = _routed(container, firelens)
        if container.name == firelens.router:
            certificate = (names.certificate,) if names is not None else ()
            amended = replace(
                amended,
                binds=(*amended.binds, *firelens.binds, *certificate),
                environment={**amended.environment, **firelens.environment},
            )
        # Containers that share a network namespace share its /etc/hosts.
        owns_hosts = (
            container.kind is ContainerKind.CNI_PAUSE if shared else container.name == firelens.router
        )
        if names is not None and owns_hosts:
            namespaces = amended.namespaces
            hosts = (*namespaces.extra_hosts, *names.hosts)
            amended = replace(amended, namespaces=replace(namespaces, extra_hosts=hosts))
        containers.append(amended)
    return replace(plan, containers=tuple(containers))


def _routed(container: ContainerPlan, firelens: FirelensPlan) -> ContainerPlan:
    routed = firelens.routed.get(container.name)
    if routed is None:
        return container
    environment: Mapping[str, str] = {**container.environment, **routed.environment}
    return replace(container, log=routed.log, environment=environment)
