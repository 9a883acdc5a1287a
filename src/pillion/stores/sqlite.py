"""Journals on disk: one SQLite database (WAL) in the state folder, shared by every pillion of the user.

An event is committed before its commands are performed. A process that is killed loses nothing that was
committed; a power cut may lose the last few events, which the next look at the engine makes good. The
folder and its files are for their owner only: a journal holds no secrets, but it names everything.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pillion.core.lifecycle.codec import decode_event, encode_event
from pillion.core.lifecycle.events import Event
from pillion.ports.store import StoreError

DATABASE_NAME = "journal.db"

SCHEMA_VERSION = 1

BUSY_S = 5.0
"""How long a write waits for another pillion that is writing."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  task_id TEXT PRIMARY KEY,
  created_at REAL NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS events (
  task_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at REAL NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;
"""


def state_folder() -> Path:
    """Return where pillion keeps its state: PILLION_STATE_DIR, else `pillion` below XDG_STATE_HOME."""
    chosen = os.environ.get("PILLION_STATE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "pillion"


class SqliteStore:
    """The journals of all tasks in one state folder."""

    def __init__(self, folder: Path) -> None:
        """Open the database, making the folder and the tables as needed. Raises StoreError."""
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

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self._path} has format {version}, written by a newer pillion (this one knows "
                f"{SCHEMA_VERSION}): bring pillion up to date or set PILLION_STATE_DIR to another folder"
            )
        self._connection.executescript(_SCHEMA)
        self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def begin(self, task_id: str, about: dict[str, Any], at_s: float) -> SqliteJournal:
        """Begin the journal of a new task; `about` is what is needed to know the task again."""
        with self._translated():
            self._connection.execute(
                "INSERT INTO tasks VALUES (?, ?, ?)",
                (task_id, at_s, json.dumps(about, separators=(",", ":"))),
            )
        return SqliteJournal(self, task_id)

    def append(self, task_id: str, number: int, event: Event, at_s: float) -> None:
        """Commit one event. Raises StoreError."""
        body = json.dumps(encode_event(event), separators=(",", ":"))
        with self._translated():
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (task_id, number, at_s, body))

    def read(self, task_id: str) -> Sequence[tuple[float, Event]]:
        """Return every event of a task with its time, oldest first. Raises StoreError."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT at, body FROM events WHERE task_id = ? ORDER BY number", (task_id,)
            ).fetchall()
        return tuple((at_s, decode_event(json.loads(body))) for at_s, body in rows)

    def forget(self, task_id: str) -> None:
        """Remove a task and its events. Raises StoreError."""
        with self._translated():
            self._connection.execute("DELETE FROM events WHERE task_id = ?", (task_id,))
            self._connection.execute("DELETE FROM tasks WHERE task_id = ?", (task_id,))

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


class SqliteJournal:
    """The events of one task in a `SqliteStore`."""

    def __init__(self, store: SqliteStore, task_id: str) -> None:
        self._store = store
        self._task_id = task_id
        self._number = 0

    def append(self, event: Event, at_s: float) -> None:
        """Keep an event. Raises StoreError."""
        self._store.append(self._task_id, self._number, event, at_s)
        self._number += 1

    def read(self) -> Sequence[tuple[float, Event]]:
        """Return every event with its time, oldest first. Raises StoreError."""
        return self._store.read(self._task_id)

    def close(self) -> None:
        """The store stays open for other tasks."""
