"""What stands between a container and its next step towards running, beside what it declares.

The machine asks before it takes a step, and `explain` asks to say what is waited for, so both give the
same answer. Declared dependencies are judged in `conditions`; here is when they are asked at all, and the
rest: the pause containers and the resources of the task.
"""

from __future__ import annotations

from collections.abc import Mapping

from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, ResourceStatus, is_before


def asks_dependencies(task: TaskSpec, step: ContainerStatus) -> bool:
    """Say whether dependencies are asked before `step`.

    Every step asks them anew, except the manifest lookup, and the pull where images are pulled upfront
    (the agent's ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT).
    """
    if step is ContainerStatus.MANIFEST_PULLED:
        return False
    return not (step is ContainerStatus.PULLED and task.pull_upfront)


def missing_holder(
    task: TaskSpec, containers: Mapping[str, ContainerState], spec: ContainerSpec, step: ContainerStatus
) -> str | None:
    """Return the pause container that `step` waits for, or None.

    Nothing of a task container happens, not even its manifest lookup, before the network is provisioned;
    no pull before the holder of the PID and IPC namespaces runs.
    """
    if spec.kind is not ContainerKind.NORMAL:
        return None
    network, namespaces = task.network_holder, task.namespace_holder
    if network is not None and containers[network].known is not ContainerStatus.RESOURCES_PROVISIONED:
        return network
    if namespaces is None or is_before(step, ContainerStatus.PULLED):
        return None
    return None if containers[namespaces].known is ContainerStatus.RUNNING else namespaces


def missing_resources(
    resources: Mapping[str, ResourceStatus], spec: ContainerSpec, step: ContainerStatus
) -> tuple[str, ...]:
    """Return the resources of the task that `step` waits for, in the order in which they are declared."""
    return tuple(
        need.resource
        for need in spec.needs
        if not is_before(step, need.before) and resources.get(need.resource) is not ResourceStatus.READY
    )
