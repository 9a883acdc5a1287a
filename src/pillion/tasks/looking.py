"""Live figures of the tasks of this machine, whichever process supervises them.

Part of the composition root: journals say where tasks are, the engine what their containers use, the kept
output what they wrote. Nothing is changed, and no supervising process is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pillion.core.monitoring.figures import TaskFigures, Written, figures_of, runtime_ids
from pillion.core.monitoring.notes import WatchNotes
from pillion.core.monitoring.sample import Sample
from pillion.core.monitoring.watched import WatchedTask, watch_task
from pillion.stores.notes import read_notes
from pillion.stores.output.counting import OutputCount
from pillion.stores.sqlite import SqliteStore, StoredTask
from pillion.tasks.history import RememberedTask, remember
from pillion.tasks.journals import HistoryError, find_task


class Sampler(Protocol):
    """What is needed of an engine here."""

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        """Return what containers use now, by the engine's id. Raises EngineUnreachableError."""
        ...


class TaskLooker:
    """Looks at tasks again and again; what one look saw is what the next one tells rates against.

    A context manager that lets go of the state folder. The engine stays the caller's.

    Args:
        folder: the state folder.
        engine: where the tasks run.
        now_s: the time (POSIX seconds).
    """

    def __init__(self, folder: Path, engine: Sampler, *, now_s: Callable[[], float]) -> None:
        self._folder = folder
        self._engine = engine
        self._now_s = now_s
        self._store = SqliteStore(folder)
        self._before: Mapping[str, Sample] = {}
        self._counts: dict[str, OutputCount] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything."""
        self._store.close()
        for count in self._counts.values():
            count.close()

    async def look(self, names: Sequence[str] = ()) -> tuple[TaskFigures, ...]:
        """Return the figures of tasks as they are now.

        Args:
            names: which tasks: beginnings of ids, ARNs or families; none for all that are not over, newest
                first.

        Raises:
            HistoryError: one that is named cannot be found or read.
            StoreError: the journals cannot be read.
            EngineUnreachableError: the engine does not answer.
        """
        tasks = [(self._watched(item, task), task) for item, task in self._tasks(names)]
        ids = [runtime_id for _, task in tasks for runtime_id in runtime_ids(task.state)]
        samples = await self._engine.sample(ids) if ids else {}
        before, self._before = self._before, samples
        return tuple(
            figures_of(
                watched,
                task.state,
                at_s=self._now_s(),
                samples=samples,
                before=before,
                written=self._written(watched.identity.task_id),
            )
            for watched, task in tasks
        )

    def notes(self, task_id: str) -> WatchNotes | None:
        """Return what the process that watches a task noted of it; None where it noted nothing."""
        return read_notes(self._folder, task_id)

    def _tasks(self, names: Sequence[str]) -> list[tuple[StoredTask, RememberedTask]]:
        if names:
            stored = [find_task(self._store, name) for name in dict.fromkeys(names)]
        else:
            stored = [item for item in self._store.tasks() if item.ended_at_s is None]
        found = [(item, remember(self._store, item)) for item in stored]
        # A task whose process died after its end was never marked as ended.
        return found if names else [(item, task) for item, task in found if not task.evidence.is_stopped]

    def _watched(self, stored: StoredTask, task: RememberedTask) -> WatchedTask:
        if task.record.identity is None:
            raise HistoryError(f"task {stored.task_id} was begun by an early pillion: it has no figures")
        return watch_task(task.record.identity, task.record.definition)

    def _written(self, task_id: str) -> Mapping[str, Written] | None:
        count = self._counts.setdefault(task_id, OutputCount(self._folder, task_id))
        try:
            return count.count()
        except OSError:
            return None
