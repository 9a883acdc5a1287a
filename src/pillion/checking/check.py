"""Checks one document: every definition in it, with a place for every finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from pillion.checking.ignores import Ignores
from pillion.core.findings import Finding, Path, Place
from pillion.core.rules.check import check_definition
from pillion.core.rules.structure import WRAPPER, wrong_case
from pillion.documents.source import Document
from pillion.inputs import Subject, find_definitions


class CheckOptions(Struct, frozen=True, kw_only=True):
    """What the caller wants of a check.

    Attributes:
        ignore: Codes that are not reported.
        launch_types: Launch types to check for beside those that a definition requires.
        choose: Family or logical id of the only definition to look at, or None for all.
    """

    ignore: frozenset[str] = frozenset()
    launch_types: frozenset[str] = frozenset()
    choose: str | None = None


class CheckedDefinition(Struct, frozen=True, kw_only=True):
    """One definition with what was found in it."""

    subject: Subject
    findings: tuple[Finding, ...]


class CheckedDocument(Struct, frozen=True, kw_only=True):
    """One document with its definitions; none, if it has none."""

    document: Document
    definitions: tuple[CheckedDefinition, ...] = field(default=())

    @property
    def findings(self) -> list[Finding]:
        """The findings of all definitions, in order."""
        return [finding for definition in self.definitions for finding in definition.findings]


NO_OPTIONS: Final = CheckOptions()


def check_document(
    document: Document, options: CheckOptions = NO_OPTIONS, *, expected: bool = True
) -> CheckedDocument:
    """Check every definition of a document.

    Args:
        document: What was read.
        options: What to leave out, and what to check for.
        expected: Whether the document is known to hold a definition; see `find_definitions`.
    """
    ignores = Ignores(document, options.ignore)
    subjects = find_definitions(document.value, expected=expected)
    chosen = [s for s in subjects if options.choose is None or s.is_called(options.choose)]
    return CheckedDocument(
        document=document,
        definitions=tuple(_check_subject(subject, document, ignores, options) for subject in chosen),
    )


def _check_subject(
    subject: Subject, document: Document, ignores: Ignores, options: CheckOptions
) -> CheckedDefinition:
    kept = []
    misspelt = [_misspelt(path, name) for path, name in subject.misspelt]
    for finding in (*misspelt, *check_definition(subject.value, launch_types=options.launch_types)):
        path = subject.locate(finding.path)
        if not ignores.hides(finding, _inner(subject.value), path):
            kept.append(_placed(finding, subject, document, path))
    return CheckedDefinition(subject=subject, findings=tuple(kept))


def _misspelt(path: Path, name: str) -> Finding:
    """A member that CloudFormation spells differently from the API."""
    return Finding(
        code=wrong_case.code,
        severity=wrong_case.severity,
        title=wrong_case.title,
        message=f"CloudFormation has no property {path[-1]} here.",
        detail=f"It writes {name}.",
        path=path,
        at_key=True,
        why=wrong_case.why,
        fix=wrong_case.fix,
        source=wrong_case.source,
    )


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = value.get(WRAPPER)
    return inner if isinstance(inner, dict) else value


def _placed(finding: Finding, subject: Subject, document: Document, path: Path) -> Finding:
    position = document.locate(path, key=finding.at_key)
    span = document.key_span(path) if finding.at_key else document.span(path)
    end = document.position(span.end) if span is not None else None
    place = Place(
        file=document.name,
        line=position.line,
        column=position.column,
        end_column=end.column if end is not None and end.line == position.line else None,
    )
    edit = finding.edit if subject.is_repairable else None
    return replace(finding, place=place, definition=subject.name or None, edit=edit)
