"""Picks the one definition that a command is about, out of a document that may have several."""

from __future__ import annotations

from pillion.inputs.find import KNOWN_KINDS, find_definitions
from pillion.inputs.subject import Subject


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
        raise ChoiceError(f"the document holds no task definition.\n  {KNOWN_KINDS}")
    chosen = subjects if name is None else [subject for subject in subjects if subject.is_called(name)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(subject.name or "(no name)" for subject in subjects)
    if name is not None:
        raise ChoiceError(f"the document holds no single definition {name!r}; it has {names}.")
    raise ChoiceError(f"the document holds {len(subjects)} definitions: {names}. Choose one with --family.")
