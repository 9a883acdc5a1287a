"""What commands do with the tasks that the state folder knows: list, describe, tell, stop, wait, forget.

Part of the composition root: journals, claims and the engine meet here. Only stopping and waiting ask the
process that supervises a task; everything else is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pillion.control.claims import SERVER, Claimant
from pillion.control.client import ControlClient
from pillion.core.describe import describe_task, exit_code_of
from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, TaskStatus
from pillion.core.roster import NOBODY, RosterEntry, roster_entry
from pillion.ports.control import ControlError, UnknownTaskError
from pillion.ports.engine import Engine
from pillion.stores.output.files import remove_output
from pillion.stores.sqlite import SqliteStore, StoredTask
from pillion.tasks.journals import NOTED_TOO_LITTLE, HistoryError, KnownTask, read_task, supervisor_of


def list_tasks(store: SqliteStore, *, over: bool) -> tuple[RosterEntry, ...]:
    """Return the tasks that are known, the newest first. A journal that cannot be read is passed over.

    Args:
        store: the journals.
        over: whether those that have ended are listed, too.

    Raises:
        StoreError: the store cannot be read.
    """
    return tuple(_entries(store, over=over))


def _entries(store: SqliteStore, *, over: bool) -> Iterator[RosterEntry]:
    for stored in store.tasks():
        if stored.ended_at_s is not None and not over:
            continue
        try:
            task = read_task(store, stored)
        except HistoryError:
            continue  # explain says of it what is wrong
        if task.record.identity is None:
            continue
        yield roster_entry(
            task.record.identity,
            task.state,
            task.ports,
            created_at_s=stored.created_at_s,
            supervisor=_supervisor_words(stored, task),
        )


def _supervisor_words(stored: StoredTask, task: KnownTask) -> str | None:
    if task.is_over:
        return None
    if task.supervisor is None:
        return NOBODY
    return f"{'serve' if stored.owner == SERVER else 'run'} ({task.supervisor.process_id})"


def describe(store: SqliteStore, stored: StoredTask) -> Mapping[str, Any]:
    """Return a task as DescribeTasks shows it, with times in POSIX seconds.

    Raises:
        HistoryError: it was begun by a pillion that did not note enough.
        StoreError: the store cannot be read.
    """
    if stored.result:
        return stored.result
    task = read_task(store, stored)
    if task.record.standing is None:
        raise HistoryError(NOTED_TOO_LITTLE.format(stored.task_id))
    return describe_task(task.record.standing.plan, task.state, task.ports, task.record.overrides)


class Telling:
    """Tells what happened to a task, from the beginning of its journal on."""

    def __init__(self, store: SqliteStore, stored: StoredTask) -> None:
        """Begin at the beginning. Raises HistoryError, StoreError."""
        record = read_task(store, stored).record
        if record.standing is None or record.initial is None:
            raise HistoryError(NOTED_TOO_LITTLE.format(stored.task_id))
        self.plan = record.standing.plan
        self.normal = tuple(item.name for item in self.plan.containers if item.kind is ContainerKind.NORMAL)
        self._state: TaskState = record.initial
        self._store = store
        self._task_id = stored.task_id
        self._told = 0

    @property
    def is_over(self) -> bool:
        """Whether the task has stopped, according to what was told."""
        return self._state.known is TaskStatus.STOPPED

    def new_reports(self) -> list[tuple[float, Report]]:
        """Return the reports of what has come since the last call, with their times. Raises StoreError."""
        found: list[tuple[float, Report]] = []
        events = self._store.read(self._task_id)
        for at_s, event in events[self._told :]:
            self._state, commands = handle(self._state, event, at_s)
            found += [(at_s, command) for command in commands if isinstance(command, Report)]
        self._told = len(events)
        return found


def client_for(store: SqliteStore, stored: StoredTask) -> ControlClient | None:
    """Return how to ask the process that supervises a task; None where none does."""
    found: Claimant | None = supervisor_of(store, stored)
    return None if found is None else ControlClient(found)


def exit_code(store: SqliteStore, stored: StoredTask) -> int:
    """Return what a run in the foreground would have ended with. Raises HistoryError, StoreError."""
    return exit_code_of(read_task(store, stored).state)


def wait_for_end(store: SqliteStore, client: ControlClient, task_id: str) -> int | None:
    """Wait for a task to end; return what a run in the foreground would have ended with.

    None where that cannot be known any more: it had ended before anybody waited, and nothing of it is kept.

    Raises:
        ControlError: its process ended, or left the task.
        HistoryError, StoreError: its journal cannot be read.
    """
    try:
        return int(client.ended(task_id)["exitCode"])
    except UnknownTaskError:
        with suppress(ControlError):
            client.adopt()  # where a full disk did not take its end, it is tried for again
    stored = next((item for item in store.tasks() if item.task_id == task_id), None)
    if stored is None:
        return None
    if stored.ended_at_s is not None:
        return exit_code(store, stored)
    return int(client.ended(task_id)["exitCode"])


async def forget(store: SqliteStore, stored: StoredTask, engine: Engine) -> None:
    """Forget a task that is over: its journal, its output, and what `--keep` left of it.

    Raises:
        ControlError: it is not over.
        StoreError: the store cannot be written.
        EngineError: not everything of it could be removed.
        EngineUnreachableError: the engine does not answer, and something of the task may be there.
    """
    if stored.ended_at_s is None:
        raise ControlError(f"task {stored.task_id} is not over: stop it first, or force it")
    standing = read_task(store, stored).record.standing
    if standing is not None and standing.how.get("keep"):
        await engine.open(standing.plan).clean_up(keep=False)
    store.forget(stored.task_id)
    remove_output(Path(store.folder), stored.task_id)
