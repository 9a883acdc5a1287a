"""`pillion rightsize`: what cpu and memory should be, from what containers were seen to use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.core.rightsizing import Proposal
    from pillion.documents.source import Document
    from pillion.inputs import Subject

_FORMATS = ("text", "json", "patch")

TOO_LITTLE = 1
"""Exit code where too little was seen to propose anything."""


@click.command()
@click.argument("task", required=False)
@click.option(
    "--definition", metavar="FILE", help="The file to propose changes of; usual: what the task ran."
)
@click.option("--family", metavar="NAME", help="Which definition of the file: family, logical id or address.")
@click.option("--seen-for", metavar="DURATION", help="How long a container has to have been seen (5m).")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def rightsize(
    *, task: str | None, definition: str | None, family: str | None, seen_for: str | None, style: str
) -> int:
    """Propose cpu, memory and memoryReservation for TASK's definition, with the reasoning and as a patch.

    TASK is the beginning of a task's id, or its family; without it the task that pillion ran last. What
    counts is what the last five runs of its family were seen to use, those that still run among them. What
    is usual is reserved, and a peak may fill four fifths of a limit, where AWS recommends to raise an alarm.

    The patch goes to standard output; with --format patch nothing else does: pillion rightsize --format patch
    | patch -p0
    """
    from pillion.cli.known_tasks import known_task
    from pillion.core.rightsizing import SEEN_FOR_S, proposal_lines
    from pillion.core.rightsizing import rightsize as propose
    from pillion.core.units import parse_duration_s
    from pillion.ports.store import StoreError
    from pillion.stores.sqlite import state_folder
    from pillion.tasks.history import observed_by_family

    try:
        seen_for_s = SEEN_FOR_S if seen_for is None else parse_duration_s(seen_for)
    except ValueError as error:
        raise UserError(f"--seen-for: {error}") from error
    stored = known_task(task)
    ran_family = str((stored.about.get("identity") or {}).get("family") or "")
    file = definition or stored.about.get("source")
    if not isinstance(file, str):
        raise UserError(
            "the task's definition came from standard input: say which file it is in, with --definition FILE"
        )
    document, subject = _read(file, family or (ran_family if definition is None else None))
    try:
        observed = observed_by_family(state_folder()).get(ran_family, {})
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    proposal = propose(subject.value, observed, seen_for_s=seen_for_s)
    if style == "json":
        _print_json(proposal, document, subject)
        return 0 if proposal.knows_enough else TOO_LITTLE
    lines = proposal_lines(proposal)
    if not proposal.knows_enough:
        hint = "Let it run longer, with the load that it will have, or say --seen-for with less."
        raise UserError(
            "\n".join([f"too little was seen of {ran_family} to propose anything:", *lines, f"  {hint}"]),
            exit_code=TOO_LITTLE,
        )
    if style == "text":
        click.echo("\n".join([f"{ran_family} in {document.name}", *lines]))
    _print_patch(proposal, document, subject, style=style)
    return 0


def _read(file: str, family: str | None) -> tuple[Document, Subject]:
    from pillion.core.errors import DocumentError
    from pillion.documents.load import load_document
    from pillion.inputs import ChoiceError, choose_definition

    try:
        document = load_document(file)
        return document, choose_definition(document.value, family)
    except DocumentError as error:
        raise UserError(str(error)) from error
    except ChoiceError as error:
        raise UserError(f"{file}: {error}") from error


def _print_json(proposal: Proposal, document: Document, subject: Subject) -> None:
    from pillion.core.rightsizing import proposal_shape

    value = {
        "file": document.name,
        "definition": subject.name,
        "proposal": proposal_shape(proposal),
        "patch": "".join(_patch(proposal, document, subject)),
    }
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_patch(proposal: Proposal, document: Document, subject: Subject, *, style: str) -> None:
    if not proposal.edits:
        click.echo("\nnothing to change: everything fits", err=style == "patch")
        return
    patch = _patch(proposal, document, subject)
    if not patch:
        text = f"no patch can be made of {document.name}: it is no definition as the ECS API spells it"
        click.echo(f"\n{text}", err=style == "patch")
        return
    if style == "text":
        click.echo("")
    click.echo("".join(patch), nl=False)


def _patch(proposal: Proposal, document: Document, subject: Subject) -> list[str]:
    """Return the lines of a unified diff of the document; none where it cannot be edited."""
    from pillion.checking.fixes import repaired
    from pillion.checking.patches import unified
    from pillion.core.findings import Edit

    edits = [
        Edit(path=path, action=edit.action, value=edit.value)
        for edit in proposal.edits
        if (path := subject.locate_exactly(edit.path)) is not None
    ]
    return unified(document, repaired(document, edits))
