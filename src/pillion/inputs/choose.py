"""Picks the one definition that a command is about, out of a document that may have several."""

from __future__ import annotations

from collections.abc import Iterator

from pillion.core.findings import Path, format_path
from pillion.core.rules import UNKNOWN
from pillion.inputs.find import find_definitions
from pillion.inputs.subject import Subject

_SHOWN_MAX = 5
"""Unknown members that an error lists; a template without defaults can have dozens."""


class ChoiceError(Exception):
    """There is no definition to be had, or it is not said which; the message says what to do."""


def choose_definition(value: object, name: str | None = None) -> Subject:
    """The definition that is meant.

    Args:
        value: A document's JSON value, of any kind that `find_definitions` knows.
        name: Family, logical id or address; needed only where the document has several definitions.

    Raises:
        ChoiceError: The document has none, none of that name, or several and no name was given.
    """
    subjects = find_definitions(value)
    if not subjects:
        raise ChoiceError("the document holds no task definition")
    chosen = subjects if name is None else [s for s in subjects if name in (s.name, s.value.get("family"))]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(subject.name or "(no name)" for subject in subjects)
    if name is not None:
        raise ChoiceError(f"the document holds no single definition {name!r}; it has {names}")
    raise ChoiceError(f"the document holds {len(subjects)} definitions: {names}. Choose one with --family")


def require_known(subject: Subject) -> dict[str, object]:
    """The definition's value, once it is sure that nothing in it is left open.

    Raises:
        ChoiceError: Some values are known only to the deployment; the message lists them.
    """
    unknown = [format_path(path) for path in _unknown_paths(subject.value, ()) if path != ("family",)]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN_MAX])
        more = f" and {len(unknown) - _SHOWN_MAX} more" if len(unknown) > _SHOWN_MAX else ""
        raise ChoiceError(
            f"{subject.name}: only the deployment knows {shown}{more}. "
            "Give parameters a default, or use the definition as ECS describes it"
        )
    if subject.value.get("family") is UNKNOWN:
        return {**subject.value, "family": subject.name or "task"}
    return dict(subject.value)


def _unknown_paths(value: object, path: Path) -> Iterator[Path]:
    if value is UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unknown_paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_paths(item, (*path, index))
