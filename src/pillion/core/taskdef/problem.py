"""Problems of structure: what a document has that is no task definition.

A problem is a value with a path into the document. Where the path is in a file is for `documents` to say.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from msgspec import Struct

from pillion.core.findings import Edit, Path


class ProblemCode(StrEnum):
    """Kinds of problems; stable, for programs."""

    WRONG_TYPE = "wrong-type"
    """A text where a number belongs, a list where an object belongs, and so on."""
    BAD_WORD = "bad-word"
    """A word that is not one of those that the API knows here."""
    OUT_OF_RANGE = "out-of-range"
    """A number that does not fit into the API's 32-bit integers."""
    UNKNOWN_FIELD = "unknown-field"
    """A member that the API does not know here."""
    WRONG_CASE = "wrong-case"
    """A member with the right name, written differently (`Family`, `depends_on`)."""
    MISPLACED_FIELD = "misplaced-field"
    """A member that exists, but elsewhere in a task definition."""
    MISSING_FIELD = "missing-field"
    """A member that the API requires."""
    NULL = "null"
    """A null. The service reads it as absent, but the SDKs and the AWS CLI refuse to send it."""
    TWICE = "twice"
    """Something that is given in two places."""


_ABOUT_THE_KEY: Final = frozenset(
    {ProblemCode.UNKNOWN_FIELD, ProblemCode.WRONG_CASE, ProblemCode.MISPLACED_FIELD}
)


class Problem(Struct, frozen=True, kw_only=True):
    """One problem of structure.

    Attributes:
        path: Keys and indices from the top of the document. That of a missing member ends with its name.
        code: The kind of problem.
        message: What is wrong, and where, for people.
        hint: What to do.
        edit: The same for programs, where no choice is left.
    """

    path: Path
    code: ProblemCode
    message: str
    hint: str = ""
    edit: Edit | None = None

    @property
    def at_key(self) -> bool:
        """Is the problem in the member's name rather than in its value?"""
        return self.code in _ABOUT_THE_KEY

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


def format_path(path: Path) -> str:
    """A path as the AWS SDKs write it: `containerDefinitions[0].environment[2].value`; the top is `input`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown_key(part)}" if text else shown_key(part)
    return text or "input"


_SHOWN_LENGTH_MAX: Final = 60
_SHOWN_NUMBER_MAX: Final = 10**20


def shown_key(key: str) -> str:
    """A key, safe to print and not too long; anything but a plain word gets quotes."""
    return key if key.isidentifier() and key.isascii() and len(key) <= _SHOWN_LENGTH_MAX else shown_text(key)


def shown_text(text: str) -> str:
    """A text in quotes, as JSON writes it, safe to print and not too long."""
    short = text if len(text) <= _SHOWN_LENGTH_MAX else text[:_SHOWN_LENGTH_MAX] + "…"
    # A lone surrogate is allowed in JSON and cannot be printed.
    return json.dumps(short, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


def shown_value(value: object) -> str:
    """A JSON value in a few words: `the string "256"`, `the number 3`, `null`, `an object`, `a list`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the string {shown_text(value)}"
        case int() if abs(value) > _SHOWN_NUMBER_MAX:
            return "a very large number"  # Python refuses to print integers of some thousand digits
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "something that JSON does not have"
