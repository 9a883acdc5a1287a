"""Journals on disk: one SQLite database (WAL) in the state folder, shared by every pillion of the user.

An event is committed before its commands are performed. A process that is killed loses nothing that was
committed; a power cut may lose the last few events, which the next look at the engine makes good. The
folder and its files are for their owner only: a journal holds no secrets, but it names everything.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from pillion.core.codec import CodecError, decode_fields, encode_fields
from pillion.core.lifecycle.codec import decode_event, encode_event
from pillion.core.lifecycle.events import Event
from pillion.core.plan.facts import ContainerFacts
from pillion.core.usage import Observed, decode_usage, encode_usage
from pillion.ports.store import StoreError
from pillion.stores.place import DATABASE_NAME, state_folder
from pillion.stores.schema import SCHEMA_VERSION, NewerSchemaError, migrate

__all__ = ["DATABASE_NAME", "SqliteJournal", "SqliteStore", "StoredTask", "state_folder"]

BUSY_S = 5.0
"""How long a write waits for another pillion that is writing."""

_USAGE = "pillionUsage"
"""Where the usage is kept within a stored result, so that older pillions read these databases, too."""


class StoredTask(Struct, frozen=True, kw_only=True):
    """A task that the database knows.

    Attributes:
        task_id: its id.
        created_at_s: when its journal began (POSIX seconds).
        ended_at_s: when it was over; None for one that still runs, or whose process died.
        about: what its journal was begun with.
        result: the task as DescribeTasks showed it at its end; empty before that.
        usage: the most that its containers were seen to use, by container; empty where nobody looked.
        owner: the claim of the process that supervises it, or supervised it last; None where an early pillion
            began it.
    """

    task_id: str
    created_at_s: float
    ended_at_s: float | None = None
    about: Mapping[str, Any]
    result: Mapping[str, Any]
    usage: Mapping[str, Observed] = field(default_factory=dict)
    owner: str | None = None


class SqliteStore:
    """The journals of all tasks in one state folder."""

    def __init__(self, folder: Path) -> None:
        """Open the database, making the folder and the tables as needed. Raises StoreError."""
        self.folder = folder
        self._path = folder / DATABASE_NAME
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the state folder {folder} cannot be made: {error.strerror}; "
                "set PILLION_STATE_DIR to a folder that can be written"
            ) from error
        with self._translated():
            self._connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate()
        self._file = _stat(self._path)

    @property
    def is_in_place(self) -> bool:
        """Whether others find this database: SQLite itself writes on into one that was removed."""
        now = _stat(self._path)
        return now is not None and self._file is not None and os.path.samestat(self._file, now)

    def _migrate(self) -> None:
        try:
            migrate(self._connection)
        except NewerSchemaError as error:
            raise StoreError(
                f"{self._path} has format {error.version}, written by a newer pillion (this one knows "
                f"{SCHEMA_VERSION}): bring pillion up to date or set PILLION_STATE_DIR to another folder"
            ) from error

    def begin(
        self, task_id: str, about: dict[str, Any], at_s: float, *, owner: str | None = None
    ) -> SqliteJournal:
        """Begin the journal of a new task; `about` is what is needed to know the task again."""
        with self._translated():
            self._connection.execute(
                "INSERT INTO tasks (task_id, created_at, about, owner) VALUES (?, ?, ?, ?)",
                (task_id, at_s, json.dumps(about, separators=(",", ":")), owner),
            )
        return SqliteJournal(self, task_id)

    def take_over(self, task_id: str, *, owner: str) -> SqliteJournal:
        """Go on with the journal of a task that another process began. Raises StoreError."""
        with self._translated():
            self._connection.execute("UPDATE tasks SET owner = ? WHERE task_id = ?", (owner, task_id))
            last = self._connection.execute(
                "SELECT number, body FROM events WHERE task_id = ? ORDER BY number DESC LIMIT 1", (task_id,)
            ).fetchone()
            if last is not None and not _is_json(last[1]):
                self._connection.execute(
                    "DELETE FROM events WHERE task_id = ? AND number = ?", (task_id, last[0])
                )
        number = 0 if last is None else last[0] + 1
        return SqliteJournal(self, task_id, number=number)

    def append(self, task_id: str, number: int, event: Event, at_s: float) -> None:
        """Commit one event. Raises StoreError."""
        body = json.dumps(encode_event(event), separators=(",", ":"))
        with self._translated():
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (task_id, number, at_s, body))

    def read(self, task_id: str) -> Sequence[tuple[float, Event]]:
        """Return every event of a task with its time, oldest first.

        A last event that is damaged is passed over: what it told, the engine still knows.

        Raises:
            CodecError: an event before the last one cannot be read, or a newer pillion wrote it.
            StoreError: the database cannot be read.
        """
        with self._translated():
            rows = self._connection.execute(
                "SELECT at, body FROM events WHERE task_id = ? ORDER BY number", (task_id,)
            ).fetchall()
        if rows and not _is_json(rows[-1][1]):
            rows.pop()
        try:
            return tuple((at_s, decode_event(json.loads(body))) for at_s, body in rows)
        except json.JSONDecodeError as error:
            raise CodecError(f"an event in the middle is damaged: {error}") from error

    def end(
        self,
        task_id: str,
        result: Mapping[str, Any],
        at_s: float,
        *,
        keep_s: float,
        usage: Mapping[str, Observed] | None = None,
    ) -> None:
        """Note that a task is over. It stays readable until it is pruned. Raises StoreError.

        Args:
            task_id: the task.
            result: the task as DescribeTasks shows it now.
            at_s: when it was over (POSIX seconds).
            keep_s: how long it is kept from then on, in seconds.
            usage: the most that its containers were seen to use.
        """
        kept = {**result, _USAGE: encode_usage(usage)} if usage else result
        body = json.dumps(kept, separators=(",", ":"))
        with self._translated():
            self._connection.execute(
                "UPDATE tasks SET ended_at = ?, forget_at = ?, result = ? WHERE task_id = ?",
                (at_s, at_s + keep_s, body, task_id),
            )

    def tasks(self) -> tuple[StoredTask, ...]:
        """Return every task that is known, the newest first. Raises StoreError."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT task_id, created_at, ended_at, about, result, owner FROM tasks "
                "ORDER BY created_at DESC, rowid DESC"
            ).fetchall()
        return tuple(_stored_task(row) for row in rows)

    def unfinished(self) -> tuple[tuple[str, str | None], ...]:
        """Return id and owner of every task that is not over, the oldest first. Raises StoreError."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT task_id, owner FROM tasks WHERE ended_at IS NULL ORDER BY created_at, rowid"
            ).fetchall()
        return tuple((task_id, owner) for task_id, owner in rows)

    def version(self) -> int:
        """Return a number that changes when another process has written. Raises StoreError."""
        with self._translated():
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def about(self, task_id: str) -> Mapping[str, Any] | None:
        """Return what a task's journal was begun with, or None for an unknown task. Raises StoreError."""
        with self._translated():
            row = self._connection.execute("SELECT about FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def keep_lines(self, task_id: str, container: str, lines: Sequence[str]) -> None:
        """Keep the last lines that a container wrote, in place of those kept before. Raises StoreError."""
        body = json.dumps(list(lines), ensure_ascii=False)
        with self._translated():
            self._connection.execute(
                "INSERT OR REPLACE INTO last_lines VALUES (?, ?, ?)", (task_id, container, body)
            )

    def last_lines(self, task_id: str) -> dict[str, tuple[str, ...]]:
        """Return the last lines that were kept of a task, by container, oldest first. Raises StoreError."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT container, lines FROM last_lines WHERE task_id = ? ORDER BY container", (task_id,)
            ).fetchall()
        return {container: tuple(json.loads(lines)) for container, lines in rows}

    def keep_facts(self, task_id: str, facts: Mapping[str, ContainerFacts]) -> None:
        """Keep the ports and addresses of containers, in place of those kept before. Raises StoreError."""
        rows = [(task_id, name, json.dumps(encode_fields(found))) for name, found in facts.items()]
        with self._translated():
            self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)

    def facts(self, task_id: str) -> dict[str, ContainerFacts]:
        """Return the ports and addresses that were kept of a task, by container. Raises StoreError."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT container, body FROM facts WHERE task_id = ?", (task_id,)
            ).fetchall()
        return {name: decode_fields(ContainerFacts, json.loads(body), "facts") for name, body in rows}

    def keep_settled(self, task_id: str, container: str, lines: int) -> None:
        """Keep of how many lines of a container the fate is decided. Raises StoreError."""
        with self._translated():
            self._connection.execute(
                "INSERT OR REPLACE INTO settled VALUES (?, ?, ?)", (task_id, container, lines)
            )

    def settled(self, task_id: str, container: str) -> int:
        """Return of how many lines of a container the fate is decided. Raises StoreError."""
        with self._translated():
            row = self._connection.execute(
                "SELECT lines FROM settled WHERE task_id = ? AND container = ?", (task_id, container)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def forget(self, task_id: str) -> None:
        """Remove a task and everything of it. Raises StoreError."""
        with self._translated(), self._transaction():
            self._remove(task_id)

    def prune(self, now_s: float) -> tuple[str, ...]:
        """Remove every task whose time is over, the one that ended first before the others, all or none.

        A task that is not over stays, however old it is: somebody may still want to pick it up.

        Args:
            now_s: the time (POSIX seconds).

        Returns:
            The ids of the tasks that were removed, in that order.

        Raises:
            StoreError: the database cannot be written.
        """
        with self._translated(), self._transaction():
            rows = self._connection.execute(
                "SELECT task_id FROM tasks WHERE forget_at <= ? ORDER BY ended_at, rowid", (now_s,)
            ).fetchall()
            for (task_id,) in rows:
                self._remove(task_id)
        return tuple(task_id for (task_id,) in rows)

    def _remove(self, task_id: str) -> None:
        self._connection.execute("DELETE FROM events WHERE task_id = ?", (task_id,))
        self._connection.execute("DELETE FROM last_lines WHERE task_id = ?", (task_id,))
        self._connection.execute("DELETE FROM facts WHERE task_id = ?", (task_id,))
        self._connection.execute("DELETE FROM settled WHERE task_id = ?", (task_id,))
        self._connection.execute("DELETE FROM tasks WHERE task_id = ?", (task_id,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = "free some space there" if "full" in str(error) else "move it out of the way"
            raise StoreError(
                f"the journal {self._path} cannot be used: {error}; "
                f"{advice}, or set PILLION_STATE_DIR to another folder"
            ) from error


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _stored_task(row: tuple[str, float, float | None, str, str | None, str | None]) -> StoredTask:
    task_id, created_at_s, ended_at_s, about, result_text, owner = row
    result = json.loads(result_text or "{}")
    return StoredTask(
        task_id=task_id,
        created_at_s=created_at_s,
        ended_at_s=ended_at_s,
        about=json.loads(about),
        result={key: value for key, value in result.items() if key != _USAGE},
        usage=decode_usage(result.get(_USAGE)),
        owner=owner,
    )


class SqliteJournal:
    """The events of one task in a `SqliteStore`."""

    def __init__(self, store: SqliteStore, task_id: str, *, number: int = 0) -> None:
        self._store = store
        self._task_id = task_id
        self._number = number

    def append(self, event: Event, at_s: float) -> None:
        """Keep an event. Raises StoreError."""
        self._store.append(self._task_id, self._number, event, at_s)
        self._number += 1

    def read(self) -> Sequence[tuple[float, Event]]:
        """Return every event with its time, oldest first. Raises StoreError."""
        return self._store.read(self._task_id)

    def close(self) -> None:
        """The store stays open for other tasks."""
