"""Readers of single values: texts, numbers, truth values, words; and the report they write problems to.

A reader takes a JSON value and its path. It returns the value of the model, or reports a problem and
returns whatever it likes, since a document with a problem gives no model.

Surprising: where only one thing can have been meant ("256" for a number, 8080 for a text), the problem
carries the repair. Nothing is repaired silently, because the AWS SDKs refuse such values too.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from pillion.core.findings import Edit, EditAction, Path
from pillion.core.taskdef.problem import Problem, ProblemCode, format_path, shown_text, shown_value
from pillion.core.taskdef.suggest import like_word, meant_word

INTEGER_MIN: Final = -(2**31)
INTEGER_MAX: Final = 2**31 - 1

_TRUTH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Report(Struct):
    """What one reading has found so far."""

    unknown: object
    """The marker for values that nobody knows yet; None if there is none."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    incomplete: bool = False
    """Whether a value was unknown."""

    def wrong_type(
        self, value: object, path: Path, wanted: str, hint: str = "", edit: Edit | None = None
    ) -> None:
        """Note that a value has the wrong type, unless nobody knows the value."""
        if self.unknown is not None and value is self.unknown:
            self.incomplete = True
            return
        self.problems.append(
            Problem(
                path=path,
                code=ProblemCode.WRONG_TYPE,
                message=f"{format_path(path)} must be {wanted}, not {shown_value(value)}.",
                hint=hint,
                edit=edit,
            )
        )


Reader = Callable[[Any, Path, Report], Any]


def read_string(value: object, path: Path, report: Report) -> object:
    """Read a text."""
    if type(value) is str:
        return value
    if isinstance(value, bool | int) and INTEGER_MIN <= value <= INTEGER_MAX:
        text = str(value).lower()
        report.wrong_type(value, path, "a string", f'Write it in quotes: "{text}".', _set(path, text))
    else:
        report.wrong_type(value, path, "a string")
    return None


def read_integer(value: object, path: Path, report: Report) -> object:
    """Read a whole number of 32 bits."""
    if type(value) is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            report.problems.append(_out_of_range(value, path))
        return value
    meant = _meant_integer(value)
    if meant is None:
        report.wrong_type(value, path, "an integer")
    else:
        report.wrong_type(value, path, "an integer", f"Write {meant}.", _set(path, meant))
    return None


def read_boolean(value: object, path: Path, report: Report) -> object:
    """Read a truth value."""
    if type(value) is bool:
        return value
    meant = _TRUTH.get(value.lower()) if isinstance(value, str) else None
    if meant is None:
        report.wrong_type(value, path, "true or false")
    else:
        word = "true" if meant else "false"
        report.wrong_type(value, path, "true or false", f"Write {word}, without quotes.", _set(path, meant))
    return None


def read_timestamp(value: object, path: Path, report: Report) -> object:
    """Read a point in time; it is kept as it was written."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    report.wrong_type(value, path, "a time")
    return None


def choice_reader(choice: type[StrEnum], otherwise: StrEnum | None = None) -> Reader:
    """Make a reader of one of a few words.

    Args:
        choice: The words.
        otherwise: What any other word counts as; it is then no problem but a note.
    """
    words = {str(member): member for member in choice}
    known = tuple(words)

    def read(value: object, path: Path, report: Report) -> object:
        if type(value) is not str:
            report.wrong_type(value, path, "one of the words " + ", ".join(known))
            return None
        word = words.get(value)
        if word is None:
            bad = _bad_word(value, known, path)
            if otherwise is None:
                report.problems.append(bad)
            else:
                report.notes.append(replace(bad, message=f"{bad.message} ECS takes it for {otherwise}."))
        return word or otherwise

    return read


def _bad_word(value: str, known: tuple[str, ...], path: Path) -> Problem:
    meant = meant_word(known, value)
    like = None if meant else like_word(known, value)
    only = f"must be one of {', '.join(known)}" if len(known) > 1 else f"must be {known[0]}"
    return Problem(
        path=path,
        code=ProblemCode.BAD_WORD,
        message=f"{format_path(path)} {only}, not {shown_text(value)}.",
        hint=_word_hint(value, meant, like),
        edit=_set(path, meant) if meant else None,
    )


def _word_hint(value: str, meant: str | None, like: str | None) -> str:
    if not value:
        return "Remove it."  # as `--generate-cli-skeleton` leaves it
    if meant:
        return f'Write "{meant}".'
    return f'Did you mean "{like}"?' if like else ""


def _out_of_range(value: int, path: Path) -> Problem:
    return Problem(
        path=path,
        code=ProblemCode.OUT_OF_RANGE,
        message=f"{format_path(path)} is {shown_value(value)}, which the API's 32 bits cannot hold.",
        hint=f"Write a number from {INTEGER_MIN} to {INTEGER_MAX}.",
    )


def _meant_integer(value: object) -> int | None:
    if isinstance(value, str) and len(value) <= 10:
        digits = value.removeprefix("-")
        return int(value) if digits.isdecimal() and digits.isascii() else None
    if isinstance(value, float) and value.is_integer() and abs(value) <= INTEGER_MAX:
        return int(value)
    return None


def _set(path: Path, value: object) -> Edit:
    return Edit(path=path, action=EditAction.SET, value=value)
