"""A task as it is handed from the command line to the server, and as it is found in the journal.

Part of the composition root: both become an `Undertaking`, which is what is supervised.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillion.aws.settings import AwsSettingsError
from pillion.core.codec import CodecError, decode_fields, encode_fields
from pillion.core.lifecycle.machine import handle
from pillion.core.plan.model import TaskPlan
from pillion.core.record import RecordError, decode_record
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.render import render_task_definition
from pillion.ports.control import ControlError
from pillion.preparing import PreparedTask
from pillion.run_settings import RunSettings, decode_how, encode_how
from pillion.settings import SettingsError
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.supervising import Undertaking


class NotAdoptableError(Exception):
    """A task in the journal cannot be taken over. The message says why, and what to do."""


def encode_request(prepared: PreparedTask, settings: RunSettings, *, source: str | None) -> dict[str, Any]:
    """Return a task as a JSON value, for `pillion serve` to run.

    Args:
        prepared: the task.
        settings: how it is run.
        source: the whole path of the file that the definition came from, if it is one.
    """
    return {
        "definition": render_task_definition(prepared.definition),
        "running": render_task_definition(prepared.running),
        "plan": encode_fields(prepared.plan),
        "overrides": dict(prepared.overrides),
        "how": encode_how(settings),
        "source": source,
    }


def decode_request(request: Mapping[str, Any], state_folder: Path) -> Undertaking:
    """Return the task that was asked for.

    Raises:
        ControlError: the request cannot be read, or its settings cannot.
    """
    source = request.get("source")
    try:
        return Undertaking(
            definition=_definition(request.get("definition")),
            running=_definition(request.get("running")),
            plan=decode_fields(TaskPlan, request.get("plan"), "plan"),
            overrides=request.get("overrides") or {},
            settings=decode_how(request.get("how") or {}, state_folder),
            source=source if isinstance(source, str) else None,
        )
    except (CodecError, RecordError, AwsSettingsError, SettingsError) as error:
        raise ControlError(f"the task cannot be begun: {error}") from error


def undertaking_of(store: SqliteStore, task_id: str, state_folder: Path) -> Undertaking:
    """Return a task that another process began, as far as its journal says it came.

    Raises:
        NotAdoptableError: an early pillion began it, or what was stored cannot be read here.
        StoreError: the store cannot be read.
    """
    try:
        record = decode_record(store.about(task_id) or {})
        if record.standing is None or record.initial is None:
            raise NotAdoptableError("it was begun by an early pillion, which noted too little of it")
        state = record.initial
        for at_s, event in store.read(task_id):
            state, _ = handle(state, event, at_s)
        settings = decode_how(record.standing.how, state_folder)
    except (CodecError, RecordError, AwsSettingsError, SettingsError) as error:
        raise NotAdoptableError(f"its journal or its settings cannot be read: {error}") from error
    return Undertaking(
        definition=record.definition,
        running=record.running,
        plan=record.standing.plan,
        overrides=record.overrides,
        settings=settings,
        source=record.source,
        standing=record.standing,
        state=state,
    )


def _definition(value: object) -> TaskDefinition:
    parsed = parse_task_definition(value)
    if parsed.definition is None:
        raise RecordError("there is no definition in it that can be read")
    return parsed.definition
