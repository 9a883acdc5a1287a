"""Which containers an engine may make before the machine asks for it.

Making a container takes an engine some ten milliseconds, and most containers wait for something else long
before that. Nothing is decided here and no status moves: the machine asks for the container when ECS would
make it, and it is known as CREATED from then on. What would be seen from inside of the task if a container
were made early, its engine knows and leaves.
"""

from __future__ import annotations

from pillion.core.lifecycle.conditions import Never, judge_all
from pillion.core.lifecycle.gates import asks_dependencies, missing_resources
from pillion.core.lifecycle.spec import ContainerSpec
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, is_before


def creatable_ahead(state: TaskState) -> tuple[str, ...]:
    """Return the containers that could be made now, were it not for others that have to come first.

    Their resources are ready, and the pause containers whose namespaces they join have been made; of a pause
    container nothing is asked, because no resource is part of what it is made of. Whether the image is here
    is for the engine to say: where pulls wait for dependencies, so does this.
    """
    if not state.started or state.is_stopping:
        return ()
    return tuple(spec.name for spec in state.spec.containers if _is_creatable(state, spec))


def _is_creatable(state: TaskState, spec: ContainerSpec) -> bool:
    container = state.containers[spec.name]
    if container.desired is ContainerStatus.STOPPED or container.in_flight is ContainerStatus.CREATED:
        return False
    if not is_before(container.known, ContainerStatus.CREATED):
        return False
    if spec.kind is not ContainerKind.NORMAL:
        return True
    if missing_resources(state.resources, spec, ContainerStatus.CREATED):
        return False
    holders = (state.spec.network_holder, state.spec.namespace_holder)
    if any(name and is_before(state.containers[name].known, ContainerStatus.CREATED) for name in holders):
        return False
    answers = judge_all(state.spec, state.containers, spec)
    if any(isinstance(answer, Never) for answer in answers):
        return False
    return container.known is ContainerStatus.PULLED or not asks_dependencies(
        state.spec, ContainerStatus.PULLED
    )
