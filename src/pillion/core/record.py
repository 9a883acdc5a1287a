"""What is written beside a task's journal so that the task can be known again, also by a later pillion.

The plan is among it, as it was when the task began: it is made of the definition, the options and the
machine, and none of these need be the same later. With it another process can take the task over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from pillion.core.codec import CodecError, decode_fields, encode_fields
from pillion.core.lifecycle.codec import decode_state
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.plan.endpoints import EndpointIds
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.render import render_task_definition


class RecordError(ValueError):
    """A stored task cannot be read. The message says what is wrong with it."""


class Standing(Struct, frozen=True, kw_only=True):
    """What stands around a task from its beginning to its end, whoever supervises it.

    Attributes:
        plan: complete, with the endpoints' variables and the log router's files.
        ids: of its endpoints.
        metadata: where its containers find the metadata (`host[:port]`), None where they find nothing.
        aws: where they find AWS.
        how: how it is run, in the words of whoever runs tasks; nothing secret.
    """

    plan: TaskPlan
    ids: EndpointIds
    metadata: str | None = None
    aws: str | None = None
    how: Mapping[str, Any] = field(default_factory=dict)


class TaskRecord(Struct, frozen=True, kw_only=True):
    """A task as it was begun.

    Attributes:
        definition: with the overrides applied.
        running: what really runs of it: without what was muted, bare of what was stubbed.
        initial: the state before anything happened; events are replayed over it.
        identity: who it is; None where an early pillion wrote the record.
        overrides: as DescribeTasks echoes them.
        source: the file that the definition came from, with its whole path; None for standard input.
        process_id: the process that began it, on the machine whose state folder this is.
        standing: what is needed to take it over; None where an early pillion wrote the record.
    """

    definition: TaskDefinition
    running: TaskDefinition
    initial: TaskState | None
    identity: TaskIdentity | None
    task_arn: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    process_id: int | None = None
    standing: Standing | None = None


def encode_record(
    standing: Standing,
    definition: TaskDefinition,
    *,
    running: TaskDefinition,
    overrides: Mapping[str, Any],
    source: str | None,
    process_id: int,
) -> dict[str, Any]:
    """Return what to store of a task that begins, as a JSON value."""
    rendered, bare = render_task_definition(definition), render_task_definition(running)
    return {
        "definition": rendered,
        **({"running": bare} if bare != rendered else {}),
        "arn": standing.plan.identity.task_arn,
        "identity": asdict(standing.plan.identity),
        "overrides": dict(overrides),
        "source": source,
        "process": process_id,
        "standing": {**encode_fields(standing), "how": dict(standing.how)},
    }


def decode_record(value: Mapping[str, Any]) -> TaskRecord:
    """Read what `encode_record` wrote, also that of an early pillion (definition and ARN only).

    Raises:
        RecordError: there is no definition in it, or something is written as nobody here can read it.
    """
    definition = _definition(value.get("definition"))
    try:
        standing = _standing(value.get("standing"))
        initial = decode_state(value["initial"]) if "initial" in value else None
    except CodecError as error:
        raise RecordError(str(error)) from error
    source, process_id = value.get("source"), value.get("process")
    return TaskRecord(
        definition=definition,
        running=_definition(value["running"]) if "running" in value else definition,
        initial=initial_state(standing.plan.spec) if standing is not None else initial,
        identity=_identity(value.get("identity")),
        task_arn=str(value.get("arn", "")),
        overrides=value.get("overrides") or {},
        source=source if isinstance(source, str) else None,
        process_id=process_id if isinstance(process_id, int) else None,
        standing=standing,
    )


def _definition(value: object) -> TaskDefinition:
    parsed = parse_task_definition(value)
    if parsed.definition is None:
        raise RecordError("the stored task has no definition that can be read")
    return parsed.definition


def _standing(value: object) -> Standing | None:
    if not isinstance(value, Mapping):
        return None
    how = value.get("how")
    without = {name: item for name, item in value.items() if name != "how"}
    return replace(decode_fields(Standing, without, "standing"), how=how if isinstance(how, Mapping) else {})


def _identity(value: object) -> TaskIdentity | None:
    """Read an identity; members that this version does not know are passed over."""
    if not isinstance(value, Mapping):
        return None
    known = {name: value[name] for name in TaskIdentity.__struct_fields__ if name in value}
    try:
        return TaskIdentity(**known)
    except TypeError as error:
        raise RecordError(f"the stored identity is incomplete: {error}") from error
