"""The dependency graph of a task: who waits for whom, in which waves it starts and stops, what is circular.

The waves are for people and plans: the machine needs none, because it asks each container anew. Stop order
is the exact reverse of the graph and not of the start waves: a container that nobody depends on stops in
the first wave, however early it started.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.states import Condition, ContainerKind

PAUSE_SOURCE = "pause"
"""The `source` of an edge to a pause container, which every other container waits for."""


class Edge(Struct, frozen=True, kw_only=True):
    """`container` waits for `waits_for`.

    `condition` is None for a pause container, whose readiness is no condition that could be declared.
    `source` says where the edge comes from: `dependsOn`, `links`, `volumesFrom`, `awsfirelens`, `pause`.
    """

    container: str
    waits_for: str
    condition: Condition | None
    source: str


def edges_of(spec: TaskSpec) -> tuple[Edge, ...]:
    """Return every edge of the graph, in the order of the definition; pause containers first for each.

    An edge to a container that the task does not have is among them.
    """
    pauses = [item.name for item in spec.containers if item.kind is not ContainerKind.NORMAL]
    found = []
    for item in spec.containers:
        holders = pauses if item.kind is ContainerKind.NORMAL else []
        found += [
            Edge(container=item.name, waits_for=name, condition=None, source=PAUSE_SOURCE) for name in holders
        ]
        found += [
            Edge(
                container=item.name,
                waits_for=dependency.container,
                condition=dependency.condition,
                source=dependency.source,
            )
            for dependency in item.depends_on
        ]
    return tuple(found)


def start_waves(spec: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """Return the containers in waves: each waits only for containers of earlier waves.

    Containers of one wave start side by side, and a wave need not wait for the rest of the one before.
    A container that waits for a circle is in no wave. An edge to a container that the task does not have
    holds nobody back here: it is the rules' and the machine's to refuse.
    """
    return _waves(_waits(spec))


def stop_waves(spec: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """Return the containers in the waves in which they stop: nobody before all who depend on it.

    A container that a circle depends on is in no wave.
    """
    dependants: dict[str, list[str]] = {item.name: [] for item in spec.containers}
    for name, others in _waits(spec).items():
        for other in others:
            dependants[other].append(name)
    return _waves(dependants)


def find_cycles(spec: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """Return circles of the graph as paths, `("a", "b", "a")` where a waits for b and b waits for a.

    Circles that share a container with an earlier one are left out: they may vanish with it.
    """
    names = _names(spec)
    waits = _waits(spec)
    left = set(names)
    found = []
    while left := _knot(left, waits):
        first = next(name for name in names if name in left)
        path = _walk(first, left, waits)
        found.append(_from_first(path, names))
        left -= set(path)
    return tuple(found)


def is_resolvable(spec: TaskSpec) -> bool:
    """Say whether every dependency can come to hold, as the ECS agent asks before it starts a task.

    It cannot with a circle, with a dependency on a container that the task does not have, or with HEALTHY
    on a container without a health check in the definition.
    """
    for item in spec.containers:
        for dependency in item.depends_on:
            if not spec.has_container(dependency.container):
                return False
            other = spec.container(dependency.container)
            if dependency.condition is Condition.HEALTHY and not other.has_health_check:
                return False
    return not find_cycles(spec)


def _names(spec: TaskSpec) -> list[str]:
    return [item.name for item in spec.containers]


def _waits(spec: TaskSpec) -> dict[str, tuple[str, ...]]:
    waits: dict[str, list[str]] = {name: [] for name in _names(spec)}
    for edge in edges_of(spec):
        if edge.waits_for in waits:
            waits[edge.container].append(edge.waits_for)
    return {name: tuple(dict.fromkeys(others)) for name, others in waits.items()}


def _waves(before: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    done: set[str] = set()
    waves = []
    while wave := tuple(name for name in before if name not in done and done.issuperset(before[name])):
        waves.append(wave)
        done.update(wave)
    return tuple(waves)


def _knot(names: Iterable[str], waits: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the names that wait for each other, taking away all that wait for nobody among them."""
    left = set(names)
    while loose := {name for name in left if not left.intersection(waits[name])}:
        left -= loose
    return left


def _walk(first: str, left: set[str], waits: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Follow the graph inside a knot until it comes back to itself; return the circle, each name once."""
    path = [first]
    while True:
        following = next(name for name in waits[path[-1]] if name in left)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def _from_first(circle: list[str], names: list[str]) -> tuple[str, ...]:
    """Turn a circle so that it begins and ends with the container that the definition names first."""
    start = circle.index(min(circle, key=names.index))
    turned = circle[start:] + circle[:start]
    return (*turned, turned[0])
