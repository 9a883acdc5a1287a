"""Notes of the process that watches a task, one small file a task in the state folder.

They are no part of the journal: without them nothing is lost but what can be seen again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from pillion.core.monitoring.notes import WatchNotes, decode_notes, encode_notes

FOLDER_NAME = "watch"


def write_notes(state_folder: Path, task_id: str, notes: WatchNotes) -> None:
    """Write notes in place of those before. What cannot be written is left: the next ones come soon."""
    path = _path(state_folder, task_id)
    fresh = path.with_suffix(".new")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(json.dumps(encode_notes(notes), separators=(",", ":")), encoding="utf-8")
        fresh.replace(path)


def read_notes(state_folder: Path, task_id: str) -> WatchNotes | None:
    """Return the notes of a task; None where there are none that can be read."""
    try:
        return decode_notes(json.loads(_path(state_folder, task_id).read_bytes()))
    except (OSError, ValueError):
        return None


def remove_notes(state_folder: Path, task_id: str) -> None:
    """Remove the notes of a task."""
    with suppress(OSError):
        _path(state_folder, task_id).unlink()


def _path(state_folder: Path, task_id: str) -> Path:
    return state_folder / FOLDER_NAME / f"{task_id}.json"
