"""`pillion check`: says what AWS would refuse and what will hurt, before anything is deployed.

Imports are few on purpose: a hook runs this for every commit, and an editor for every save.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from pillion.checking.check import CheckedDocument
from pillion.checking.ignores import parse_codes, unknown_codes
from pillion.checking.observed import NOTHING_OBSERVED, ByFamily
from pillion.checking.session import Session
from pillion.checking.settings import CheckSettingsError, threshold_of
from pillion.checking.text import Style, document_text, explain_text, plain, summary_text
from pillion.cli.exits import USAGE, UserError
from pillion.core.findings import Severity
from pillion.core.rules.catalogue import BY_CODE
from pillion.core.rules.rulebook import LAUNCH_TYPES
from pillion.documents.source import Document
from pillion.inputs import KNOWN_KINDS

FOUND = 1
"""Exit code for findings at or above the threshold."""

_FORMATS = ("text", "json", "sarif", "github", "junit")
_THRESHOLDS = ("error", "warning", "info", "never")


def _explain(context: click.Context, _parameter: click.Parameter, code: str | None) -> None:
    if code is None or context.resilient_parsing:
        return
    rule = BY_CODE.get(code.upper())
    if rule is None:
        raise click.BadParameter(f"there is no rule {code}. The rules are {', '.join(sorted(BY_CODE))}.")
    for line in explain_text(rule, style=_style()):
        click.echo(line)
    context.exit()


@click.command(epilog="Exit codes: 0 nothing at or above --fail-on, 1 something, 2 not checked.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE_OR_FOLDER...")
@click.option("--format", "output", type=click.Choice(_FORMATS), default="text", help="How to tell.")
@click.option(
    "--ignore", multiple=True, metavar="CODE", help="Leave findings with this code out; repeatable."
)
@click.option(
    "--fail-on", type=click.Choice(_THRESHOLDS), help="Severity that makes the exit code 1 [default: error]."
)
@click.option(
    "--launch-type",
    "launch_types",
    multiple=True,
    type=click.Choice(sorted(LAUNCH_TYPES), case_sensitive=False),
    help="Check for this launch type too, whatever the definition requires; repeatable.",
)
@click.option("--family", metavar="NAME", help="Check only this family, logical id or address.")
@click.option(
    "--budget", is_flag=True, help="Show who gets how much cpu and memory, and what past runs here used."
)
@click.option("--fix", is_flag=True, help="Repair in the files what can be repaired without asking.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option(
    "--explain",
    metavar="CODE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Say all about one rule.",
)
def check(
    *,
    paths: tuple[str, ...],
    output: str,
    ignore: tuple[str, ...],
    fail_on: str | None,
    launch_types: tuple[str, ...],
    family: str | None,
    budget: bool,
    fix: bool,
    diff: bool,
) -> int:
    """Say what AWS would refuse and what will hurt at run time, before it is deployed.

    Reads task definitions in JSON and YAML, lists of container definitions, CloudFormation and SAM templates,
    the CDK's output, Terraform's plan and state in JSON, and folders of those. - is standard input.
    """
    ignored = parse_codes(ignore)
    if strange := unknown_codes(ignored):
        raise UserError(f"--ignore: there is no rule {', '.join(strange)}")
    session = Session(
        ignore=ignored,
        launch_types=frozenset(launch_types),
        family=family,
        threshold=threshold_of(fail_on) if fail_on else None,
        threshold_given=fail_on is not None,
    )
    try:
        documents = session.check_all(paths)
        if diff:
            _print_diffs(session, documents)
            return 0
        if fix:
            documents = _fix(session, documents)
    except CheckSettingsError as error:
        raise UserError(str(error)) from error
    if documents:
        _print(documents, output, budget=budget, threshold=threshold_of(fail_on or Severity.ERROR.value))
    for problem in session.problems:
        click.echo(f"pillion: {problem}", err=True)
    if not documents and not session.problems:
        where = ", ".join(paths)
        click.echo(f"pillion: no task definition found in {where}\n  {KNOWN_KINDS}", err=True)
        return USAGE
    if session.problems:
        return USAGE
    return FOUND if session.failed else 0


def _fix(session: Session, documents: Sequence[CheckedDocument]) -> list[CheckedDocument]:
    checked = []
    for before, after in session.repair(documents):
        if after.document.text != before.text:
            _write(after.document)
            click.echo(f"{after.document.name}: repaired", err=True)
        checked.append(after)
    return checked


def _write(document: Document) -> None:
    if document.name == "<stdin>":
        raise UserError("--fix cannot repair standard input; --diff shows what it would change")
    try:
        Path(document.name).write_text(document.text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"{document.name}: cannot be written: {error.strerror}") from error


def _print_diffs(session: Session, documents: Sequence[CheckedDocument]) -> None:
    from pillion.checking.patches import unified

    for before, after in session.repair(documents):
        click.echo("".join(unified(before, after.document)), nl=False)


def _print(
    documents: Sequence[CheckedDocument], output: str, *, budget: bool, threshold: Severity | None
) -> None:
    observed = _observed() if budget and output in ("text", "json") else NOTHING_OBSERVED
    if output == "text":
        style = _style()
        for document in documents:
            for line in document_text(document, style=style, budget=budget, observed=observed):
                click.echo(line)
        click.echo(summary_text(documents, style=style))
        return
    from pillion.checking import formats

    match output:
        case "json":
            click.echo(formats.to_json(documents, observed=observed))
        case "sarif":
            from pillion import __version__

            click.echo(formats.to_sarif(documents, version=__version__))
        case "github":
            click.echo(formats.to_github(documents))
        case _:
            click.echo(formats.to_junit(documents, threshold=threshold))


def _observed() -> ByFamily:
    """What past runs used; a history that cannot be read is said, and does not fail the check."""
    from pillion.ports.store import StoreError
    from pillion.stores.sqlite import state_folder
    from pillion.tasks.history import observed_by_family

    try:
        return observed_by_family(state_folder())
    except StoreError as error:
        click.echo(f"pillion: nothing is shown of past runs: {error}", err=True)
        return NOTHING_OBSERVED


def _style() -> Style:
    """Colours for a terminal, unless the user wants none (https://no-color.org)."""
    return plain if os.environ.get("NO_COLOR") else click.style
