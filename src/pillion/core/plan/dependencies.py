"""Who waits for whom: the declared dependencies and those that the ECS agent adds by itself.

The agent adds START for each link, CREATE for each volumesFrom, and START on the log router for every
container that logs through awsfirelens, unless the router has any dependency of its own (then nobody
gets one, and the start and stop order between them is up to the definition).
"""

from __future__ import annotations

from collections.abc import Iterable

from pillion.core.lifecycle.spec import Dependency
from pillion.core.lifecycle.states import Condition
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition


def log_router(definition: TaskDefinition) -> ContainerDefinition | None:
    """Return the container that routes logs: the first with a firelensConfiguration."""
    for container in definition.container_definitions or ():
        if container.firelens_configuration is not None:
            return container
    return None


def logs_through_firelens(container: ContainerDefinition) -> bool:
    """Say whether a container's log driver is awsfirelens."""
    log = container.log_configuration
    return log is not None and log.log_driver == "awsfirelens"


def log_routes(definition: TaskDefinition) -> dict[str, str]:
    """Return, for each container that logs through awsfirelens, the router that delivers its output."""
    router = log_router(definition)
    if router is None or router.name is None:
        return {}
    return {
        container.name: router.name
        for container in definition.container_definitions or ()
        if container.name and container.name != router.name and logs_through_firelens(container)
    }


def dependencies_of(
    definition: TaskDefinition, container: ContainerDefinition, running: Iterable[str]
) -> tuple[Dependency, ...]:
    """Return every dependency of a container, declared ones first.

    `running` are the names of the containers that take part in the run: an edge to one that was left out
    (`--mute`) is dropped, one to a container that the definition does not have is kept and fails as in ECS.
    """
    left_out = {item.name for item in definition.container_definitions or ()} - set(running)
    found = [*_declared(container), *_implied(container)]
    router = log_router(definition)
    if router is not None and router.name != container.name and logs_through_firelens(container):
        router_edges = (*_declared(router), *_implied(router))
        known = {edge.container for edge in found}
        if not router_edges and router.name is not None and router.name not in known:
            found.append(Dependency(container=router.name, condition=Condition.START, source="awsfirelens"))
    return tuple(edge for edge in found if edge.container not in left_out)


def _declared(container: ContainerDefinition) -> list[Dependency]:
    return [
        Dependency(container=entry.container_name, condition=Condition(entry.condition))
        for entry in container.depends_on or ()
    ]


def _implied(container: ContainerDefinition) -> list[Dependency]:
    links = [
        Dependency(container=link.partition(":")[0], condition=Condition.START, source="links")
        for link in container.links or ()
    ]
    sources = [
        Dependency(container=entry.source_container, condition=Condition.CREATE, source="volumesFrom")
        for entry in container.volumes_from or ()
        if entry.source_container
    ]
    return [*links, *sources]
