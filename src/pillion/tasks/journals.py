"""Tasks of this machine out of their journals: which one is meant, where it is, who supervises it.

Part of the composition root. Nothing is changed: a task that runs in another process is read while that
process writes. Why a task is where it is, `history` says; this is what every command begins with, so it
imports little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pillion.control.claims import Claimant, find_claimant
from pillion.core.codec import CodecError
from pillion.core.lifecycle.events import Event
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.facts import ContainerFacts
from pillion.core.record import RecordError, TaskRecord, decode_record
from pillion.stores.sqlite import SqliteStore, StoredTask

_SHOWN_MAX = 10
"""Tasks named in a message; more do not help to choose."""

_ID_LENGTH = 8

NOTED_TOO_LITTLE = "task {} was begun by an early pillion, which noted too little of it"


class HistoryError(Exception):
    """The task that is meant cannot be found or read. The message says what there is, and what to do."""


class KnownTask(Struct, frozen=True, kw_only=True):
    """A task out of its journal.

    Attributes:
        record: how it was begun.
        state: what its journal leads to.
        ports: what the engine said of its containers: ports and addresses.
        supervisor: the process that supervises it; None where none does, or where it is over.
        is_over: whether it has ended.
    """

    record: TaskRecord
    state: TaskState
    ports: Mapping[str, ContainerFacts]
    supervisor: Claimant | None
    is_over: bool


def find_task(store: SqliteStore, name: str | None) -> StoredTask:
    """Return the task that is meant.

    Args:
        store: the journals.
        name: the beginning of an id, an ARN, or a family with or without its revision, of which the newest is
            meant; None for the newest of all.

    Raises:
        HistoryError: there is none, or the beginning of an id fits several.
        StoreError: the store cannot be read.
    """
    tasks = store.tasks()
    if not tasks:
        raise HistoryError("pillion knows no task: none ran here, or their history is over (keep_history)")
    if name is None:
        return tasks[0]
    wanted = name.rpartition("/")[2]
    if not wanted:
        raise HistoryError(f"which task is meant? pillion knows, the newest first:\n{listed(tasks)}")
    by_id = [item for item in tasks if item.task_id.startswith(wanted)]
    if len(by_id) == 1:
        return by_id[0]
    if by_id:
        raise HistoryError(f"several tasks have an id that begins with {wanted}:\n{listed(by_id)}")
    by_family = [item for item in tasks if wanted in families(item)]
    if by_family:
        return by_family[0]
    raise HistoryError(f"pillion knows no task {name}; it knows, the newest first:\n{listed(tasks)}")


def listed(tasks: Sequence[StoredTask]) -> str:
    """Return tasks as lines, for messages that ask which one is meant."""
    lines = [
        f"  {item.task_id[:_ID_LENGTH]}  {families(item)[1]}"
        f"  {item.result.get('stopCode', 'stopped') if item.ended_at_s is not None else 'not over'}"
        for item in tasks[:_SHOWN_MAX]
    ]
    rest = len(tasks) - _SHOWN_MAX
    return "\n".join([*lines, *([f"  and {rest} more"] if rest > 0 else [])])


def families(item: StoredTask) -> tuple[str, ...]:
    """Return the names that a task's family is known by: without its revision, and with it."""
    identity: Mapping[str, Any] = item.about.get("identity") or {}
    family = identity.get("family") or (item.about.get("definition") or {}).get("family") or ""
    return (family, f"{family}:{identity.get('revision', 1)}")


def read_journal(store: SqliteStore, stored: StoredTask) -> tuple[TaskRecord, Sequence[tuple[float, Event]]]:
    """Return how a task was begun, and what happened to it.

    Raises:
        HistoryError: what was stored cannot be read by this pillion.
        StoreError: the store cannot be read.
    """
    try:
        return decode_record(stored.about), store.read(stored.task_id)
    except (RecordError, CodecError) as error:
        raise HistoryError(f"the journal of task {stored.task_id} cannot be read: {error}") from error


def read_task(store: SqliteStore, stored: StoredTask) -> KnownTask:
    """Replay a task's journal.

    Raises:
        HistoryError: what was stored cannot be read by this pillion, or an early one noted too little.
        StoreError: the store cannot be read.
    """
    record, events = read_journal(store, stored)
    if record.initial is None:
        raise HistoryError(NOTED_TOO_LITTLE.format(stored.task_id))
    state = record.initial
    for at_s, event in events:
        state, _ = handle(state, event, at_s)
    over = stored.ended_at_s is not None or state.known is TaskStatus.STOPPED
    return KnownTask(
        record=record,
        state=state,
        ports=store.facts(stored.task_id),
        supervisor=None if over else supervisor_of(store, stored),
        is_over=over,
    )


def supervisor_of(store: SqliteStore, stored: StoredTask) -> Claimant | None:
    """Return the process that supervises a task; None where none does, or where it is over."""
    if stored.owner is None or stored.ended_at_s is not None:
        return None
    return find_claimant(store.folder, stored.owner)


def container_names(stored: StoredTask) -> tuple[str, ...]:
    """Return the names of a task's containers, in the order of its definition."""
    definition: Mapping[str, Any] = stored.about.get("definition") or {}
    return tuple(item.get("name", "") for item in definition.get("containerDefinitions") or ())
