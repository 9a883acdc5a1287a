"""cpu, memory, swap and ulimits of containers and of the task, and what processes may do."""

from __future__ import annotations

from pillion.core.plan.model import (
    DeviceMapping,
    LimitsPlan,
    NetworkMode,
    SecurityPlan,
    TaskLimits,
    UlimitPlan,
)
from pillion.core.plan.network import network_mode_of
from pillion.core.taskdef.model import ContainerDefinition, LinuxParameters, TaskDefinition
from pillion.core.units import parse_cpu_units, parse_memory_mib

MIB = 1024 * 1024

CPU_SHARES_MIN = 2
CPU_SHARES_MAX = 262_144
MEMORY_MIB_MIN = 4
"""The agent raises a smaller hard limit to this."""

_NO_LINUX_PARAMETERS = LinuxParameters()


def container_limits(container: ContainerDefinition) -> LimitsPlan:
    """Return the resource limits of a container.

    cpu 0, 1 or unset becomes 2 shares, as in the agent; shares are relative and no cap.
    """
    linux = container.linux_parameters or _NO_LINUX_PARAMETERS
    memory_mib = max(container.memory, MEMORY_MIB_MIN) if container.memory else None
    swap_bytes = None
    if linux.max_swap is not None and memory_mib is not None:
        swap_bytes = (memory_mib + linux.max_swap) * MIB
    return LimitsPlan(
        cpu_shares=min(max(container.cpu or 0, CPU_SHARES_MIN), CPU_SHARES_MAX),
        memory_bytes=memory_mib * MIB if memory_mib else None,
        memory_reservation_bytes=container.memory_reservation * MIB if container.memory_reservation else None,
        memory_swap_bytes=swap_bytes,
        memory_swappiness=linux.swappiness if linux.max_swap is not None else None,
        shm_bytes=linux.shared_memory_size * MIB if linux.shared_memory_size else None,
        gpus=_gpus(container),
        ulimits=tuple(
            UlimitPlan(name=item.name, soft=item.soft_limit, hard=item.hard_limit)
            for item in container.ulimits or ()
        ),
    )


def _gpus(container: ContainerDefinition) -> int | None:
    for requirement in container.resource_requirements or ():
        if requirement.type == "GPU" and (requirement.value or "").isdigit():
            return int(requirement.value or 0)
    return None


def container_security(definition: TaskDefinition, container: ContainerDefinition) -> SecurityPlan:
    """Return who the container's processes are and what they may do.

    In awsvpc mode the `net.` sysctls belong to the shared namespace: see `shared_sysctls`.
    """
    linux = container.linux_parameters or _NO_LINUX_PARAMETERS
    capabilities = linux.capabilities
    shared = network_mode_of(definition) is NetworkMode.AWSVPC
    sysctls = _sysctls(container)
    return SecurityPlan(
        user=container.user or None,
        privileged=bool(container.privileged),
        readonly_root=bool(container.readonly_root_filesystem),
        init_process=bool(linux.init_process_enabled),
        capabilities_add=tuple((capabilities.add if capabilities else None) or ()),
        capabilities_drop=tuple((capabilities.drop if capabilities else None) or ()),
        security_options=tuple(container.docker_security_options or ()),
        devices=tuple(
            DeviceMapping(
                host_path=item.host_path,
                container_path=item.container_path or item.host_path,
                permissions=_permissions(item.permissions),
            )
            for item in linux.devices or ()
        ),
        sysctls={key: value for key, value in sysctls.items() if not (shared and key.startswith("net."))},
    )


def shared_sysctls(definition: TaskDefinition) -> dict[str, str]:
    """Return the `net.` sysctls of all containers, for the namespace they share; the last one wins."""
    found: dict[str, str] = {}
    for container in definition.container_definitions or ():
        found |= {key: value for key, value in _sysctls(container).items() if key.startswith("net.")}
    return found


def _sysctls(container: ContainerDefinition) -> dict[str, str]:
    return {
        item.namespace: item.value
        for item in container.system_controls or ()
        if item.namespace and item.value is not None
    }


def _permissions(words: tuple[str, ...] | None) -> str:
    letters = {"read": "r", "write": "w", "mknod": "m"}
    return "".join(letters[word] for word in words or () if word in letters) or "rwm"


def task_limits(definition: TaskDefinition) -> TaskLimits | None:
    """Return the limits of the task as a whole, or None where the definition sets none.

    With a task cpu the cap is hard. Without one, but with a task memory, the task's share is the sum of
    its containers' shares.
    """
    if not definition.cpu and not definition.memory:
        return None
    units = parse_cpu_units(definition.cpu) if definition.cpu else None
    memory_mib = parse_memory_mib(definition.memory) if definition.memory else None
    shares = sum(container_limits(item).cpu_shares for item in definition.container_definitions or ())
    return TaskLimits(
        cpu_vcpu=units / 1024 if units else None,
        memory_bytes=memory_mib * MIB if memory_mib else None,
        cpu_shares=None if units else min(shares, CPU_SHARES_MAX),
    )
