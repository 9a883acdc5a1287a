"""Where the things that a diagnosis speaks of stand in a file."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from pillion.cli.exits import UserError
from pillion.core.diagnosis.definition import DefinitionFacts, definition_facts
from pillion.core.diagnosis.model import Diagnosis
from pillion.core.errors import DocumentError
from pillion.core.findings import Path, Place
from pillion.core.record import TaskRecord
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.problem import format_path
from pillion.documents.load import load_document
from pillion.inputs import ChoiceError, UnknownValuesError, choose_definition, complete_definition


class KnownDefinition(Struct, frozen=True, kw_only=True):
    """A definition that was read, and the way from a path in it to a place in its file."""

    facts: DefinitionFacts
    place: Callable[[Path], Place]


def read_known_definition(file: str, family: str | None) -> KnownDefinition:
    """Read the definition of a task that ran. It need not be one that can be run here.

    Raises:
        UserError: it cannot be read, or it is not said which of several is meant.
    """
    try:
        document = load_document(file)
        subject = choose_definition(document.value, family)
        completed = complete_definition(subject, to_run=False)
    except DocumentError as error:
        raise UserError(str(error)) from error
    except ChoiceError as error:
        raise UserError(f"{file}: {error}") from error
    except UnknownValuesError as error:
        paths = ", ".join(format_path(path) for path in error.paths)
        raise UserError(
            f"{file}: only the deployment knows {paths}\n"
            "  Use the definition as ECS has it: aws ecs describe-task-definition."
        ) from error
    parsed = parse_task_definition(completed.value)
    if parsed.definition is None:
        lines = [f"  {format_path(problem.path)}: {problem.message}" for problem in parsed.problems]
        raise UserError("\n".join([f"{file}: this is no task definition:", *lines]))

    def place(path: Path) -> Place:
        position = document.locate(subject.locate(path))
        return Place(file=document.name, line=position.line, column=position.column)

    return KnownDefinition(facts=definition_facts(parsed.definition), place=place)


def with_places(diagnosis: Diagnosis, known: KnownDefinition | None) -> Diagnosis:
    """Fill in the places of a diagnosis, where the file of the definition is known."""
    if known is None:
        return diagnosis
    return replace(
        diagnosis,
        findings=tuple(
            replace(item, place=known.place(item.path)) if item.path else item for item in diagnosis.findings
        ),
    )


def definition_of_record(record: TaskRecord) -> KnownDefinition | None:
    """Return the definition that a task was begun with as its file has it, or None where it has changed."""
    if record.source is None:
        return None
    try:
        known = read_known_definition(record.source, record.definition.family)
    except UserError:
        return None
    same = known.facts.definition == record.definition
    return known if same or _differs_by_overrides(record, known) else None


def _differs_by_overrides(record: TaskRecord, known: KnownDefinition) -> bool:
    """Say whether the run had overrides and the containers are still the same: then places still fit."""
    names = [item.name for item in known.facts.definition.container_definitions]
    return any(record.overrides.values()) and names == [
        item.name for item in record.definition.container_definitions
    ]
