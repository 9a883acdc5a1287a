"""The times that a definition implies: how soon and how late the start can be, how long a stop can take.

Only what the definition says is counted: intervals, start periods, timeouts. How long an image takes to
pull or a program to start is not in it, so every time here is a bound and not a forecast. A health check's
first probe comes one interval after the start.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.lifecycle.order import start_waves, stop_waves
from pillion.core.lifecycle.spec import Dependency
from pillion.core.lifecycle.states import Condition, ContainerKind
from pillion.core.plan.model import HealthProbe, TaskPlan


class EdgeTime(Struct, frozen=True, kw_only=True):
    """How long a dependant waits at least and at most, from the dependency's start, in seconds.

    `latest_s` is None where nothing in the definition bounds the wait.
    """

    dependency: Dependency
    earliest_s: float
    latest_s: float | None


class Timing(Struct, frozen=True, kw_only=True):
    """When each container can start, and what decides it.

    `starts_s` counts from the task's start. `critical_path` is the chain of containers that decides the
    earliest moment at which all have started; `stop_path` the one that decides the longest stop.
    """

    starts_s: dict[str, float]
    edges: dict[str, tuple[EdgeTime, ...]]
    critical_path: tuple[str, ...]
    running_after_s: float
    running_by_s: float | None
    stop_path: tuple[str, ...]
    stop_at_most_s: float

    @property
    def unbounded(self) -> tuple[tuple[str, EdgeTime], ...]:
        """The waits that nothing in the definition ends, each with who waits."""
        return tuple(
            (name, item) for name, edges in self.edges.items() for item in edges if item.latest_s is None
        )


def timing_of(plan: TaskPlan) -> Timing:
    """Return the times that a plan implies. The dependencies must be free of cycles."""
    edges = {
        item.name: tuple(
            _edge_time(plan, edge) for edge in item.depends_on if plan.spec.has_container(edge.container)
        )
        for item in plan.spec.containers
    }
    starts: dict[str, float] = {}
    latest: dict[str, float | None] = {}
    decided_by: dict[str, str | None] = {}
    for name in (name for wave in start_waves(plan.spec) for name in wave):
        waits = [(starts[item.dependency.container] + item.earliest_s, item) for item in edges[name]]
        begin, decider = max(waits, key=lambda wait: wait[0], default=(0.0, None))
        starts[name] = begin
        decided_by[name] = decider.dependency.container if decider else None
        latest[name] = _latest(latest, edges[name])
    last = max(reversed(starts), key=lambda name: starts[name], default=None)  # of equals the deepest
    bounds = list(latest.values())
    stop_path, stop_s = _longest_stop(plan)
    return Timing(
        starts_s=starts,
        edges=edges,
        critical_path=_chain(decided_by, last),
        running_after_s=starts[last] if last else 0.0,
        running_by_s=None
        if None in bounds
        else max((item for item in bounds if item is not None), default=0.0),
        stop_path=stop_path,
        stop_at_most_s=stop_s,
    )


def _latest(latest: dict[str, float | None], edges: tuple[EdgeTime, ...]) -> float | None:
    found = 0.0
    for item in edges:
        before = latest[item.dependency.container]
        if before is None or item.latest_s is None:
            return None
        found = max(found, before + item.latest_s)
    return found


def _edge_time(plan: TaskPlan, edge: Dependency) -> EdgeTime:
    limit_s = plan.spec.container(edge.container).start_timeout_s
    match edge.condition:
        case Condition.START | Condition.CREATE:
            return EdgeTime(dependency=edge, earliest_s=0.0, latest_s=0.0)
        case Condition.HEALTHY:
            probe = plan.container(edge.container).health
            earliest_s = probe.interval_s if probe else 0.0
            return EdgeTime(dependency=edge, earliest_s=earliest_s, latest_s=limit_s)
        case _:
            return EdgeTime(dependency=edge, earliest_s=0.0, latest_s=limit_s)


def unhealthy_after_s(probe: HealthProbe) -> float:
    """Return when a container that never passes a probe is UNHEALTHY at the latest, from its start.

    Failures inside the start period do not count; after it, `retries` probes in a row have to fail.
    """
    return probe.start_period_s + probe.retries * (probe.interval_s + probe.timeout_s)


def _chain(decided_by: dict[str, str | None], last: str | None) -> tuple[str, ...]:
    chain: list[str] = []
    while last is not None:
        chain.append(last)
        last = decided_by[last]
    return tuple(reversed(chain))


def _longest_stop(plan: TaskPlan) -> tuple[tuple[str, ...], float]:
    """Return the chain of containers whose stop timeouts add up to the longest stop.

    Who waited for another to end does not run at the same time as it, unless that one is restarted.
    """
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in (name for wave in stop_waves(plan.spec) for name in wave):
        spec = plan.spec.container(name)
        if spec.kind is not ContainerKind.NORMAL:
            continue
        waits = [
            (total[other], other) for other in plan.spec.dependants[name] if _together(plan, other, name)
        ]
        earlier, decider = max(waits, default=(0.0, None))
        total[name] = earlier + spec.stop_timeout_s
        before[name] = decider
    last = max(total, key=lambda name: total[name], default=None)
    return _chain(before, last), total[last] if last else 0.0


def _together(plan: TaskPlan, dependant: str, dependency: str) -> bool:
    """Say whether both can run when the task is stopped."""
    conditions = {
        edge.condition for edge in plan.spec.container(dependant).depends_on if edge.container == dependency
    }
    ended_first = not conditions.isdisjoint((Condition.COMPLETE, Condition.SUCCESS))
    return not ended_first or plan.spec.container(dependency).restart is not None
