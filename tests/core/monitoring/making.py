"""A task with an application, a log router and a proxy, and figures of it: for tests of what is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.monitoring.figures import TaskFigures, Written, figures_of
from pillion.core.monitoring.sample import NS_PER_S, Sample, Traffic
from pillion.core.monitoring.watched import WatchedTask, watch_task
from pillion.core.plan.build import make_plan
from pillion.core.plan.model import TaskIdentity
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition

MIB = 1024 * 1024
BEGAN_S = 1_700_000_000.0
"""When the containers started: the last minute before it began 20 s earlier."""

HOLDER = "~internal~ecs~pause"

DEFINITION: dict[str, Any] = {
    "family": "shop",
    "networkMode": "awsvpc",
    "cpu": "512",
    "memory": "1024",
    "containerDefinitions": [
        {
            "name": "web",
            "image": "shop/web:7",
            "cpu": 256,
            "memory": 512,
            "memoryReservation": 256,
            "healthCheck": {"command": ["CMD", "true"]},
            "restartPolicy": {"enabled": True},
            "logConfiguration": {"logDriver": "awsfirelens"},
        },
        {
            "name": "router",
            "image": "amazon/aws-for-fluent-bit:3",
            "memoryReservation": 50,
            "firelensConfiguration": {"type": "fluentbit"},
        },
        {"name": "envoy", "image": "envoyproxy/envoy:v1.30", "memory": 128, "essential": False},
    ],
}


def watched(**changes: Any) -> WatchedTask:
    """Return the task, some members of whose definition are changed."""
    parsed = parse_task_definition({**DEFINITION, **changes})
    assert parsed.definition is not None
    return watch_task(identity(), parsed.definition)


def identity() -> TaskIdentity:
    arn = "arn:aws:ecs:eu-west-1:123456789012"
    task_id = "0123456789abcdef0123456789abcdef"
    return TaskIdentity(
        task_id=task_id,
        task_arn=f"{arn}:task/prod/{task_id}",
        cluster="prod",
        cluster_arn=f"{arn}:cluster/prod",
        family="shop",
        revision=3,
        definition_arn=f"{arn}:task-definition/shop:3",
        region="eu-west-1",
        account="123456789012",
    )


def running(*later: ev.Event) -> TaskState:
    """Return the state in which everything runs, and then these things happened."""
    parsed = parse_task_definition(DEFINITION)
    assert parsed.definition is not None
    plan = make_plan(parsed.definition, identity(), RunOptions())
    state = initial_state(plan.spec)
    events: list[ev.Event] = [ev.StartRequested()]
    events += [ev.ResourceReady(resource=name) for name in plan.spec.resources]
    for item in (*plan.spec.containers,):
        events += [
            ev.ManifestResolved(container=item.name),
            ev.Pulled(container=item.name),
            ev.Created(container=item.name, runtime_id=f"id-{item.name}"),
            ev.Started(container=item.name, at_s=BEGAN_S),
        ]
        if item.name == HOLDER:
            events.append(ev.Provisioned(container=item.name))
    for event in (*events, *later):
        state = handle(state, event, BEGAN_S).state
    return state


def sample(at_s: float, **changes: Any) -> Sample:
    """Return a sample of a container that uses half a CPU and 100 MiB, `at_s` seconds after the start."""
    values: dict[str, Any] = {
        "at_s": BEGAN_S + at_s,
        "cpu_ns": round(at_s * NS_PER_S / 2),
        "memory_bytes": 100 * MIB,
        "received": Traffic(bytes=round(at_s) * 1000, packets=round(at_s)),
        "sent": Traffic(bytes=round(at_s) * 500, packets=round(at_s)),
        "read_bytes": 4096,
        "written_bytes": 8192,
        "processes": 2,
    }
    return Sample(**{**values, **changes})


def figures(
    at_s: float = 60.0,
    *,
    state: TaskState | None = None,
    samples: Mapping[str, Sample] | None = None,
    before: Mapping[str, Sample] | None = None,
    written: Mapping[str, Written] | None = None,
    of: WatchedTask | None = None,
) -> TaskFigures:
    """Return the figures of the task, `at_s` seconds after its start and ten seconds after the last look."""
    names = ("web", "router", "envoy", HOLDER)
    return figures_of(
        of or watched(),
        state or running(),
        at_s=BEGAN_S + at_s,
        samples={f"id-{name}": sample(at_s) for name in names} if samples is None else samples,
        before={f"id-{name}": sample(at_s - 10) for name in names} if before is None else before,
        written=written,
    )
