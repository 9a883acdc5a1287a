"""Which lines of a task have been delivered, so that whoever takes it over begins behind them.

Part of the composition root: the kept output has the lines, the journal's database how many are settled. A
process that dies between a delivery and its note leaves lines that are delivered twice: those of one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pillion.ports.engine import LogLine
from pillion.ports.store import StoreError
from pillion.stores.output.reader import OutputReader
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore


class KeptDeliveries:
    """Implements `surroundings.Deliveries` for one task.

    Args:
        store: where the numbers are kept.
        task_id: the task.
        output: the task's kept output, as it is before this process reads any.
    """

    def __init__(self, store: SqliteStore, task_id: str, output: OutputWriter) -> None:
        self._store = store
        self._task_id = task_id
        self._output = output
        self._before: dict[str, int] = {}

    def settled(self, container: str, lines: int) -> None:
        """Keep a number of lines. A store that fails costs lines delivered twice, and never the run."""
        with suppress(StoreError):
            self._store.keep_settled(self._task_id, container, self._before.get(container, 0) + lines)

    def unsettled(self, container: str) -> Sequence[LogLine]:
        """Return the lines that were read and not settled; those that are not kept any more are missing."""
        position = self._output.position(container)
        if position is None:
            return ()
        try:
            settled = self._store.settled(self._task_id, container)
        except StoreError:
            settled = position.lines
        missing = position.lines - settled
        found = self._last(container, missing) if missing > 0 else []
        self._before[container] = position.lines - len(found)
        return found

    def _last(self, container: str, count: int) -> list[LogLine]:
        reader = OutputReader(self._store.folder, self._task_id)
        try:
            own = [
                entry
                for entry in reader.read_new()
                if isinstance(entry, LogLine) and entry.container == container
            ]
        except OSError:
            return []
        finally:
            reader.close()
        return own[-count:]
