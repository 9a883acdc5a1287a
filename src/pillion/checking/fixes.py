"""Repairs a document's text, and leaves everything around the repairs as it was written.

A rule says what to change as an edit of the value; here that becomes a change of the text. Surprising: every
repaired text is read again, and thrown away unless it holds exactly the value that the edits ask for. So a
piece of YAML that is written in a way nobody thought of stays unrepaired rather than broken.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from pillion.checking.check import CheckedDocument
from pillion.core.errors import DocumentError
from pillion.core.findings import Edit, EditAction, Path
from pillion.documents.load import read_document
from pillion.documents.source import Document, Syntax
from pillion.documents.tree import Node, Object, Scalar

_PLAIN_WORD: Final = re.compile(r"[A-Za-z/][\w./-]*")
_YAML_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class _Change(Struct, frozen=True):
    """One piece of text that takes the place of another."""

    start: int
    end: int
    text: str


def edits_of(checked: CheckedDocument) -> list[Edit]:
    """What can be repaired in a document, as edits of the document's own value; each once."""
    found: list[Edit] = []
    for definition in checked.definitions:
        for finding in definition.findings:
            if finding.edit is None:
                continue
            path = definition.subject.locate_exactly(finding.edit.path)
            if path is not None:
                edit = Edit(path=path, action=finding.edit.action, value=finding.edit.value)
                if not any(edit.path == other.path for other in found):
                    found.append(edit)
    return found


def repaired(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with as many of the edits as can be made in its text."""
    for edit in edits:
        document = _with_edit(document, edit)
    return document


def _with_edit(document: Document, edit: Edit) -> Document:
    expected = _edited_value(document.value, edit)
    change = _change_of(document, edit)
    if change is None or expected is None:
        return document
    text = document.text[: change.start] + change.text + document.text[change.end :]
    try:
        changed = read_document(text, document.name, document.syntax)
    except DocumentError:
        return document
    return changed if changed.value == expected else document


def _edited_value(value: Any, edit: Edit) -> Any:  # noqa: ANN401 (any JSON value)
    """The value as it should be afterwards; None where the edit does not fit it."""
    value = copy.deepcopy(value)
    place = value
    try:
        for part in edit.path[:-1]:
            place = place[part]
        last = edit.path[-1]
        match edit.action:
            case EditAction.SET:
                place[last] = edit.value
            case EditAction.REMOVE:
                del place[last]
            case EditAction.RENAME:
                if edit.value in place:
                    return None
                place[edit.value] = place.pop(last)
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _change_of(document: Document, edit: Edit) -> _Change | None:
    match edit.action:
        case EditAction.RENAME:
            key = document.key_span(edit.path)
            return None if key is None else _Change(key.start, key.end, _key(document, key.start, edit.value))
        case EditAction.SET if (span := document.span(edit.path)) is not None:
            return _Change(span.start, span.end, _value(document, span.start, edit.value))
        case EditAction.SET:
            return _insertion(document, edit)
        case EditAction.REMOVE:
            return _removal(document, edit.path)


def _insertion(document: Document, edit: Edit) -> _Change | None:
    """A new member: last in a JSON object, behind a simple member in a block of YAML."""
    parent, name = _node_at(document.tree, edit.path[:-1]), edit.path[-1]
    if not isinstance(parent, Object) or not isinstance(name, str):
        return None
    text = document.text
    if text[parent.span.start : parent.span.start + 1] == "{":
        key = json.dumps(name) if document.syntax is Syntax.JSON else name
        member = f"{key}: {json.dumps(edit.value)}"
        if not parent.members:
            return _Change(parent.span.start + 1, parent.span.start + 1, member)
        first, last = parent.members[0], parent.members[-1]
        gap = text[parent.span.start + 1 : first.key.start]
        separator = gap if gap.strip() == "" and "\n" in gap else " "
        end = last.value.span.end
        return _Change(end, end, f",{separator}{member}")
    for member_node in parent.members:
        span = member_node.value.span
        if isinstance(member_node.value, Scalar) and "\n" not in text[span.start : span.end]:
            end = _line_end(text, span.end)
            column = document.position(member_node.key.start).column
            newline = "\r\n" if text[end : end + 1] == "\r" else "\n"
            line = f"{newline}{' ' * (column - 1)}{name}: {_yaml_scalar(edit.value)}"
            return _Change(end, end, line)
    return None


def _removal(document: Document, path: Path) -> _Change | None:
    """Takes a member or list item away, with the comma or the line that belongs to it."""
    parent, last = _node_at(document.tree, path[:-1]), path[-1]
    pieces = _pieces(parent)
    index = next((i for i, (name, _, _) in enumerate(pieces) if name == last), None)
    if parent is None or index is None or len(pieces) < 2:
        return None
    _, start, end = pieces[index]
    if index + 1 < len(pieces):
        following = pieces[index + 1][1]
        if document.text[parent.span.start : parent.span.start + 1] not in ("{", "["):
            start, following = _line_start(document.text, start), _line_start(document.text, following)
        return _Change(start, following, "")
    before = pieces[index - 1][2]
    while before > 0 and document.text[before - 1 : before].isspace():
        before -= 1
    return _Change(before, max(end, before), _trailing(document.text, start, end))


def _trailing(text: str, start: int, end: int) -> str:
    """The white space at the end of a removed block, which belongs to what follows."""
    piece = text[start:end]
    return piece[len(piece.rstrip()) :]


def _pieces(node: Node | None) -> list[tuple[str | int, int, int]]:
    """Parts of an object or list: name or index, start, end."""
    if isinstance(node, Object):
        return [(member.name, member.key.start, member.value.span.end) for member in node.members]
    items: Sequence[Node] = getattr(node, "items", ())
    return [(index, item.span.start, item.span.end) for index, item in enumerate(items)]


def _line_end(text: str, offset: int) -> int:
    """Where the line ends that holds the offset, before its line break."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _node_at(node: Node, path: Path) -> Node | None:
    for part in path:
        if isinstance(node, Object) and isinstance(part, str):
            member = node.member(part)
            if member is None:
                return None
            node = member.value
        else:
            items: Sequence[Node] = getattr(node, "items", ())
            if not isinstance(part, int) or not 0 <= part < len(items):
                return None
            node = items[part]
    return node


def _key(document: Document, start: int, name: str) -> str:
    quote = document.text[start : start + 1]
    return f"{quote}{name}{quote}" if quote in ('"', "'") else name


def _value(document: Document, start: int, value: object) -> str:
    quoted = document.text[start : start + 1] in ('"', "'")
    if document.syntax is Syntax.JSON or quoted:
        return json.dumps(value, ensure_ascii=False)
    return _yaml_scalar(value)


def _yaml_scalar(value: object) -> str:
    """A value in YAML, in quotes only where it would be read as something else without."""
    if isinstance(value, str) and _PLAIN_WORD.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
