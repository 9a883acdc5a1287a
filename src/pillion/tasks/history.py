"""Why tasks are where they are, out of the journals of the state folder; and what past ones were seen to use.

Part of the composition root: store, journal and diagnosis meet here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from pillion.core.diagnosis.definition import DefinitionFacts, definition_facts
from pillion.core.diagnosis.diagnose import diagnose
from pillion.core.diagnosis.evidence import TaskEvidence
from pillion.core.diagnosis.journal import evidence_of_state, replay_journal
from pillion.core.diagnosis.known import Role
from pillion.core.diagnosis.model import Diagnosis, Explanation
from pillion.core.lifecycle.explain import Waiting, waiting
from pillion.core.lifecycle.state import initial_state
from pillion.core.usage import Observed, together
from pillion.stores.notes import read_notes
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore, StoredTask
from pillion.tasks.journals import KnownTask, families, read_journal, supervisor_of

_OBSERVED_TASKS_MAX = 5
"""Tasks of a family whose usage counts, the newest: an old one may have run another program."""


class RememberedTask(KnownTask, frozen=True, kw_only=True):
    """A task out of its journal, with what explains where it is.

    Attributes:
        evidence: where it is now, or where it ended.
        facts: its definition.
        waits: who waits for what, while it starts or stops.
    """

    evidence: TaskEvidence
    facts: DefinitionFacts
    waits: tuple[Waiting, ...]

    @property
    def is_abandoned(self) -> bool:
        """Whether the process that supervised it is gone, and the task was not over."""
        return not self.is_over and self.supervisor is None


def observed_by_family(folder: Path) -> dict[str, dict[str, Observed]]:
    """Return the most that the containers of past runs were seen to use, by family and container.

    Of each family the newest few tasks that are kept count, those that still run among them. Nothing is made
    where nothing is.

    Args:
        folder: the state folder.

    Raises:
        StoreError: the journals are there and cannot be read.
    """
    if not (folder / DATABASE_NAME).exists():
        return {}
    with closing(SqliteStore(folder)) as store:
        tasks = store.tasks()
    by_family: dict[str, list[Mapping[str, Observed]]] = {}
    for item in tasks:
        runs = by_family.setdefault(families(item)[0], [])
        usage = item.usage or _usage_so_far(folder, item)
        if usage and len(runs) < _OBSERVED_TASKS_MAX:
            runs.append(usage)
    return {family: _together(runs) for family, runs in by_family.items() if runs}


def _usage_so_far(folder: Path, item: StoredTask) -> Mapping[str, Observed]:
    """Return what a task that is not over was seen to use by now."""
    notes = None if item.ended_at_s is not None else read_notes(folder, item.task_id)
    return {} if notes is None else notes.usage


def _together(runs: list[Mapping[str, Observed]]) -> dict[str, Observed]:
    names = sorted({name for run in runs for name in run})
    return {name: together(run[name] for run in runs if name in run) for name in names}


def remember(store: SqliteStore, stored: StoredTask) -> RememberedTask:
    """Replay a task's journal.

    Args:
        store: the journals.
        stored: the task.

    Raises:
        HistoryError: what was stored cannot be read by this pillion.
        StoreError: the store cannot be read.
    """
    record, events = read_journal(store, stored)
    facts = definition_facts(record.definition, spec=record.initial.spec if record.initial else None)
    initial = record.initial or initial_state(replace(facts.spec, task_arn=record.task_arn))
    state, causes = replay_journal(initial, events)
    usage = stored.usage or _usage_so_far(store.folder, stored)
    evidence = evidence_of_state(
        state,
        causes=causes,
        lines=store.last_lines(stored.task_id),
        definition_arn=record.identity.definition_arn if record.identity else "",
        memory_mib={item.name or "": item.memory for item in record.definition.container_definitions},
        memory_peak_mib={name: seen.memory_mib for name, seen in usage.items()},
    )
    over = stored.ended_at_s is not None or evidence.is_stopped
    return RememberedTask(
        record=record,
        state=state,
        evidence=evidence,
        facts=facts,
        ports=store.facts(stored.task_id),
        waits=waiting(state),
        supervisor=None if over else supervisor_of(store, stored),
        is_over=over,
    )


def explain_task(task: RememberedTask, facts: DefinitionFacts | None = None) -> Diagnosis:
    """Say why a task is where it is.

    Args:
        task: the task.
        facts: its definition as a file has it now, where that is to be used instead of the stored one.
    """
    diagnosis = diagnose(task.evidence, facts or task.facts, task.waits)
    if not task.is_abandoned:
        return diagnosis
    return replace(
        diagnosis,
        summary=f"{diagnosis.summary}; but the pillion that ran it is gone: this is what it wrote last",
        findings=(_abandoned(task), *diagnosis.findings),
    )


def _abandoned(task: RememberedTask) -> Explanation:
    arn = task.evidence.task_arn
    return Explanation(
        code="supervisor-gone",
        role=Role.FAULT,
        what="the pillion that ran the task ended without stopping it",
        why="It was killed, or the machine went down. Its containers may still run, and nobody watches them.",
        evidence=(f"process {task.record.process_id or '(unknown)'} began it; no process supervises it now",),
        advice=(
            "pillion serve takes it over, and goes on where its journal ends.",
            f"Look for its containers: docker ps -a --filter label=com.amazonaws.ecs.task-arn={arn}",
        ),
    )
