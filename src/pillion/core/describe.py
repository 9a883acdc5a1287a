"""A task as DescribeTasks shows it: the shape that scripts and people know from AWS.

Absent members are left out, never null. Times are POSIX seconds here and become ISO 8601 where the
document is printed; `iso_times` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import (
    ContainerKind,
    ContainerStatus,
    HealthStatus,
    StopCode,
    reported_container_status,
    reported_task_status,
)
from pillion.core.plan.facts import ContainerFacts, NetworkAddress, PortBinding
from pillion.core.plan.model import ContainerPlan, NetworkMode, TaskPlan

NEVER_RAN_EXIT_CODE = 125
"""What `pillion run` exits with when an essential container never ran, as `docker run` does."""

_NO_FACTS = ContainerFacts()


def describe_task(
    plan: TaskPlan,
    state: TaskState,
    facts: Mapping[str, ContainerFacts],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the Task shape of DescribeTasks.

    Args:
        plan: what was asked for.
        state: what became of it.
        facts: ports and addresses by container name; pause containers included.
        overrides: the `overrides` member, as DescribeTasks echoes it.
    """
    identity = plan.identity
    attachment = _attachment(plan, facts, gone=state.stopped_at_s is not None)
    shape = {
        "attachments": [attachment] if attachment else [],
        "attributes": [],
        "clusterArn": identity.cluster_arn,
        "connectivity": "CONNECTED",
        "connectivityAt": state.created_at_s,
        "containers": [
            _container(plan, item, state, facts, attachment)
            for item in plan.containers
            if item.kind is ContainerKind.NORMAL
        ],
        "cpu": plan.cpu,
        "createdAt": state.created_at_s,
        "desiredStatus": "STOPPED" if state.is_stopping else "RUNNING",
        "enableExecuteCommand": False,
        "executionStoppedAt": state.execution_stopped_at_s,
        "group": f"family:{identity.family}",
        "healthStatus": task_health(state).value,
        "inferenceAccelerators": [],
        "lastStatus": reported_task_status(state.known),
        "launchType": identity.launch_type,
        "memory": plan.memory,
        "overrides": dict(overrides),
        "pullStartedAt": state.pull_started_at_s,
        "pullStoppedAt": state.pull_stopped_at_s,
        "startedAt": state.started_at_s,
        "stopCode": state.stop_code.value if state.stop_code else None,
        "stoppedAt": state.stopped_at_s,
        "stoppedReason": state.stopped_reason,
        "stoppingAt": state.stopping_at_s,
        "tags": [],
        "taskArn": identity.task_arn,
        "taskDefinitionArn": identity.definition_arn,
        "version": state.version,
    }
    return _present(shape)


def task_health(state: TaskState) -> HealthStatus:
    """Fold the health of the essential containers that define a health check.

    Any UNHEALTHY makes the task UNHEALTHY, else any UNKNOWN makes it UNKNOWN; without a health check it
    is UNKNOWN.
    """
    statuses = {
        state.containers[spec.name].health.status
        for spec in state.spec.containers
        if spec.essential and spec.has_health_check
    }
    for status in (HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN, HealthStatus.HEALTHY):
        if status in statuses:
            return status
    return HealthStatus.UNKNOWN


def exit_code_of(state: TaskState) -> int:
    """Return the exit code that a task's end stands for: that of the essential container that ended it.

    125 where the task failed to start: the 143 of a container that never ran is ECS's bookkeeping and not
    the program's, and what a pause container exits with says nothing. 0 where the user ended the task.
    """
    if state.stop_code is StopCode.USER_INITIATED:
        return 0
    if state.stop_code is StopCode.TASK_FAILED_TO_START:
        return NEVER_RAN_EXIT_CODE
    ended_by = state.ended_by
    if ended_by is None or not state.containers[ended_by].has_run:
        return NEVER_RAN_EXIT_CODE
    exit_code = state.containers[ended_by].exit_code
    return NEVER_RAN_EXIT_CODE if exit_code is None else exit_code


def iso_time(at_s: float) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def iso_times(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Task shape with its times as ISO 8601."""
    return {
        key: iso_time(value) if key.endswith("At") and isinstance(value, int | float) else value
        for key, value in shape.items()
    }


def _container(
    plan: TaskPlan,
    item: ContainerPlan,
    task: TaskState,
    facts: Mapping[str, ContainerFacts],
    attachment: Mapping[str, Any] | None,
) -> dict[str, Any]:
    state = task.containers[item.name]
    shape = {
        "containerArn": item.arn,
        "taskArn": plan.identity.task_arn,
        "name": item.name,
        "image": item.image.reference,
        "imageDigest": state.image_digest,
        "runtimeId": state.runtime_id,
        "lastStatus": reported_container_status(state.known, plan.lifecycle_of(item.name).steady),
        "exitCode": state.exit_code,
        "reason": str(state.error) if state.error else None,
        "networkBindings": _bindings(plan, item, facts),
        "networkInterfaces": _interfaces(state, plan, facts, attachment),
        "healthStatus": state.health.status.value,
        "managedAgents": None,
        "cpu": str(item.cpu_units),
        "memory": _text(item.memory_mib),
        "memoryReservation": _text(item.memory_reservation_mib),
    }
    return _present(shape)


def _bindings(
    plan: TaskPlan, item: ContainerPlan, facts: Mapping[str, ContainerFacts]
) -> list[dict[str, Any]]:
    """Bridge and host tasks list their bindings; awsvpc tasks have none, as in ECS."""
    if plan.network_mode is NetworkMode.AWSVPC:
        return []
    return [_binding(found) for found in facts.get(item.name, _NO_FACTS).bindings]


def _binding(found: PortBinding) -> dict[str, Any]:
    if found.count > 1:
        last, host_last = found.container_port + found.count - 1, found.host_port + found.count - 1
        return {
            "bindIP": found.host_ip,
            "protocol": found.protocol,
            "containerPortRange": f"{found.container_port}-{last}",
            "hostPortRange": f"{found.host_port}-{host_last}",
        }
    return {
        "bindIP": found.host_ip,
        "containerPort": found.container_port,
        "hostPort": found.host_port,
        "protocol": found.protocol,
    }


def _interfaces(
    state: ContainerState,
    plan: TaskPlan,
    facts: Mapping[str, ContainerFacts],
    attachment: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    address = _task_address(plan, facts)
    if attachment is None or address is None or state.known is ContainerStatus.NONE:
        return []
    return [
        _present(
            {
                "attachmentId": attachment["id"],
                "privateIpv4Address": address.ipv4,
                "ipv6Address": address.ipv6 or None,
            }
        )
    ]


def _attachment(plan: TaskPlan, facts: Mapping[str, ContainerFacts], *, gone: bool) -> dict[str, Any] | None:
    """The network interface of an awsvpc task, once it has an address."""
    address = _task_address(plan, facts)
    if address is None:
        return None
    task_id = plan.identity.task_id
    details = {
        "networkInterfaceId": f"eni-{task_id[:17]}",
        "macAddress": address.mac,
        "privateIPv4Address": address.ipv4,
    }
    return {
        "id": f"{task_id[:8]}-{task_id[8:12]}-{task_id[12:16]}-{task_id[16:20]}-{task_id[20:32]}",
        "type": "ElasticNetworkInterface",
        "status": "DELETED" if gone else "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items() if value],
    }


def _task_address(plan: TaskPlan, facts: Mapping[str, ContainerFacts]) -> NetworkAddress | None:
    holder = plan.spec.network_holder
    if holder is None:
        return None
    return next(iter(facts.get(holder, _NO_FACTS).addresses), None)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _present(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if value is not None}
