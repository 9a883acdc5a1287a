"""A document: its text, its value, and where in the text each part of the value stands.

Surprising: places are worked out only when somebody asks for one. Most documents have nothing to complain
about, and reading one is a call of `json.loads`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import Any

from msgspec import Struct

from pillion.core.findings import Path
from pillion.documents.tree import Member, Node, Object, Sequence, Span


class Syntax(Enum):
    """How a document is written."""

    JSON = "JSON"
    YAML = "YAML"


class Position(Struct, frozen=True, order=True):
    """A place in a text; line and column count from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Lines:
    """Turns offsets in a text into positions."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]

    def position(self, offset: int) -> Position:
        """The position of the character at that offset."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)


class Document:
    """A document that was read.

    Attributes:
        name: What to call it in messages: the file's name as it was given.
        text: All of its text.
        value: Its value, made of dict, list, str, int, float, bool and None; an object or a list.
        syntax: How it is written.
    """

    def __init__(
        self,
        *,
        name: str,
        text: str,
        value: Any,  # noqa: ANN401 - a JSON value can be anything
        syntax: Syntax,
        make_tree: Callable[[], Node],
    ) -> None:
        self.name = name
        self.text = text
        self.value = value
        self.syntax = syntax
        self._make_tree = make_tree

    @cached_property
    def tree(self) -> Node:
        """The values with their places."""
        return self._make_tree()

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    def position(self, offset: int) -> Position:
        """The line and column of an offset in the text."""
        return self._lines.position(offset)

    def locate(self, path: Path, *, key: bool = False) -> Position:
        """Where a value stands, for a message.

        Args:
            path: Keys and indices from the top. Where nothing stands at the path, because something is
                missing, the nearest thing around it is taken.
            key: Whether the member's name is meant rather than its value.
        """
        found = self._walk(path)
        span = found.node.span
        if key and found.member is not None and found.depth == len(path):
            span = found.member.key
        return self.position(span.start)

    def span(self, path: Path) -> Span | None:
        """The piece of text that holds the value at exactly this path; None if there is nothing."""
        found = self._walk(path)
        return found.node.span if found.depth == len(path) else None

    def key_span(self, path: Path) -> Span | None:
        """The piece of text that holds the name of the member at this path, with its quotes."""
        found = self._walk(path)
        return found.member.key if found.member is not None and found.depth == len(path) else None

    def member_span(self, path: Path) -> Span | None:
        """The whole member at this path, from its name to the end of its value; or the whole list item."""
        value, key = self.span(path), self.key_span(path)
        if value is None or key is None:
            return value
        return Span(key.start, max(key.end, value.end))

    def _walk(self, path: Path) -> _Found:
        """Follow the path as far as it goes."""
        node, member = self.tree, None
        for depth, part in enumerate(path):
            match node:
                case Object() if isinstance(part, str) and (inner := node.member(part)) is not None:
                    node, member = inner.value, inner
                case Sequence(items=items) if isinstance(part, int) and 0 <= part < len(items):
                    node, member = items[part], None
                case _:
                    return _Found(node, member, depth)
        return _Found(node, member, len(path))


class _Found(Struct, frozen=True):
    """How far a path leads: the last node, its member if it is one, and how many parts were used."""

    node: Node
    member: Member | None
    depth: int
