"""`pillion serve` that kills itself at one of the writes of the journal: right before it, or right after."""

from __future__ import annotations

import os
import signal
import sys

from pillion.cli.main import run_cli
from pillion.core.lifecycle.events import Event
from pillion.stores.sqlite import SqliteStore


def die_at(write: int, *, before: bool) -> None:
    """Let the process die at its write number `write`, counted from 0."""
    append, count = SqliteStore.append, 0

    def deadly(store: SqliteStore, task_id: str, number: int, event: Event, at_s: float) -> None:
        nonlocal count
        dies, count = count == write, count + 1
        if not (dies and before):
            append(store, task_id, number, event, at_s)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteStore.append = deadly  # type: ignore[method-assign, assignment] # that is what this program is for


if __name__ == "__main__":
    die_at(int(sys.argv[1]), before=sys.argv[2] == "before")
    sys.argv = ["pillion", "serve"]
    run_cli()
