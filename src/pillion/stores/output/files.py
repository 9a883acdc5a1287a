"""Where the output of a task is kept: the file that is written, and one older file behind it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

FOLDER_NAME = "logs"

FILE_BYTES_MAX = 32 * 1024 * 1024
"""Size at which a file is put aside for a new one. One older file is kept, so a task takes twice that."""


def output_path(state_folder: Path, task_id: str) -> Path:
    """Return the file that a task's output is appended to."""
    return state_folder / FOLDER_NAME / f"{task_id}.jsonl"


def older_path(path: Path) -> Path:
    """Return the file with what was written before a file was begun anew."""
    return path.with_name(f"{path.name}.1")


def remove_output(state_folder: Path, task_id: str) -> None:
    """Remove the kept output of a task; whoever reads it meanwhile reads what he has opened to its end."""
    path = output_path(state_folder, task_id)
    for found in (path, older_path(path)):
        with suppress(OSError):
            found.unlink()
