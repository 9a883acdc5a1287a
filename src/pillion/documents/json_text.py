"""JSON text to value, and the places of its values.

Reading is left to the standard library, which is fast; the scanner here runs only when somebody asks where
something stands, and only over text that was read successfully.

Surprising: a number of thousands of digits, which Python refuses to turn into an integer, is cut short. It
is far too large for any purpose, with or without its last digits.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from pillion.core.errors import DocumentError
from pillion.core.taskdef.problem import shown_text
from pillion.documents.source import Lines
from pillion.documents.tree import DEPTH_MAX, Member, Node, Object, Scalar, Sequence, Span, duplicates

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_WORD: Final = re.compile(r"[^ \t\n\r,\]}]+")
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]|-?Infinity|NaN', re.DOTALL)
_DIGITS_MAX: Final = 100


class _DuplicateNameError(Exception):
    """An object has a name twice."""


class _ConstantError(Exception):
    """The text has a number that JSON does not have."""


def parse_json(text: str, name: str) -> Any:  # noqa: ANN401 - a JSON value can be anything
    """Read JSON text.

    Args:
        text: The text.
        name: What to call the document in messages.

    Raises:
        DocumentError: It is not JSON, an object has a name twice, or it is nested too deeply.
    """
    try:
        value = _loads(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(text, name, error) from error
    except RecursionError as error:
        raise _too_deep(text, name) from error
    except _DuplicateNameError as error:
        raise _duplicate_error(text, name) from error
    except _ConstantError as error:
        raise _constant_error(text, name) from error
    # Only a text with so many brackets can be so deep; counting them spares most documents the search.
    if text.count("[") + text.count("{") > DEPTH_MAX and _first_too_deep(text) is not None:
        raise _too_deep(text, name)
    return value


def _loads(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _DECODER_OF_HUGE_NUMBERS.decode(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _DuplicateNameError
    return made


def _no_constant(_word: str) -> NoReturn:
    raise _ConstantError


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_DECODER_OF_HUGE_NUMBERS: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_no_constant,
    parse_int=lambda digits: int(digits[:_DIGITS_MAX]),
)


def scan_json(text: str) -> Node:
    """Find the places of all values in a text that `parse_json` has read."""
    return _Scanner(text).value(_after_space(text, 0))


class _Scanner:
    """Walks over correct JSON; each method takes the offset of a value's first character."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, start: int) -> Node:
        match self._text[start]:
            case "{":
                return self._object(start)
            case "[":
                return self._list(start)
            case '"':
                return Scalar(span=Span(start, self._end_of(_STRING, start)))
            case _:
                return Scalar(span=Span(start, self._end_of(_WORD, start)))

    def _object(self, start: int) -> Object:
        members = []
        offset = _after_space(self._text, start + 1)
        while self._text[offset] != "}":
            key = Span(offset, self._end_of(_STRING, offset))
            colon = _after_space(self._text, key.end)
            value = self.value(_after_space(self._text, colon + 1))
            members.append(Member(name=json.loads(self._text[key.start : key.end]), key=key, value=value))
            offset = self._next(value.span.end)
        return Object(span=Span(start, offset + 1), members=tuple(members))

    def _list(self, start: int) -> Sequence:
        items = []
        offset = _after_space(self._text, start + 1)
        while self._text[offset] != "]":
            item = self.value(offset)
            items.append(item)
            offset = self._next(item.span.end)
        return Sequence(span=Span(start, offset + 1), items=tuple(items))

    def _next(self, end: int) -> int:
        """The offset of the next item, or of the closing bracket."""
        offset = _after_space(self._text, end)
        return _after_space(self._text, offset + 1) if self._text[offset] == "," else offset

    def _end_of(self, token: re.Pattern[str], start: int) -> int:
        match = token.match(self._text, start)
        assert match is not None, "the text was read as JSON before"  # noqa: S101 - says what parse_json has made sure of
        return match.end()


def _after_space(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _error(text: str, name: str, offset: int, what: str, hint: str) -> DocumentError:
    place = Lines(text).position(offset)
    return DocumentError(what, file=name, line=place.line, column=place.column, hint=hint)


def _syntax_error(text: str, name: str, error: json.JSONDecodeError) -> DocumentError:
    what, hint, offset = _explain(text, error)
    return _error(text, name, offset, f"this is not JSON: {what}", hint)


def _explain(text: str, error: json.JSONDecodeError) -> tuple[str, str, int]:
    """What is wrong, what to do, and where, in the words of the most common mistakes."""
    offset = _after_space(text, error.pos)
    rest = text[offset : offset + 10]
    before = text[:offset].rstrip()[-1:]
    if not rest:
        return "the text ends too early", "A bracket, brace or quote is not closed.", offset
    if rest.startswith(("//", "/*", "#")):
        return (
            "JSON has no comments",
            "Remove it; or write the document as YAML, where a comment starts with #.",
            offset,
        )
    if rest[0] in "]}" and before == ",":
        return "a comma before the closing bracket", "Remove the comma.", offset
    if rest[0] in "'‘’“”":
        return "texts and names stand in double quotes", 'Write ".', offset
    if rest.startswith(("True", "False", "None")):
        return "true, false and null are written in small letters", "", offset
    return _explain_by_message(error, offset)


def _explain_by_message(error: json.JSONDecodeError, offset: int) -> tuple[str, str, int]:
    message = error.msg.lower()
    if "delimiter" in message:
        missing = "colon" if "':'" in message else "comma"
        return f"a {missing} is missing here", "Or a bracket before this is not closed.", offset
    if "property name" in message:
        return "a name in double quotes belongs here", "", offset
    if "control character" in message:
        return "a line break or a tab inside of a text", r"Write \n or \t.", error.pos
    if "unterminated" in message:
        return "this text has no closing quote", "", error.pos
    if "escape" in message:
        return "an unknown escape in a text", r"A backslash itself is written \\.", error.pos
    if "extra data" in message:
        return "more text after the end of the document", "", offset
    return "a value is missing here", "", offset


def _too_deep(text: str, name: str) -> DocumentError:
    return _error(
        text,
        name,
        _first_too_deep(text) or 0,
        f"the document is nested more than {DEPTH_MAX} levels deep",
        "No task definition is; is this the right file?",
    )


def _first_too_deep(text: str) -> int | None:
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                return match.start()
        elif match[0] in "]}":
            depth -= 1
    return None


def _constant_error(text: str, name: str) -> DocumentError:
    constants = (match for match in _TOKEN.finditer(text) if match[0].endswith(("NaN", "Infinity")))
    match = next(constants)
    return _error(text, name, match.start(), f"this is not JSON: it has no {match[0]}", "Write a number.")


def _duplicate_error(text: str, name: str) -> DocumentError:
    # The reading stopped at the first such object; the scan needs all of the text to be JSON.
    try:
        json.loads(text, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        return _syntax_error(text, name, error)
    if _first_too_deep(text) is not None:
        return _too_deep(text, name)
    return duplicate_error(text, name, scan_json(text))


def duplicate_error(text: str, name: str, tree: Node) -> DocumentError:
    """The error for a document in which an object has a name twice; both places are told."""
    found = list(duplicates(tree))
    lines = Lines(text)
    first, more = found[0], len(found) - 1
    before = lines.position(first.first.start)
    what = f"{shown_text(first.name)} is given twice in this object; first at {before}"
    hint = "Keep one of the two."
    if more:
        hint += f" {more} more of this kind in the document."
    return _error(text, name, first.again.start, what, hint)
