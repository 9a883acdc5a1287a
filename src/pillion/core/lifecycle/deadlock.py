"""A task that can no longer move: it is stopped, and one that cannot even stop is given up.

Waiting for a dependency is no deadlock, however long it takes: ECS lets such a task wait for ever.
"""

from __future__ import annotations

from pillion.core.lifecycle.conditions import NotYet, judge_all
from pillion.core.lifecycle.states import (
    ContainerStatus,
    ResourceStatus,
    StopCode,
    TaskStatus,
    is_before,
)
from pillion.core.lifecycle.stopping import FAILED_TO_START, GAVE_UP, stop_task
from pillion.core.lifecycle.turn import Turn


def break_deadlock(turn: Turn) -> None:
    """Stop a settled task that nothing can move any more; declare a stopping one STOPPED."""
    if _something_is_under_way(turn):
        return
    if turn.task("desired") is TaskStatus.STOPPED:
        _give_up(turn)
    elif not _waits_for_a_dependency(turn) and _an_essential_has_not_arrived(turn):
        stop_task(
            turn, code=StopCode.TASK_FAILED_TO_START, reason=FAILED_TO_START, cause="no container can go on"
        )


def _give_up(turn: Turn) -> None:
    for name, state in turn.containers.items():
        if state.known is not ContainerStatus.STOPPED:
            turn.put_task(stopped_reason=GAVE_UP)
            turn.move(name, ContainerStatus.STOPPED, "it could not be stopped in order")


def _something_is_under_way(turn: Turn) -> bool:
    return (
        any(state.in_flight is not None for state in turn.containers.values())
        or ResourceStatus.PREPARING in turn.task("resources").values()
    )


def _waits_for_a_dependency(turn: Turn) -> bool:
    return any(
        isinstance(answer, NotYet)
        for spec in turn.spec.containers
        if is_before(turn.containers[spec.name].known, spec.steady)
        for answer in judge_all(turn.spec, turn.containers, spec)
    )


def _an_essential_has_not_arrived(turn: Turn) -> bool:
    return any(
        spec.essential and is_before(turn.containers[spec.name].known, spec.steady)
        for spec in turn.spec.containers
    )
