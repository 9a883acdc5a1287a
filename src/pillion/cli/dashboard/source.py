"""What the dashboard shows, out of the state folder and the engine; whoever supervises the tasks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from pillion.control.client import ControlClient
from pillion.core.diagnosis.report import diagnosis_text
from pillion.core.monitoring.figures import TaskFigures
from pillion.core.monitoring.sample import Sample
from pillion.ports.control import ControlError
from pillion.ports.engine import EngineUnreachableError, LogLine
from pillion.ports.store import StoreError
from pillion.stores.output.reader import OutputReader
from pillion.stores.sqlite import SqliteStore, StoredTask
from pillion.tasks.history import explain_task, remember
from pillion.tasks.journals import HistoryError, find_task, supervisor_of
from pillion.tasks.looking import Sampler, TaskLooker

ENDED_TASKS_MAX = 10
"""Tasks that are over and are shown below the others, the newest."""

LINES_MAX = 5000
"""Lines of a task's output that can be looked back to."""

OUTPUT_BYTES = 1 << 20
"""How much of the end of a task's output is read when it is chosen."""


class Board(Struct, frozen=True, kw_only=True):
    """What is known at one moment.

    Attributes:
        tasks: those that are not over and then the newest of the others, each the newest first.
        unsupervised: ids of tasks that are not over and that no process runs any more.
        trouble: what is not known and why; empty where all is well.
    """

    tasks: tuple[TaskFigures, ...] = ()
    unsupervised: frozenset[str] = frozenset()
    trouble: str = ""


class Source(Protocol):
    """Where the dashboard has it from. Nothing is raised: what goes wrong is told on the board."""

    async def look(self) -> Board:
        """Look at everything now."""
        ...

    def output(self, task_id: str) -> TaskOutput:
        """Return the output of a task, to be read again and again."""
        ...

    def why(self, task_id: str) -> str:
        """Say why a task is where it is."""
        ...

    async def stop(self, task_id: str) -> str:
        """Ask for a task to be stopped; return what to tell the person about it."""
        ...


class TaskOutput:
    """The last lines of a task's output, and what comes."""

    def __init__(self, folder: Path, task_id: str) -> None:
        self.task_id = task_id
        self.lines: deque[LogLine] = deque(maxlen=LINES_MAX)
        self._reader = OutputReader(folder, task_id, last_bytes=OUTPUT_BYTES)

    def read_new(self) -> list[LogLine]:
        """Return the lines that have come since the last call."""
        try:
            found = [item for item in self._reader.read_new() if isinstance(item, LogLine)]
        except OSError:
            return []
        self.lines.extend(found)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()


class StateFolderSource:
    """Implements `Source` for a state folder. A context manager; the engine stays the caller's."""

    def __init__(self, folder: Path, engine: Sampler) -> None:
        """Open the journals. Raises StoreError."""
        self._folder = folder
        self._store = SqliteStore(folder)
        self._engine = _Forgiving(engine)
        self._looker = TaskLooker(folder, self._engine, now_s=time.time)
        self._ended: dict[str, TaskFigures] = {}

    def __enter__(self) -> StateFolderSource:
        """Return itself."""
        self._looker.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the journals."""
        self._looker.__exit__(None, None, None)
        self._store.close()

    async def look(self) -> Board:
        """Look at everything now."""
        try:
            stored = [item for item in self._store.tasks() if item.about.get("identity")]
            over = [item for item in stored if item.ended_at_s is not None][:ENDED_TASKS_MAX]
            here = [item for item in stored if item.ended_at_s is None]
            tasks = await self._figures(here, over)
        except (StoreError, HistoryError) as error:
            return Board(trouble=str(error))
        return Board(
            tasks=tasks,
            unsupervised=frozenset(item.task_id for item in here if supervisor_of(self._store, item) is None),
            trouble=self._engine.trouble,
        )

    async def _figures(
        self, here: Sequence[StoredTask], over: Sequence[StoredTask]
    ) -> tuple[TaskFigures, ...]:
        """Look at tasks; what has ended changes no more, so its journal is read once."""
        wanted = [*here, *(item for item in over if item.task_id not in self._ended)]
        looked = await self._looker.look([item.task_id for item in wanted]) if wanted else ()
        found = {figures.watched.identity.task_id: figures for figures in looked}
        known = {**self._ended, **found}
        self._ended = {item.task_id: known[item.task_id] for item in over}
        return (*(found[item.task_id] for item in here), *self._ended.values())

    def output(self, task_id: str) -> TaskOutput:
        """Return the output of a task, to be read again and again."""
        return TaskOutput(self._folder, task_id)

    def why(self, task_id: str) -> str:
        """Say why a task is where it is."""
        try:
            return diagnosis_text(explain_task(remember(self._store, find_task(self._store, task_id))))
        except (StoreError, HistoryError) as error:
            return str(error)

    async def stop(self, task_id: str) -> str:
        """Ask for a task to be stopped; return what to tell the person about it."""
        try:
            stored = find_task(self._store, task_id)
        except (StoreError, HistoryError) as error:
            return str(error)
        claimant = supervisor_of(self._store, stored)
        if claimant is None:
            return "nobody supervises this task: pillion serve takes it over"
        try:
            await asyncio.to_thread(ControlClient(claimant).stop, task_id, None)
        except ControlError as error:
            return str(error)
        return "asked to stop, in ECS's order"


class _Forgiving:
    """An engine that tells nothing where it does not answer, so that the journals can still be looked at."""

    def __init__(self, engine: Sampler) -> None:
        self._engine = engine
        self.trouble = ""

    async def sample(self, runtime_ids: Sequence[str]) -> Mapping[str, Sample]:
        try:
            found = await self._engine.sample(runtime_ids)
        except EngineUnreachableError as error:
            self.trouble = f"no figures: {str(error).partition(chr(10))[0]}"
            return {}
        self.trouble = ""
        return found
