"""The plan of a case: what has to be other than in the definition so that the fault can be made. Pure.

Most faults need nothing. Two need the container prepared: a health check that can be made to fail, and a
volume that is small enough to be filled without filling the machine's disk.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from pillion.core.lifecycle.spec import ResourceNeed
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus
from pillion.core.plan.model import (
    Bind,
    ContainerPlan,
    HealthProbe,
    Mount,
    NetworkMode,
    TaskPlan,
    VolumeKind,
    VolumePlan,
    volume_resource,
)
from pillion.drilling.faults import Case, Fault

GATE_FOLDER = "/.pillion-drill"
ILL_FILE = "ill"
"""A file of this name in the mounted folder makes the health check fail."""

VOLUME_BYTES = 32 * 1024 * 1024
"""The size of a volume that is to be filled; it lies in memory."""

_NO_PROGRAM = "/.pillion-drill-has-no-such-program"


def without_ports(plan: TaskPlan, keep: int | None) -> TaskPlan:
    """Return the plan with no port published but `keep`, and that on any free port of this machine.

    So cases run side by side, and beside a task of the user.
    """
    kept = False

    def bare(item: ContainerPlan) -> ContainerPlan:
        nonlocal kept
        wanted = [port for port in item.ports if port.container_port == keep and not kept]
        kept = kept or bool(wanted)
        ports = tuple(replace(port, host_port=None, exact=False) for port in wanted[:1])
        return replace(item, ports=ports, port_ranges=())

    return replace(plan, containers=tuple(map(bare, plan.containers)))


def altered(plan: TaskPlan, case: Case, *, gate_folder: str) -> TaskPlan:
    """Return the plan of a case.

    Args:
        plan: that of the definition.
        case: the fault.
        gate_folder: a folder of this machine that is mounted where a health check is to be made to fail.
    """
    match case.fault:
        case Fault.NEVER_HEALTHY:
            return _with_container(plan, case.container, _never_healthy)
        case Fault.UNHEALTHY:
            return _with_container(plan, case.container, lambda item: _gated(item, gate_folder))
        case Fault.VOLUME:
            for name in case.volumes:
                plan = _with_small_volume(plan, name)
            return plan
        case _:
            return plan


def _with_container(
    plan: TaskPlan, name: str | None, change: Callable[[ContainerPlan], ContainerPlan]
) -> TaskPlan:
    return replace(
        plan,
        containers=tuple(change(item) if item.name == name else item for item in plan.containers),
    )


def _never_healthy(item: ContainerPlan) -> ContainerPlan:
    """A check whose program is in no image: it fails at once, as the definition's own would in time."""
    return replace(item, health=replace(_probe(item), command=("CMD", _NO_PROGRAM)))


def _gated(item: ContainerPlan, folder: str) -> ContainerPlan:
    probe = _probe(item)
    gate = f"if [ -e {GATE_FOLDER}/{ILL_FILE} ]; then echo 'pillion drill: unhealthy'; exit 1; fi"
    return replace(
        item,
        health=replace(probe, command=("CMD-SHELL", f"{gate}\n{probe.command[1]}")),
        binds=(*item.binds, Bind(host_path=folder, container_path=GATE_FOLDER, read_only=True)),
    )


def _probe(item: ContainerPlan) -> HealthProbe:
    if item.health is None:
        raise ValueError(f"{item.name} has no health check")
    return item.health


def _with_small_volume(plan: TaskPlan, name: str) -> TaskPlan:
    """Put a small file system in memory in the place of a volume, for this task alone.

    In awsvpc mode the pause container mounts it, too: an engine empties such a volume when nobody has it
    mounted, and a loader would end before its application begins.
    """
    small = VolumePlan(
        name=name,
        kind=VolumeKind.TASK,
        engine_name=f"pillion-drill-{plan.identity.task_id[:12]}-{name}",
        driver="local",
        driver_options={"type": "tmpfs", "device": "tmpfs", "o": f"size={VOLUME_BYTES}"},
    )
    plan = replace(plan, volumes=tuple(small if item.name == name else item for item in plan.volumes))
    if plan.network_mode is not NetworkMode.AWSVPC:
        return plan
    pause = next(item.name for item in plan.containers if item.kind is ContainerKind.CNI_PAUSE)
    mount = Mount(volume=name, container_path=f"{GATE_FOLDER}-{name}")
    need = ResourceNeed(resource=volume_resource(name), before=ContainerStatus.PULLED)
    specs = tuple(
        replace(item, needs=(*item.needs, need)) if item.name == pause else item
        for item in plan.spec.containers
    )
    return replace(
        _with_container(plan, pause, lambda item: replace(item, mounts=(*item.mounts, mount))),
        spec=replace(plan.spec, containers=specs),
    )
