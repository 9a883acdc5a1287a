"""Tasks that pillion ran, or still runs, out of the journals of the state folder.

Part of the composition root: store, journal and diagnosis meet here. Nothing is changed: a task that runs in
another process is read while that process writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pillion.control.claims import Claimant, find_claimant
from pillion.core.codec import CodecError
from pillion.core.diagnosis.definition import DefinitionFacts, definition_facts
from pillion.core.diagnosis.diagnose import diagnose
from pillion.core.diagnosis.evidence import TaskEvidence
from pillion.core.diagnosis.journal import evidence_of_state, replay_journal
from pillion.core.diagnosis.known import Role
from pillion.core.diagnosis.model import Diagnosis, Explanation
from pillion.core.lifecycle.explain import Waiting, waiting
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.core.plan.facts import ContainerFacts
from pillion.core.record import RecordError, TaskRecord, decode_record
from pillion.core.usage import Observed, together
from pillion.stores.notes import read_notes
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore, StoredTask

_SHOWN_MAX = 10
"""Tasks named in a message; more do not help to choose."""

_ID_LENGTH = 8

_OBSERVED_TASKS_MAX = 5
"""Tasks of a family whose usage counts, the newest: an old one may have run another program."""


class HistoryError(Exception):
    """The task that is meant cannot be found or read. The message says what there is, and what to do."""


@dataclass(frozen=True, kw_only=True)
class RememberedTask:
    """A task out of its journal.

    Attributes:
        record: how it was begun.
        state: what its journal leads to.
        evidence: where it is now, or where it ended.
        facts: its definition.
        ports: what the engine said of its containers: ports and addresses.
        waits: who waits for what, while it starts or stops.
        supervisor: the process that supervises it; None where none does, or where it is over.
        is_over: whether it has ended.
    """

    record: TaskRecord
    state: TaskState
    evidence: TaskEvidence
    facts: DefinitionFacts
    ports: Mapping[str, ContainerFacts]
    waits: tuple[Waiting, ...]
    supervisor: Claimant | None
    is_over: bool

    @property
    def is_abandoned(self) -> bool:
        """Whether the process that supervised it is gone, and the task was not over."""
        return not self.is_over and self.supervisor is None


def find_task(store: SqliteStore, name: str | None) -> StoredTask:
    """Return the task that is meant.

    Args:
        store: the journals.
        name: the beginning of an id, an ARN, or a family with or without its revision, of which the newest is
            meant; None for the newest of all.

    Raises:
        HistoryError: there is none, or the beginning of an id fits several.
        StoreError: the store cannot be read.
    """
    tasks = store.tasks()
    if not tasks:
        raise HistoryError("pillion knows no task: none ran here, or their history is over (keep_history)")
    if name is None:
        return tasks[0]
    wanted = name.rpartition("/")[2]
    by_id = [item for item in tasks if item.task_id.startswith(wanted)]
    if len(by_id) == 1:
        return by_id[0]
    if by_id:
        raise HistoryError(f"several tasks have an id that begins with {wanted}:\n{listed(by_id)}")
    by_family = [item for item in tasks if wanted in _families(item)]
    if by_family:
        return by_family[0]
    raise HistoryError(f"pillion knows no task {name}; it knows, the newest first:\n{listed(tasks)}")


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
        runs = by_family.setdefault(_families(item)[0], [])
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


def _families(item: StoredTask) -> tuple[str, ...]:
    identity: Mapping[str, Any] = item.about.get("identity") or {}
    family = identity.get("family") or (item.about.get("definition") or {}).get("family") or ""
    return (family, f"{family}:{identity.get('revision', 1)}")


def listed(tasks: Sequence[StoredTask]) -> str:
    """Return tasks as lines, for messages that ask which one is meant."""
    lines = [
        f"  {item.task_id[:_ID_LENGTH]}  {_families(item)[1]}"
        f"  {item.result.get('stopCode', 'stopped') if item.ended_at_s is not None else 'not over'}"
        for item in tasks[:_SHOWN_MAX]
    ]
    rest = len(tasks) - _SHOWN_MAX
    return "\n".join([*lines, *([f"  and {rest} more"] if rest > 0 else [])])


def remember(store: SqliteStore, stored: StoredTask) -> RememberedTask:
    """Replay a task's journal.

    Args:
        store: the journals.
        stored: the task.

    Raises:
        HistoryError: what was stored cannot be read by this pillion.
        StoreError: the store cannot be read.
    """
    try:
        record = decode_record(stored.about)
        events = store.read(stored.task_id)
    except (RecordError, CodecError) as error:
        raise HistoryError(f"the journal of task {stored.task_id} cannot be read: {error}") from error
    facts = definition_facts(record.definition, spec=record.initial.spec if record.initial else None)
    initial = record.initial or initial_state(replace(facts.spec, task_arn=record.task_arn))
    state, causes = replay_journal(initial, events)
    evidence = evidence_of_state(
        state,
        causes=causes,
        lines=store.last_lines(stored.task_id),
        definition_arn=record.identity.definition_arn if record.identity else "",
        memory_mib={item.name or "": item.memory for item in record.definition.container_definitions},
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


def supervisor_of(store: SqliteStore, stored: StoredTask) -> Claimant | None:
    """Return the process that supervises a task; None where none does, or where it is over."""
    if stored.owner is None or stored.ended_at_s is not None:
        return None
    return find_claimant(store.folder, stored.owner)


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


def container_names(stored: StoredTask) -> tuple[str, ...]:
    """Return the names of a task's containers, in the order of its definition."""
    definition: Mapping[str, Any] = stored.about.get("definition") or {}
    return tuple(item.get("name", "") for item in definition.get("containerDefinitions") or ())
