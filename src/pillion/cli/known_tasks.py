"""The tasks that the state folder knows, for commands: which one is meant, and what to say without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pillion.cli.exits import NOT_RUN, UserError
from pillion.ports.control import ControlError
from pillion.ports.store import StoreError
from pillion.stores.sqlite import SqliteStore, StoredTask, state_folder
from pillion.tasks.journals import HistoryError, container_names, find_task


@contextmanager
def known_tasks() -> Iterator[SqliteStore]:
    """Open the journals of the state folder. What goes wrong with them ends the command with its message."""
    try:
        store = SqliteStore(state_folder())
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    try:
        yield store
    except HistoryError as error:
        raise UserError(str(error)) from error
    except (StoreError, ControlError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    finally:
        store.close()


def known_task(name: str | None) -> StoredTask:
    """Return the task that is meant (see `history.find_task`). Raises UserError."""
    with known_tasks() as store:
        return find_task(store, name)


def known_containers(stored: StoredTask, wanted: Iterable[str]) -> None:
    """Make sure that a task has these containers. Raises UserError, with the names that there are."""
    names = container_names(stored)
    for name in wanted:
        if name not in names:
            raise UserError(f"the task has no container {name}; it has {', '.join(names)}")
