"""Which files a check looks at.

A file that is named is checked, whatever it holds. In a folder, files that may hold task definitions are
looked for; a quick look at the text saves reading the thousands that do not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".template"})
SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
SIZE_MAX_BYTES: Final = 20_000_000
"""Templates have at most 1 MB and plans a few; what is larger in a folder is something else."""

_SIGNS: Final = (b"ontainerDefinitions", b"AWS::ECS::TaskDefinition", b"aws_ecs_task_definition")


class Candidate(Struct, frozen=True, kw_only=True):
    """A file to look at; `named` is whether the user named it, rather than its folder."""

    path: str
    named: bool


def candidates(paths: tuple[str, ...]) -> Iterator[Candidate]:
    """The files behind the names on a command line: `-` and files as they are, folders searched."""
    for path in paths:
        if path != "-" and Path(path).is_dir():
            for found in _in_folder(path):
                yield Candidate(path=found, named=False)
        else:
            yield Candidate(path=path, named=True)


def _in_folder(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and _may_hold_definition(path):
                yield str(path)


def _may_hold_definition(path: Path) -> bool:
    try:
        if path.stat().st_size > SIZE_MAX_BYTES:
            return False
        data = path.read_bytes()
    except OSError:
        return False
    return any(sign in data for sign in _SIGNS)
