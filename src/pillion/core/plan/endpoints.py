"""The variables that tell a container where its endpoints are: metadata, credentials, the agent's API.

The ids in them are all that a container has to show, so they are drawn at random by whoever makes a task
and never derived from anything that others could know. Pause containers get none of this, as in ECS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.model import TaskPlan

ENDPOINT_HOST = "169.254.170.2"
"""Where a task finds the ECS agent."""

_EXECUTION_ENVIRONMENTS = {"EC2": "AWS_ECS_EC2", "FARGATE": "AWS_ECS_FARGATE", "EXTERNAL": "AWS_ECS_EXTERNAL"}


class EndpointIds(Struct, frozen=True, kw_only=True):
    """The ids of one task: one for each container, and one for its role's credentials, if it has a role."""

    containers: Mapping[str, str]
    credentials: str | None = None

    def container_of(self, endpoint_id: str) -> str | None:
        """Return the container that an id belongs to."""
        return next((name for name, own in self.containers.items() if own == endpoint_id), None)


def draw_endpoint_ids(plan: TaskPlan, *, has_task_role: bool, draw: Callable[[], str]) -> EndpointIds:
    """Give a task its ids; `draw` returns another random UUID each time."""
    normal = [item.name for item in plan.containers if item.kind is ContainerKind.NORMAL]
    return EndpointIds(
        containers={name: draw() for name in normal}, credentials=draw() if has_task_role else None
    )


def with_endpoints(plan: TaskPlan, ids: EndpointIds, *, authority: str = ENDPOINT_HOST) -> TaskPlan:
    """Return the plan with the variables in its containers, over what the definition says of the same names.

    Args:
        plan: of the task.
        ids: of the task.
        authority: host, or host and port, where the endpoints are served. Elsewhere than at ECS's own
            address credentials need a full URI: SDKs know no other host for the relative one.
    """
    execution = _EXECUTION_ENVIRONMENTS.get(plan.identity.launch_type)
    shared = {"AWS_EXECUTION_ENV": execution} if execution else {}
    if ids.credentials is not None:
        path = f"/v2/credentials/{ids.credentials}"
        if authority == ENDPOINT_HOST:
            shared["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = path
        else:
            shared["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{authority}{path}"
    containers = []
    for item in plan.containers:
        own = _of_container(ids.containers.get(item.name), authority, shared)
        containers.append(replace(item, environment={**item.environment, **own}))
    return replace(plan, containers=tuple(containers))


def _of_container(endpoint_id: str | None, authority: str, shared: Mapping[str, str]) -> dict[str, str]:
    if endpoint_id is None:
        return {}
    return {
        "ECS_CONTAINER_METADATA_URI": f"http://{authority}/v3/{endpoint_id}",
        "ECS_CONTAINER_METADATA_URI_V4": f"http://{authority}/v4/{endpoint_id}",
        "ECS_AGENT_URI": f"http://{authority}/api/{endpoint_id}",
        **shared,
    }
