"""A quick look at the tasks of a state folder: their names and no more, for who must not wait.

Nothing is made, migrated or written, and nothing is raised: a shell that completes a word has no use for it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from pillion.stores.place import DATABASE_NAME

TASKS_MAX = 100
"""The newest tasks are looked at; nobody chooses among more."""


class Glance(Struct, frozen=True, kw_only=True):
    """One task: its id, its family, its containers in the order of the definition, whether it is over."""

    task_id: str
    family: str
    containers: tuple[str, ...]
    is_over: bool


def glance(folder: Path) -> tuple[Glance, ...]:
    """Return the tasks of a state folder, the newest first; none where it cannot be read."""
    try:
        address = f"{(folder / DATABASE_NAME).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as connection:
            rows = connection.execute(
                "SELECT task_id, ended_at IS NOT NULL, json_extract(about, '$.definition') FROM tasks "
                "ORDER BY created_at DESC, rowid DESC LIMIT ?",
                (TASKS_MAX,),
            ).fetchall()
            return tuple(_glance(*row) for row in rows)
    except (sqlite3.Error, ValueError, TypeError, AttributeError):
        return ()


def _glance(task_id: str, is_over: int, definition: str) -> Glance:
    value = json.loads(definition)
    return Glance(
        task_id=task_id,
        family=value.get("family", ""),
        containers=tuple(item.get("name", "") for item in value.get("containerDefinitions", ())),
        is_over=bool(is_over),
    )
