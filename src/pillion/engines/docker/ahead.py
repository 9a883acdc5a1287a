"""Containers that are made before ECS would make them, where nobody inside of the task can tell.

Making one takes Docker ten milliseconds or more, on the way from a dependency's end to its dependant's
start. What is made early stands in its record as `Ahead`, apart from what the task knows of: until the task
asks for it, it has no id there, and an event of the engine about it means nothing to the task.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.plan.model import ContainerPlan, TaskPlan, VolumeKind, holder_of
from pillion.engines.docker.translate import Surroundings


class MadeOf(Struct, frozen=True, kw_only=True):
    """All that a create call depends on. Where it differs at last, the container is made anew.

    `image_id` is what the image's name stood for, `holders` the containers whose namespaces are joined.
    """

    around: Surroundings
    image_id: str | None
    holders: tuple[str, ...]


class Ahead(Struct, frozen=True, kw_only=True):
    """A container that was made and not asked for yet."""

    runtime_id: str
    warnings: tuple[str, ...]
    made_of: MadeOf


def is_unseen(task: TaskPlan, container: ContainerPlan) -> bool:
    """Say whether it makes no difference inside of the task when a container is made.

    Docker copies what an image has at a volume's path into an empty volume when it makes the container: who
    comes first matters to all that share it. volumesFrom and links need the other container to be there.
    """
    copies = any(task.volume(item.volume).kind is not VolumeKind.BIND for item in container.mounts)
    return not (copies or container.volumes_from or container.namespaces.links)


def joined_holders(container: ContainerPlan) -> tuple[str, ...]:
    """Return the containers of the task whose namespaces a container joins, by their ECS names."""
    spaces = (container.namespaces.network, container.namespaces.pid, container.namespaces.ipc)
    return tuple(holder for space in spaces if (holder := holder_of(space)) is not None)
