"""The labels that pillion puts on what it makes, and the filters that find it again.

ECS's own five labels come with the plan. These are ours: they tell our containers, volumes and networks
from all others, so that events can be filtered and leftovers found, also after a crash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pillion.core.plan.model import ContainerPlan, TaskPlan

MANAGED = "dev.pillion.managed"
"""`true` on every container: Podman filters events by a label's value, never by its name alone."""

TASK = "dev.pillion.task"
CONTAINER = "dev.pillion.container"
KIND = "dev.pillion.kind"
NETWORK = "dev.pillion.network"
BUILD_CONTEXT = "dev.pillion.context"


def container_labels(task: TaskPlan, container: ContainerPlan) -> dict[str, str]:
    """Return all labels of a container; ours last, because they must be true."""
    return {
        **container.labels,
        MANAGED: "true",
        TASK: task.identity.task_id,
        CONTAINER: container.name,
        KIND: container.kind.value,
    }


def volume_labels(task: TaskPlan, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a volume that belongs to the task."""
    return {**labels, TASK: task.identity.task_id}


def of_task(task_id: str) -> str:
    """Return the `filters` parameter that finds all that one task made."""
    return filters(label=f"{TASK}={task_id}")


def filters(**wanted: str) -> str:
    """Return a `filters` parameter as the API takes it."""
    return json.dumps({name: [value] for name, value in wanted.items()})
