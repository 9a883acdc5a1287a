"""How much containers have written, out of the kept output of their task: read once, then what is new."""

from __future__ import annotations

from pathlib import Path

from pillion.core.monitoring.figures import Written
from pillion.ports.engine import LogLine
from pillion.stores.output.files import older_path, output_path
from pillion.stores.output.lines import Positions, decode
from pillion.stores.output.reader import OutputReader


def count_output(state_folder: Path, task_id: str) -> dict[str, Written]:
    """Return what each container of a task has written by now; nothing where that cannot be read."""
    count = OutputCount(state_folder, task_id)
    try:
        return count.count()
    except OSError:
        return {}
    finally:
        count.close()


class OutputCount:
    """Counts the output of one task.

    Lines are all that were ever written; bytes (of text, without newlines) those of the output that is still
    kept, which is everything but for a task that wrote more than a few dozen MiB.
    """

    def __init__(self, state_folder: Path, task_id: str) -> None:
        self._path = output_path(state_folder, task_id)
        self._reader = OutputReader(state_folder, task_id)
        self._written: dict[str, Written] | None = None

    def count(self) -> dict[str, Written]:
        """Return what each container has written by now. Raises OSError."""
        if self._written is None:
            self._written = self._written_before()
        for entry in self._reader.read_new():
            if isinstance(entry, LogLine):
                before = self._written.get(entry.container, Written())
                size = len(entry.message.encode(errors="replace"))
                self._written[entry.container] = Written(lines=before.lines + 1, bytes=before.bytes + size)
        return dict(self._written)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def _written_before(self) -> dict[str, Written]:
        """Return the lines that were written before the oldest file that is kept."""
        for path in (older_path(self._path), self._path):
            try:
                with path.open("rb") as file:
                    first = decode(file.readline())
            except FileNotFoundError:
                continue
            if isinstance(first, Positions):
                return {name: Written(lines=place.lines) for name, place in first.containers.items()}
            return {}
        return {}
