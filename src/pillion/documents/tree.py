"""The values of a document with the places where they stand, as a tree; the same for JSON and YAML.

Offsets count characters from the start of the text; an end is the offset after the last character. What a
position in lines and columns is, and how a path leads through the tree, is in `source`.

Surprising: a YAML alias puts the same node into the tree a second time, so a place may serve several paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

DEPTH_MAX: Final = 100
"""Deepest nesting of a document. Task definitions have 8 levels; the limit keeps recursion harmless."""


class Span(Struct, frozen=True):
    """A piece of a text, from `start` to before `end`."""

    start: int
    end: int


class Scalar(Struct, frozen=True, kw_only=True):
    """A text, number, truth value or null; the JSON scanner leaves `value` out."""

    span: Span
    value: object = None


class Sequence(Struct, frozen=True, kw_only=True):
    """A list."""

    span: Span
    items: tuple[Node, ...]


class Member(Struct, frozen=True, kw_only=True):
    """A member of an object: its name, where the name is written, and its value."""

    name: str
    key: Span
    value: Node


class Object(Struct, frozen=True, kw_only=True):
    """An object; a name that is given twice is in `members` twice."""

    span: Span
    members: tuple[Member, ...]

    def member(self, name: str) -> Member | None:
        """The member with that name; the last one, which is the one that counts."""
        return next((member for member in reversed(self.members) if member.name == name), None)


Node = Scalar | Sequence | Object


class Duplicate(Struct, frozen=True, kw_only=True):
    """A name that one object has twice."""

    name: str
    first: Span
    again: Span


def duplicates(node: Node) -> Iterator[Duplicate]:
    """Every name that an object has more than once."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from duplicates(item)
    elif isinstance(node, Object):
        yield from repeated(node.members)
        for member in node.members:
            yield from duplicates(member.value)


def repeated(members: tuple[Member, ...]) -> Iterator[Duplicate]:
    """The names that occur twice among the members of one object."""
    first: dict[str, Span] = {}
    for member in members:
        if member.name in first:
            yield Duplicate(name=member.name, first=first[member.name], again=member.key)
        first.setdefault(member.name, member.key)


def plain_value(node: Node) -> Any:  # noqa: ANN401 - a JSON value can be anything
    """The value without places, as `json.loads` would give it."""
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [plain_value(item) for item in items]
        case Object(members=members):
            return {member.name: plain_value(member.value) for member in members}
