"""A task of pillion's own as evidence: the state that its journal leads to, which says more than ECS does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pillion.core.diagnosis.evidence import LINES_MAX, ContainerEvidence, TaskEvidence
from pillion.core.lifecycle.commands import ReportContainer
from pillion.core.lifecycle.events import Event
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import (
    ContainerKind,
    reported_container_status,
    reported_task_status,
)


def replay_journal(
    initial: TaskState, events: Sequence[tuple[float, Event]]
) -> tuple[TaskState, dict[str, str]]:
    """Fold a journal over the state that the task began with.

    Returns:
        The state that it leads to, and for each container the words of its last change of status.
    """
    state, causes = initial, {}
    for at_s, event in events:
        state, commands = handle(state, event, at_s)
        for command in commands:
            if isinstance(command, ReportContainer):
                causes[command.container] = command.cause
    return state, causes


def evidence_of_state(
    state: TaskState,
    *,
    causes: Mapping[str, str],
    lines: Mapping[str, tuple[str, ...]],
    definition_arn: str,
    memory_mib: Mapping[str, int | None],
    memory_peak_mib: Mapping[str, int | None],
) -> TaskEvidence:
    """Return what a task's state says, as evidence.

    Args:
        state: the state, at the end of its journal or in the middle of it.
        causes: why each container is in its status, in words.
        lines: the last lines of output, by container.
        definition_arn: of the definition that it runs.
        memory_mib: hard memory limits, by container.
        memory_peak_mib: the most memory that each container was seen to use.
    """
    return TaskEvidence(
        task_arn=state.spec.task_arn,
        definition_arn=definition_arn,
        last_status=reported_task_status(state.known),
        desired_status="STOPPED" if state.is_stopping else "RUNNING",
        stop_code=state.stop_code.value if state.stop_code else "",
        stopped_reason=state.stopped_reason or "",
        launch_type="EC2",
        created_at_s=state.created_at_s,
        started_at_s=state.started_at_s,
        stopping_at_s=state.stopping_at_s,
        execution_stopped_at_s=state.execution_stopped_at_s,
        stopped_at_s=state.stopped_at_s,
        ended_by=state.ended_by,
        is_local=True,
        containers=tuple(
            replace(
                _container(state, item.name, causes, lines),
                memory_mib=memory_mib.get(item.name),
                memory_peak_mib=memory_peak_mib.get(item.name),
            )
            for item in state.spec.containers
            if item.kind is ContainerKind.NORMAL
        ),
    )


def _container(
    task: TaskState,
    name: str,
    causes: Mapping[str, str],
    lines: Mapping[str, tuple[str, ...]],
) -> ContainerEvidence:
    spec, state = task.spec.container(name), task.containers[name]
    return ContainerEvidence(
        name=name,
        image=spec.image,
        last_status=reported_container_status(state.known, spec.steady),
        exit_code=state.exit_code,
        reason=str(state.error) if state.error else "",
        health_status=state.health.status.value,
        has_run=state.has_run,
        started_at_s=state.started_at_s,
        stopped_at_s=state.finished_at_s,
        cause=causes.get(name, ""),
        health_output=state.health.output,
        failing_streak=state.health.failing_streak,
        health_since_s=state.health.since_s,
        restart_count=state.restart_count,
        lines=lines.get(name, ())[-LINES_MAX:],
    )
