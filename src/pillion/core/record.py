"""What is written beside a task's journal so that the task can be known again, also by a later pillion.

The state that the journal is replayed over is among it: a plan is made of the definition, the options and the
machine, and none of these need be the same later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pillion.core.lifecycle.codec import CodecError, decode_state, encode_state
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.render import render_task_definition


class RecordError(ValueError):
    """A stored task cannot be read. The message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """A task as it was begun.

    Attributes:
        definition: with the overrides applied.
        initial: the state before anything happened; events are replayed over it.
        identity: who it is; None where an early pillion wrote the record.
        overrides: as DescribeTasks echoes them.
        source: the file that the definition came from, with its whole path; None for standard input.
        process_id: the process that runs it, on the machine whose state folder this is.
    """

    definition: TaskDefinition
    initial: TaskState | None
    identity: TaskIdentity | None
    task_arn: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    process_id: int | None = None


def encode_record(
    plan: TaskPlan,
    definition: TaskDefinition,
    *,
    overrides: Mapping[str, Any],
    source: str | None,
    process_id: int,
) -> dict[str, Any]:
    """Return what to store of a task that begins, as a JSON value."""
    return {
        "definition": render_task_definition(definition),
        "arn": plan.identity.task_arn,
        "identity": asdict(plan.identity),
        "initial": encode_state(initial_state(plan.spec)),
        "overrides": dict(overrides),
        "source": source,
        "process": process_id,
    }


def decode_record(value: Mapping[str, Any]) -> TaskRecord:
    """Read what `encode_record` wrote, also that of an early pillion (definition and ARN only).

    Raises:
        RecordError: there is no definition in it, or something is written as nobody here can read it.
    """
    parsed = parse_task_definition(value.get("definition"))
    if parsed.definition is None:
        raise RecordError("the stored task has no definition that can be read")
    try:
        initial = decode_state(value["initial"]) if "initial" in value else None
    except CodecError as error:
        raise RecordError(str(error)) from error
    source, process_id = value.get("source"), value.get("process")
    return TaskRecord(
        definition=parsed.definition,
        initial=initial,
        identity=_identity(value.get("identity")),
        task_arn=str(value.get("arn", "")),
        overrides=value.get("overrides") or {},
        source=source if isinstance(source, str) else None,
        process_id=process_id if isinstance(process_id, int) else None,
    )


def _identity(value: object) -> TaskIdentity | None:
    """Read an identity; members that this version does not know are passed over."""
    if not isinstance(value, Mapping):
        return None
    known = {item.name: value[item.name] for item in fields(TaskIdentity) if item.name in value}
    try:
        return TaskIdentity(**known)
    except TypeError as error:
        raise RecordError(f"the stored identity is incomplete: {error}") from error
