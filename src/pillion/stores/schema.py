"""The tables of the journal's database, and how those of an older pillion become today's.

Version 1 had tasks and events and forgot a task at its end. Version 2 keeps a task for a while after its end
(`ended_at`, `forget_at`, `result`), and the last lines that its containers wrote. Version 3 knows which
process supervises a task (`owner`, the name of its claim), the ports and addresses that the engine gave, and
how many lines of each container have been delivered to CloudWatch Logs, or given up (`settled`).
"""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 3

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS tasks (
      task_id TEXT PRIMARY KEY,
      created_at REAL NOT NULL,
      about TEXT NOT NULL,
      ended_at REAL,
      forget_at REAL,
      result TEXT,
      owner TEXT
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS events (
      task_id TEXT NOT NULL,
      number INTEGER NOT NULL,
      at REAL NOT NULL,
      body TEXT NOT NULL,
      PRIMARY KEY (task_id, number)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS last_lines (
      task_id TEXT NOT NULL,
      container TEXT NOT NULL,
      lines TEXT NOT NULL,
      PRIMARY KEY (task_id, container)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS settled (
      task_id TEXT NOT NULL,
      container TEXT NOT NULL,
      lines INTEGER NOT NULL,
      PRIMARY KEY (task_id, container)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS facts (
      task_id TEXT NOT NULL,
      container TEXT NOT NULL,
      body TEXT NOT NULL,
      PRIMARY KEY (task_id, container)
    ) STRICT, WITHOUT ROWID
    """,
)

_CHANGES = {
    1: (
        "ALTER TABLE tasks ADD COLUMN ended_at REAL",
        "ALTER TABLE tasks ADD COLUMN forget_at REAL",
        "ALTER TABLE tasks ADD COLUMN result TEXT",
    ),
    2: ("ALTER TABLE tasks ADD COLUMN owner TEXT",),
}
"""What has to change in the tables of each version to come to the next one; new tables are made anyway."""


class NewerSchemaError(Exception):
    """The database was written by a newer pillion; `version` is its format."""

    def __init__(self, version: int) -> None:
        super().__init__(f"format {version}")
        self.version = version


def migrate(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring them up to date, in one transaction.

    Two processes may open an old database at once: the second finds it done.

    Raises:
        NewerSchemaError: a newer pillion wrote it; nothing was touched.
        sqlite3.Error: the database cannot be read or written.
    """
    if version_of(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(connection)
        for past in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
            for statement in _CHANGES.get(past, ()):
                connection.execute(statement)
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """Return the format of a database; 0 for an empty one. Raises NewerSchemaError."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(version)
    return int(version)
