"""Where pillion keeps its state."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE_NAME = "journal.db"


def state_folder() -> Path:
    """Return where pillion keeps its state: PILLION_STATE_DIR, else `pillion` below XDG_STATE_HOME."""
    chosen = os.environ.get("PILLION_STATE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "pillion"
