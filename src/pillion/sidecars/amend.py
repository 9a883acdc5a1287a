"""What FireLens adds to a plan that is made: the router's files and variables, the clients' log driver.

Plain functions from plan to plan. AWS's own host names are answered inside the task with local AWS only:
`with_aws_hosts` points them at the link-local address and gives the router the CA that vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import Bind, ContainerPlan, NetworkMode, TaskPlan

if TYPE_CHECKING:
    from pillion.sidecars.firelens.plan import FirelensPlan


def with_firelens(plan: TaskPlan, firelens: FirelensPlan) -> TaskPlan:
    """Return the plan with the router's mounts and variables, and its clients' log driver and variables."""

    def amend(item: ContainerPlan) -> ContainerPlan:
        if item.name == firelens.router:
            item = replace(
                item,
                binds=(*item.binds, *firelens.binds),
                environment={**item.environment, **firelens.environment},
            )
        routed = firelens.routed.get(item.name)
        if routed is None:
            return item
        return replace(item, log=routed.log, environment={**item.environment, **routed.environment})

    return _amended(plan, amend)


def with_aws_hosts(
    plan: TaskPlan, *, router: str, hosts: Iterable[str], address: str, certificate: Bind | None
) -> TaskPlan:
    """Return the plan in which the router's AWS host names lead to `address`, vouched for by `certificate`.

    Without a certificate the router trusts nobody there: what it sends stays on this machine, and is refused.

    In awsvpc mode the names belong to the namespace that the task's containers share.
    """
    entries = tuple((host, address) for host in hosts)

    def amend(item: ContainerPlan) -> ContainerPlan:
        shared = plan.network_mode is NetworkMode.AWSVPC
        if item.kind is ContainerKind.CNI_PAUSE if shared else item.name == router:
            names = replace(item.namespaces, extra_hosts=(*item.namespaces.extra_hosts, *entries))
            item = replace(item, namespaces=names)
        if item.name == router and certificate is not None:
            item = replace(item, binds=(*item.binds, certificate))
        return item

    return _amended(plan, amend)


def with_extra_host(plan: TaskPlan, host: str, address: str) -> TaskPlan:
    """Return the plan in which every container that has a network of its own knows one more host."""

    def amend(item: ContainerPlan) -> ContainerPlan:
        if item.namespaces.network not in ("own", "bridge"):
            return item
        names = replace(item.namespaces, extra_hosts=(*item.namespaces.extra_hosts, (host, address)))
        return replace(item, namespaces=names)

    return _amended(plan, amend)


def _amended(plan: TaskPlan, amend: Callable[[ContainerPlan], ContainerPlan]) -> TaskPlan:
    return replace(plan, containers=tuple(amend(item) for item in plan.containers))
