"""Which container ended a task.

DescribeTasks does not say. Where pillion's journal or the order of the exits is known, the answer is certain;
otherwise it is the exit that a stop from outside explains least: whoever is told to stop ends with 143, with
137 after its stopTimeout, or with 0.
"""

from __future__ import annotations

from msgspec import Struct

from pillion.core.diagnosis.definition import DefinitionFacts
from pillion.core.diagnosis.evidence import ContainerEvidence, TaskEvidence

_BY_ITSELF = 2
"""Up to this suspicion an exit cannot be that of a container which was told to stop."""


class Culprit(Struct, frozen=True, kw_only=True):
    """The container that ended the task; `is_certain` is False where another one may have been first."""

    name: str
    is_certain: bool


def find_culprit(task: TaskEvidence, facts: DefinitionFacts | None) -> Culprit | None:
    """Return the container whose exit ended the task, or None where no exit did."""
    if task.ended_by is not None:
        return Culprit(name=task.ended_by, is_certain=True) if task.container(task.ended_by) else None
    if not ended_by_an_exit(task):
        return None
    candidates = [
        item
        for item in task.containers
        if item.last_status == "STOPPED"
        and item.exit_code is not None
        and not never_ran(item)
        and (facts is None or facts.is_essential(item.name) is not False)
    ]
    if not candidates:
        return None
    timed = sorted(
        (item for item in candidates if item.stopped_at_s is not None),
        key=lambda item: item.stopped_at_s or 0,
    )
    if facts is not None and len(timed) == len(candidates):
        return Culprit(name=timed[0].name, is_certain=True)
    ranked = sorted(candidates, key=_suspicion)
    first = _suspicion(ranked[0])
    alone = len(ranked) == 1 or (first <= _BY_ITSELF and first < _suspicion(ranked[1]))
    return Culprit(name=ranked[0].name, is_certain=alone)


def ended_by_an_exit(task: TaskEvidence) -> bool:
    """Say whether ECS stopped the task because an essential container ended."""
    return task.stop_code == "EssentialContainerExited" or (
        not task.stop_code and task.stopped_reason.startswith("Essential container in task exited")
    )


def never_ran(item: ContainerEvidence) -> bool:
    """Say whether an exit code is only ECS's way to say that a container never ran."""
    return item.has_run is False or (item.exit_code == 143 and "dependency graph:" in item.reason)


def _suspicion(item: ContainerEvidence) -> int:
    """Return how little a stop from outside explains this exit: 0 for least."""
    if "OutOfMemoryError" in item.reason:
        return 0
    match item.exit_code:
        case 137:
            return 3
        case 0:
            return 4
        case 143:
            return 5
        case _:
            return 1 if item.reason else _BY_ITSELF
