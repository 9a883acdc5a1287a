"""Containers that are left out or replaced: `--mute` and `--stub`.

A muted container is not run, and whoever depends on it is released. A stubbed one is replaced by a tiny
container that is healthy and accepts connections on its ports. Both are said loudly: a task without its
sidecar is not the task that will run in AWS.
"""

from __future__ import annotations

from msgspec.structs import replace

from pillion.core.plan.model import ContainerPlan, HealthProbe, ImagePlan, LogPlan, Notice
from pillion.core.plan.options import OptionError, RunOptions
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition

HOLDER_IMAGE = "pillion/holder"
HOLDER_PROGRAM = "/holder"

STUB_PROBE_INTERVAL_S = 1.0
"""A stub is healthy at once; a short interval keeps nobody waiting."""


def check_names(definition: TaskDefinition, options: RunOptions) -> None:
    """Raise OptionError if an option names a container that the definition does not have, or leaves none."""
    names = [item.name or "" for item in definition.container_definitions or ()]
    wishes = [*options.mute, *options.stub, *(wish.container for wish in options.publish if wish.container)]
    for name in wishes:
        if name not in names:
            raise OptionError(f"there is no container {name!r}: the definition has {', '.join(names)}")
    both = sorted(options.mute & options.stub)
    if both:
        raise OptionError(f"{both[0]} cannot be both muted and stubbed")
    essential = [
        item.name
        for item in definition.container_definitions or ()
        if item.essential is not False and item.name not in options.mute
    ]
    if not essential:
        raise OptionError("muting every essential container leaves nothing that would keep the task alive")


def mute_notices(definition: TaskDefinition, options: RunOptions) -> tuple[Notice, ...]:
    """Say which containers do not run, and who was released from waiting for them."""
    notices = []
    for name in sorted(options.mute):
        released = [
            item.name or ""
            for item in definition.container_definitions or ()
            if item.name not in options.mute
            and any(entry.container_name == name for entry in item.depends_on or ())
        ]
        freed = f"; {', '.join(released)} no longer waits for it" if released else ""
        notices.append(Notice(code="muted", text=f"{name} is muted and does not run{freed}", container=name))
    return tuple(notices)


def stub_container(plan: ContainerPlan, container: ContainerDefinition) -> ContainerPlan:
    """Return the stub that stands in for a container: same name, ports and place in the order."""
    ports = [
        f"{mapping.container_port}/{mapping.protocol or 'tcp'}"
        for mapping in container.port_mappings or ()
        if mapping.container_port is not None
    ]
    probe = HealthProbe(command=("CMD", HOLDER_PROGRAM, "health"), interval_s=STUB_PROBE_INTERVAL_S)
    return replace(
        plan,
        image=ImagePlan(reference=plan.image.reference, actual=HOLDER_IMAGE, local=True),
        entry_point=(HOLDER_PROGRAM,),
        command=("stub", *ports),
        working_directory=None,
        environment={},
        health=probe if plan.health is not None else None,
        security=replace(plan.security, user=None, capabilities_add=(), devices=()),
        mounts=(),
        binds=(),
        volumes_from=(),
        tmpfs=(),
        log=LogPlan(),
        tty=False,
    )


def narrowed(definition: TaskDefinition, options: RunOptions) -> TaskDefinition:
    """Return the definition of what really runs: without the muted, the stubbed bare of what they need.

    An image that another one takes the place of is not pulled: nobody logs in to its registry.
    """
    replaced = {*options.images, *options.builds}
    kept = (
        ContainerDefinition(
            name=item.name, image=item.image, essential=item.essential, port_mappings=item.port_mappings
        )
        if item.name in options.stub
        else replace(item, repository_credentials=None)
        if item.image in replaced
        else item
        for item in definition.container_definitions
        if item.name not in options.mute
    )
    return replace(definition, container_definitions=tuple(kept))


def stub_notice(container: ContainerDefinition) -> Notice:
    """Say that a container is replaced."""
    ports = ", ".join(str(item.container_port) for item in container.port_mappings or ())
    listens = f" that accepts connections on {ports}" if ports else ""
    return Notice(
        code="stubbed",
        text=f"{container.name} is replaced by a stub{listens}; {container.image} does not run",
        container=container.name,
    )
