"""A plan as people and programs read it: start order, who waits for whom, stop order, and the times.

Three forms of one thing: text, a JSON value, and a Mermaid graph. Pause containers are left out: they
come first and go last in every task. Times are bounds that the definition implies, not forecasts: how long
an image takes to pull is in none of them.
"""

from __future__ import annotations

from typing import Any

from pillion.core.lifecycle.order import start_waves, stop_waves
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.states import Condition, ContainerKind
from pillion.core.plan.model import ContainerPlan, HealthProbe, TaskPlan
from pillion.core.plan.timing import Timing, timing_of, unhealthy_after_s
from pillion.core.units import format_duration_s

_MET_BY = {
    Condition.CREATE: "is created",
    Condition.START: "has started",
    Condition.COMPLETE: "has ended, with any exit code",
    Condition.SUCCESS: "has exited with 0",
    Condition.HEALTHY: "is HEALTHY",
}


def outline_json(plan: TaskPlan) -> dict[str, Any]:
    """Return start and stop order as a JSON value. The dependencies must be free of cycles."""
    waves = _normal_waves(plan, start_waves(plan.spec))
    timing = timing_of(plan)
    return {
        "family": plan.identity.family,
        "networkMode": plan.network_mode.value,
        "start": [
            [_container_json(plan.spec.container(name), timing.starts_s[name]) for name in wave]
            for wave in waves
        ],
        "stop": [
            [{"name": name, "stopTimeout": plan.spec.container(name).stop_timeout_s} for name in wave]
            for wave in _normal_waves(plan, stop_waves(plan.spec))
        ],
        "times": _times_json(plan, timing),
        "notices": [
            {
                "code": item.code,
                "text": item.text,
                **({"container": item.container} if item.container else {}),
            }
            for item in plan.notices
        ],
    }


def _times_json(plan: TaskPlan, timing: Timing) -> dict[str, Any]:
    """Return the times in seconds; `allStartedAtTheLatest` is null where a wait has no end."""
    return {
        "criticalPath": list(timing.critical_path),
        "allStartedAtTheSoonest": timing.running_after_s,
        "allStartedAtTheLatest": timing.running_by_s,
        "waitsWithoutEnd": [
            {
                "name": name,
                "containerName": item.dependency.container,
                "condition": item.dependency.condition.value,
            }
            for name, item in timing.unbounded
        ],
        "longestStop": {"path": list(timing.stop_path), "seconds": timing.stop_at_most_s},
        "healthChecks": [
            {
                "name": item.name,
                "firstProbeAfter": probe.interval_s,
                "unhealthyAtTheLatestAfter": unhealthy_after_s(probe),
            }
            for item, probe in _probed(plan)
        ],
    }


def _probed(plan: TaskPlan) -> list[tuple[ContainerPlan, HealthProbe]]:
    return [(item, item.health) for item in plan.containers if item.health is not None]


def _container_json(spec: ContainerSpec, starts_s: float) -> dict[str, Any]:
    return {
        "name": spec.name,
        "essential": spec.essential,
        "startsAtTheSoonest": starts_s,
        "waitsFor": [
            {"containerName": edge.container, "condition": edge.condition.value, "source": edge.source}
            for edge in spec.depends_on
        ],
    }


def outline_text(plan: TaskPlan) -> str:
    """Return start order, stop order and times as text for a person.

    The dependencies must be free of cycles.
    """
    timing = timing_of(plan)
    start, stop = start_waves(plan.spec), stop_waves(plan.spec)
    notes = ["", *(f"note: {item.text}" for item in plan.notices)] if plan.notices else []
    return "\n".join(
        (
            f"{plan.identity.family}:{plan.identity.revision}, network mode {plan.network_mode.value}",
            *("", "start", *_start_lines(plan, _normal_waves(plan, start), timing)),
            *("", "stop", *_stop_lines(plan, _normal_waves(plan, stop))),
            *("", "times that the definition implies", *_times_lines(plan, timing)),
            *notes,
        )
    )


