"""The order in which a task's containers start and stop, as waves; and cycles, with their path.

A wave holds containers that may go at the same time. The stop order is the exact reverse of the graph,
whatever the conditions. Pause containers come first and go last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pillion.core.lifecycle.spec import Dependency, TaskSpec
from pillion.core.lifecycle.states import ContainerKind


@dataclass(frozen=True, kw_only=True, slots=True)
class StartOrder:
    """Who starts when: waves of container names, and what each container waits for."""

    start_waves: tuple[tuple[str, ...], ...]
    stop_waves: tuple[tuple[str, ...], ...]
    waits_for: Mapping[str, tuple[Dependency, ...]]


class CycleError(ValueError):
    """The dependencies go in a circle; `path` begins and ends with the same container."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


def start_order(spec: TaskSpec) -> StartOrder:
    """Return who starts and stops when. Raises CycleError."""
    requirements = {item.name: _requirements(spec, item.name) for item in spec.containers}
    start = _waves(requirements)
    dependants: dict[str, set[str]] = {name: set() for name in requirements}
    for name, needed in requirements.items():
        for other in needed:
            dependants[other].add(name)
    return StartOrder(
        start_waves=start,
        stop_waves=_waves(dependants),
        waits_for={item.name: item.depends_on for item in spec.containers},
    )


def find_cycle(graph: Mapping[str, set[str]]) -> tuple[str, ...] | None:
    """Return one cycle of a graph as a path that ends where it began, or None."""
    done: set[str] = set()
    for begin in graph:
        path: list[str] = []
        found = _walk(graph, begin, path, done)
        if found:
            return found
    return None


def _walk(
    graph: Mapping[str, set[str]], name: str, path: list[str], done: set[str]
) -> tuple[str, ...] | None:
    if name in path:
        return (*path[path.index(name) :], name)
    if name in done:
        return None
    path.append(name)
    for other in sorted(graph.get(name, ())):
        found = _walk(graph, other, path, done)
        if found:
            return found
    path.pop()
    done.add(name)
    return None


def _requirements(spec: TaskSpec, name: str) -> set[str]:
    item = spec.container(name)
    needed = {edge.container for edge in item.depends_on if spec.has_container(edge.container)}
    if item.kind is ContainerKind.NORMAL:
        needed |= {holder for holder in (spec.network_holder, spec.namespace_holder) if holder}
    return needed


def _waves(graph: Mapping[str, set[str]]) -> tuple[tuple[str, ...], ...]:
    waves: list[tuple[str, ...]] = []
    placed: set[str] = set()
    while len(placed) < len(graph):
        wave = tuple(name for name, needed in graph.items() if name not in placed and needed <= placed)
        if not wave:
            raise CycleError(
                find_cycle({name: graph[name] - placed for name in graph if name not in placed}) or ()
            )
        waves.append(wave)
        placed |= set(wave)
    return tuple(waves)
