"""Rules about who waits for whom: dependsOn, links and volumesFrom."""

from __future__ import annotations

from collections.abc import Iterator

from pillion.core.likeness import closest
from pillion.core.rules.examples import app, depends, health_check, sidecar, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, set_to, task_rule, we_say
from pillion.core.task_view import ContainerView, TaskView, members, strings, text

_DEPENDS_ON = guide("task_definition_parameters.html#container_definition_dependson")
_LINKS = guide("task_definition_parameters.html#container_definition_network")


def did_you_mean(name: str, known: list[str]) -> str:
    """A sentence that suggests the nearest of the known names, or lists them."""
    near = closest(name, known)
    if near:
        return f"Did you mean {near!r}?"
    return f"The containers are {', '.join(known)}." if known else ""


@container_rule(
    code="E101",
    title="A dependency names a container that does not exist",
    why="The container would wait for something that never comes; AWS refuses the definition.",
    fix="Name a container of this definition; names are case-sensitive.",
    source=_DEPENDS_ON,
    bad=task(app(dependsOn=depends(database="START")), sidecar("db")),
    good=task(app(dependsOn=depends(db="START")), sidecar("db")),
    on="dependsOn",
    blocks_run=True,
)
def unknown_dependency(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every dependency names a container of the definition."""
    for index, name, _ in container.dependencies:
        if name is not None and name not in task.by_name and task.containers_known:
            message = f"Cannot depend on container + '{name}' because it does not exist"
            detail = did_you_mean(name, [other for other in task.by_name if other != container.name])
            yield aws_says(container.at("dependsOn", index, "containerName"), message, detail)


@container_rule(
    code="E102",
    title="COMPLETE or SUCCESS waits for an essential container",
    why="An essential container's exit stops the task, so whoever waits for that exit could never start.",
    fix='Set `"essential": false` on the container that is waited for.',
    source=_DEPENDS_ON,
    bad=task(app(dependsOn=depends(migrate="SUCCESS")), sidecar("migrate")),
    good=task(app(dependsOn=depends(migrate="SUCCESS")), sidecar("migrate", essential=False)),
    on="dependsOn",
)
def exit_of_essential(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The target of COMPLETE and SUCCESS is not essential; the default is essential."""
    for index, name, condition in container.dependencies:
        if condition not in ("COMPLETE", "SUCCESS") or name is None:
            continue
        other = task.by_name.get(name)
        if other is not None and other.essential:
            message = (
                "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
            )
            default = "" if "essential" in other.raw else ", which is the default"
            detail = f"{container.label} waits for the exit of {name}, and {name} is essential{default}."
            edit = set_to(other.at("essential"), False) if _other_essential(task, other) else None
            yield aws_says(container.at("dependsOn", index, "condition"), message, detail, edit=edit)


def _other_essential(task: TaskView, container: ContainerView) -> bool:
    return any(other.essential for other in task.containers if other is not container)


@container_rule(
    code="E103",
    title="HEALTHY waits for a container without a health check",
    why=(
        "ECS looks only at the health check of the definition; the HEALTHCHECK of an image does not count, "
        "so the condition could never hold."
    ),
    fix="Add a healthCheck to the container that is waited for, even if its image has one.",
    source=_DEPENDS_ON,
    bad=task(app(dependsOn=depends(db="HEALTHY")), sidecar("db")),
    good=task(app(dependsOn=depends(db="HEALTHY")), sidecar("db", healthCheck=health_check())),
    on="dependsOn",
    blocks_run=True,
)
def healthy_without_health_check(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The target of HEALTHY has a health check in the definition."""
    for index, name, condition in container.dependencies:
        other = task.by_name.get(name) if condition == "HEALTHY" and name is not None else None
        if other is not None and not other.has_health_check:
            message = "A dependency container with HEALTHY condition must have health check configured"
            detail = f"{name} has no healthCheck; a HEALTHCHECK in its image does not count."
            yield aws_says(container.at("dependsOn", index, "condition"), message, detail)


@task_rule(
    code="E104",
    title="Containers wait for each other in a circle",
    why="None of them could ever start.",
    fix="Take one of the dependencies away.",
    source=_DEPENDS_ON,
    bad=task(app(dependsOn=depends(db="START")), sidecar("db", dependsOn=depends(app="START"))),
    good=task(app(dependsOn=depends(db="START")), sidecar("db")),
    blocks_run=True,
)
def cycle(task: TaskView) -> Iterator[Hit]:
    """dependsOn, links and volumesFrom together have no cycle; a container waiting for itself is one."""
    edges = {container: list(_waits_for(task, container)) for container in task.containers}
    if not any(edges.values()):
        return
    for found in _cycles(edges):
        names = " -> ".join([container.label for container, _ in found] + [found[0][0].label])
        kinds = {kind for _, kind in found}
        last, kind = found[-1]
        if kinds == {"links"}:
            yield aws_says(last.at(kind), "Container links should not have a cycle", f"{names}.")
        else:
            yield we_say(last.at(kind), f"The containers wait for each other: {names}.")


Edge = tuple[ContainerView, str]


def _waits_for(task: TaskView, container: ContainerView) -> Iterator[Edge]:
    """Containers that this one waits for, each with the member that says so."""
    for _, name, _ in container.dependencies:
        if name in task.by_name:
            yield task.by_name[name], "dependsOn"
    for _, link in strings(container.raw, "links"):
        if (name := link.partition(":")[0]) in task.by_name:
            yield task.by_name[name], "links"
    for _, entry in members(container.raw, "volumesFrom"):
        if (source := text(entry, "sourceContainer")) in task.by_name:
            yield task.by_name[source], "volumesFrom"


def _cycles(edges: dict[ContainerView, list[Edge]]) -> Iterator[list[Edge]]:
    """Walk the graph once; each cycle comes as its containers, each with the member that leads on."""
    finished: set[ContainerView] = set()
    for start, first_edges in edges.items():
        path: list[Edge] = []
        walks = [(start, iter(first_edges))]
        on_path = {start}
        while walks:
            container, rest = walks[-1]
            target, kind = next(rest, (None, ""))
            if target is None:
                finished.add(container)
                on_path.discard(container)
                walks.pop()
                if path:
                    path.pop()
            elif target in on_path:
                whole = [*path, (container, kind)]
                first = next(i for i, (visited, _) in enumerate(whole) if visited is target)
                yield whole[first:]
            elif target not in finished:
                path.append((container, kind))
                on_path.add(target)
                walks.append((target, iter(edges[target])))


@container_rule(
    code="E105",
    title="A link to a container that does not exist",
    why="A link is a name of another container of the task, and makes this one wait for it.",
    fix="Name a container of this definition.",
    source=_LINKS,
    bad=task(app(links=["database:db"]), sidecar("db")),
    good=task(app(links=["db:database"]), sidecar("db")),
    on="links",
    blocks_run=True,
)
def unknown_link(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every link names a container of the definition."""
    for index, link in strings(container.raw, "links"):
        name = link.partition(":")[0]
        if name not in task.by_name and task.containers_known:
            hint = did_you_mean(name, [other for other in task.by_name if other != container.name])
            message = f"The link {link!r} names a container that does not exist. {hint}".rstrip()
            yield we_say(container.at("links", index), message)


@container_rule(
    code="E106",
    title="volumesFrom names a container that does not exist",
    why="There is nothing whose volumes could be mounted.",
    fix="Name a container of this definition.",
    source=guide("task_definition_parameters.html#container_definition_storage"),
    bad=task(app(volumesFrom=[{"sourceContainer": "data"}])),
    good=task(app(volumesFrom=[{"sourceContainer": "data"}]), sidecar("data")),
    on="volumesFrom",
    blocks_run=True,
)
def unknown_volumes_from(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every source container is in the definition."""
    for index, entry in members(container.raw, "volumesFrom"):
        source = text(entry, "sourceContainer")
        if source is not None and source not in task.by_name and task.containers_known:
            message = f"Invalid 'volumesFrom' setting. Unknown container: '{source}'."
            detail = did_you_mean(source, [other for other in task.by_name if other != container.name])
            yield aws_says(container.at("volumesFrom", index, "sourceContainer"), message, detail)
