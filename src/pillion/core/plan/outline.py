"""A plan as people and programs read it: start order, who waits for whom, stop order.

Three forms of one thing: text, a JSON value, and a Mermaid graph. Pause containers are left out: they
come first and go last in every task.
"""

from __future__ import annotations

from typing import Any

from pillion.core.lifecycle.order import start_waves, stop_waves
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.states import Condition, ContainerKind
from pillion.core.plan.model import TaskPlan

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
    return {
        "family": plan.identity.family,
        "networkMode": plan.network_mode.value,
        "start": [[_container_json(plan.spec.container(name)) for name in wave] for wave in waves],
        "stop": [
            [{"name": name, "stopTimeout": plan.spec.container(name).stop_timeout_s} for name in wave]
            for wave in _normal_waves(plan, stop_waves(plan.spec))
        ],
        "notices": [
            {
                "code": item.code,
                "text": item.text,
                **({"container": item.container} if item.container else {}),
            }
            for item in plan.notices
        ],
    }


def _container_json(spec: ContainerSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "essential": spec.essential,
        "waitsFor": [
            {"containerName": edge.container, "condition": edge.condition.value, "source": edge.source}
            for edge in spec.depends_on
        ],
    }


def outline_text(plan: TaskPlan) -> str:
    """Return start and stop order as text for a person. The dependencies must be free of cycles."""
    width = max((len(item.name) for item in plan.containers if item.kind is ContainerKind.NORMAL), default=0)
    lines = [
        f"{plan.identity.family}:{plan.identity.revision}, network mode {plan.network_mode.value}",
        "",
        "start",
    ]
    for number, wave in enumerate(_normal_waves(plan, start_waves(plan.spec)), 1):
        for name in wave:
            spec = plan.spec.container(name)
            kind = "essential" if spec.essential else "         "
            waits = "; ".join(_waits(edge) for edge in spec.depends_on) or "at once"
            lines.append(f"  {number}  {name.ljust(width)}  {kind}  {waits}")
    lines += ["", "stop"]
    for number, wave in enumerate(_normal_waves(plan, stop_waves(plan.spec)), 1):
        for name in wave:
            limit = f"killed after {plan.spec.container(name).stop_timeout_s:g} s"
            lines.append(f"  {number}  {name.ljust(width)}  {limit}")
    lines += ["", *(f"note: {item.text}" for item in plan.notices)] if plan.notices else []
    return "\n".join(lines)


def _waits(edge: Dependency) -> str:
    origin = "" if edge.source == "dependsOn" else f" ({edge.source})"
    return f"when {edge.container} {_MET_BY[edge.condition]}{origin}"


def outline_mermaid(plan: TaskPlan) -> str:
    """Return the dependency graph as a Mermaid flowchart: an arrow leads from who is waited for."""
    names = [item.name for item in plan.containers if item.kind is ContainerKind.NORMAL]
    ids = {name: f"c{index}" for index, name in enumerate(names)}
    lines = ["flowchart LR"]
    for name in names:
        shape = ("[[", "]]") if plan.spec.container(name).essential else ("[", "]")
        lines.append(f'  {ids[name]}{shape[0]}"{name}"{shape[1]}')
    lines += [
        f"  {ids[edge.container]} -->|{edge.condition.value}| {ids[name]}"
        for name in names
        for edge in plan.spec.container(name).depends_on
        if edge.container in ids
    ]
    return "\n".join(lines)


def _normal_waves(plan: TaskPlan, waves: tuple[tuple[str, ...], ...]) -> list[list[str]]:
    kept = [
        [name for name in wave if plan.spec.container(name).kind is ContainerKind.NORMAL] for wave in waves
    ]
    return [wave for wave in kept if wave]
