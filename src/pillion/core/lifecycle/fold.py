"""The status of a task as its containers add up to it.

The minimum over all containers, pause containers among them, where STOPPED is the maximum: so an init
container that has finished holds nobody back, and a task is RUNNING when everyone has started or finished.
"""

from __future__ import annotations

from collections.abc import Mapping

from pillion.core.lifecycle.commands import ReportTask
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.state import ContainerState
from pillion.core.lifecycle.states import (
    TASK_PROGRESS,
    ContainerKind,
    ContainerStatus,
    TaskStatus,
    least_advanced,
    reported_task_status,
)
from pillion.core.lifecycle.turn import Turn


def task_status(spec: TaskSpec, containers: Mapping[str, ContainerState]) -> TaskStatus:
    """Return the status that the containers add up to."""
    waits_for_network = any(
        item.kind is ContainerKind.CNI_PAUSE and containers[item.name].known is ContainerStatus.RUNNING
        for item in spec.containers
    )
    match least_advanced([containers[item.name].known for item in spec.containers]):
        case ContainerStatus.NONE:
            return TaskStatus.NONE
        case ContainerStatus.MANIFEST_PULLED | ContainerStatus.PULLED:
            return TaskStatus.MANIFEST_PULLED
        case ContainerStatus.CREATED:
            return TaskStatus.CREATED
        case ContainerStatus.STOPPED:
            return TaskStatus.STOPPED
        case _:
            return TaskStatus.CREATED if waits_for_network else TaskStatus.RUNNING


def fold(turn: Turn) -> None:
    """Set the task's status to what its containers add up to, and report what ECS would show of it.

    It never goes back, and it does not become RUNNING while an essential container is STOPPED: the next
    report is then STOPPED.
    """
    known: TaskStatus = turn.task("known")
    folded = task_status(turn.spec, turn.containers)
    if TASK_PROGRESS.index(folded) <= TASK_PROGRESS.index(known):
        return
    if folded is TaskStatus.RUNNING and _an_essential_has_stopped(turn):
        return
    turn.put_task(known=folded)
    cause = "every container has started or finished"
    if folded is TaskStatus.RUNNING:
        turn.put_task(started_at_s=turn.now_s)
    elif folded is TaskStatus.STOPPED:
        turn.put_task(stopped_at_s=turn.now_s)
        cause = turn.task("stop_cause") or "every container has ended"
    if reported_task_status(folded) != reported_task_status(known):
        turn.ask(ReportTask(cause=cause, last_status=reported_task_status(folded)))


def _an_essential_has_stopped(turn: Turn) -> bool:
    return any(
        item.essential and turn.containers[item.name].known is ContainerStatus.STOPPED
        for item in turn.spec.containers
    )