def _start_lines(plan: TaskPlan, waves: list[list[str]], timing: Timing) -> list[str]:
    width = _width(waves)
    times = {name: format_duration_s(at_s) for name, at_s in timing.starts_s.items() if at_s > 0}
    time_width = max((len(text) for text in times.values()), default=-1) + 1
    lines = []
    for number, wave in enumerate(waves, 1):
        for name in wave:
            spec = plan.spec.container(name)
            kind = "essential" if spec.essential else "         "
            waits = "; ".join(_waits(edge) for edge in spec.depends_on) or "at once"
            soonest = f"{'≥ ' + times[name] if name in times else '':{time_width + 3}}" if times else ""
            lines.append(f"  {number}  {name:{width}}  {kind}  {soonest}{waits}")
    return lines


def _stop_lines(plan: TaskPlan, waves: list[list[str]]) -> list[str]:
    width = _width(waves)
    return [
        f"  {number}  {name:{width}}  killed after {plan.spec.container(name).stop_timeout_s:g} s"
        for number, wave in enumerate(waves, 1)
        for name in wave
    ]


def _times_lines(plan: TaskPlan, timing: Timing) -> list[str]:
    lines = []
    if len(timing.critical_path) > 1:
        lines.append(f"  critical path  {' → '.join(timing.critical_path)}")
    lines.append(f"  all started    {all_started_words(timing)}")
    for name, item in timing.unbounded:
        edge = item.dependency
        wait = f"{name} waits for {edge.container} ({edge.condition.value})"
        lines.append(f"                 {wait} without end: {edge.container} has no startTimeout")
    path = f": {' → '.join(timing.stop_path)}" if timing.stop_path else ""
    lines.append(f"  longest stop   {format_duration_s(timing.stop_at_most_s)}{path}")
    probed = _probed(plan)
    width = max((len(item.name) for item, _ in probed), default=0)
    for number, (container, probe) in enumerate(probed):
        title = "health checks" if number == 0 else ""
        first, last = format_duration_s(probe.interval_s), format_duration_s(unhealthy_after_s(probe))
        lines.append(
            f"  {title:13}  {container.name:{width}}  first probe {first} after its start; if none passes, "
            f"UNHEALTHY by {last}"
        )
    return lines


def all_started_words(timing: Timing) -> str:
    """Return when all containers have started, at the soonest and at the latest."""
    soonest = (
        "at once" if timing.running_after_s == 0 else f"after {format_duration_s(timing.running_after_s)}"
    )
    if timing.running_by_s is None:
        return f"{soonest} at the soonest, and maybe never"
    if timing.running_by_s == timing.running_after_s:
        return soonest
    return f"{soonest} at the soonest, after {format_duration_s(timing.running_by_s)} at the latest"


def _width(waves: list[list[str]]) -> int:
    return max((len(name) for wave in waves for name in wave), default=0)


def _waits(edge: Dependency) -> str:
    origin = "" if edge.source == "dependsOn" else f" ({edge.source})"
    return f"when {edge.container} {_MET_BY[edge.condition]}{origin}"


def outline_mermaid(plan: TaskPlan) -> str:
    """Return the dependency graph as a Mermaid flowchart: an arrow leads from who is waited for.

    Essential containers have a double frame; the critical path is drawn strong.
    """
    timing = timing_of(plan)
    critical = set(zip(timing.critical_path, timing.critical_path[1:], strict=False))
    names = [item.name for item in plan.containers if item.kind is ContainerKind.NORMAL]
    ids = {name: f"c{index}" for index, name in enumerate(names)}
    lines = ["flowchart LR"]
    for name in names:
        left, right = ("[[", "]]") if plan.spec.container(name).essential else ("[", "]")
        begins_s = timing.starts_s[name]
        when = f"<br/>≥ {format_duration_s(begins_s)}" if begins_s > 0 else ""
        lines.append(f'  {ids[name]}{left}"{name}{when}"{right}')
    edges = [
        (edge, name)
        for name in names
        for edge in plan.spec.container(name).depends_on
        if edge.container in ids
    ]
    strong = []
    for number, (edge, name) in enumerate(edges):
        lines.append(f"  {ids[edge.container]} -->|{edge.condition.value}| {ids[name]}")
        if (edge.container, name) in critical:
            strong.append(str(number))
    if strong:
        lines.append(f"  linkStyle {','.join(strong)} stroke:#d9622b,stroke-width:3px")
    return "\n".join(lines)


def _normal_waves(plan: TaskPlan, waves: tuple[tuple[str, ...], ...]) -> list[list[str]]:
    kept = [
        [name for name in wave if plan.spec.container(name).kind is ContainerKind.NORMAL] for wave in waves
    ]
    return [wave for wave in kept if wave]
