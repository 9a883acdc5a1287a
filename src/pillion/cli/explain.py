"""`pillion explain`: why a task is where it is, and what to change."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.cli.places import KnownDefinition
    from pillion.core.diagnosis.model import Diagnosis

_FORMATS = ("text", "json")

_SIZE_MAX = 256 * 1024 * 1024
"""Bytes of a `--from`; the output of a long run can be large, a device file never ends."""


@click.command()
@click.argument("task", required=False)
@click.option(
    "--from",
    "source",
    metavar="FILE",
    help="What `aws ecs describe-tasks` or `pillion run --format json` printed; - for standard input.",
)
@click.option(
    "--definition", metavar="FILE", help="The task's definition: names who waits for whom, and places."
)
@click.option("--family", metavar="NAME", help="Which definition of the file: family, logical id or address.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def explain(
    *, task: str | None, source: str | None, definition: str | None, family: str | None, style: str
) -> int:
    """Say why TASK is where it is: the chain of causes, the evidence, and what to change.

    TASK is the beginning of a task's id, or its family; without it the task that pillion ran last. Tasks that
    have ended are known for an hour, or as long as keep_history says. With --from the task need not have run
    here: it is read from what ECS says of it.
    """
    from pillion.cli.places import read_known_definition
    from pillion.core.diagnosis.report import diagnosis_json, diagnosis_text

    if task is not None and source is not None:
        raise UserError("TASK and --from exclude each other: --from says by itself which task is meant")
    if family is not None and definition is None:
        raise UserError("--family chooses a definition in the file of --definition")
    known = read_known_definition(definition, family) if definition else None
    found = _from_source(source, known) if source is not None else [_from_journal(task, known)]
    if style == "json":
        shapes = [diagnosis_json(item) for item in found]
        click.echo(json.dumps({"tasks": shapes}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n\n".join(diagnosis_text(item) for item in found))
    return 0


def _from_source(source: str, known: KnownDefinition | None) -> list[Diagnosis]:
    from pillion.cli.places import with_places
    from pillion.core.diagnosis.diagnose import diagnose
    from pillion.core.diagnosis.reading import EvidenceError, read_tasks

    text = _read(source)
    try:
        tasks = read_tasks(text)
    except EvidenceError as error:
        name = "standard input" if source == "-" else source
        raise UserError(f"{name}: {error}") from error
    facts = known.facts if known else None
    return [with_places(diagnose(item, facts), known) for item in tasks]


def _from_journal(task: str | None, known: KnownDefinition | None) -> Diagnosis:
    from pillion.cli.places import definition_of_record, with_places
    from pillion.ports.store import StoreError
    from pillion.stores.sqlite import SqliteStore, state_folder
    from pillion.tasks.history import explain_task, remember
    from pillion.tasks.journals import HistoryError, find_task

    try:
        store = SqliteStore(state_folder())
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    try:
        remembered = remember(store, find_task(store, task))
    except HistoryError as error:
        raise UserError(
            f"{error}\n  For a task that ran elsewhere: pillion explain --from FILE, "
            "with what aws ecs describe-tasks prints."
        ) from error
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    finally:
        store.close()
    return with_places(explain_task(remembered), known or definition_of_record(remembered.record))


def _read(source: str) -> str:
    try:
        if source == "-":
            data = sys.stdin.buffer.read(_SIZE_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise UserError(f"{source}: this file cannot be read: {error.strerror}") from error
    if len(data) > _SIZE_MAX:
        raise UserError(f"{source}: this is larger than {_SIZE_MAX // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: this is not UTF-8 text") from error
