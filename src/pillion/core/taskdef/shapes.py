"""How the types of `model` correspond to JSON: one table of members for each class, made once.

`parse`, `render` and the generators for tests walk these tables instead of knowing the classes one by one,
so a member that is added to a class is read, written and generated without further work.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from functools import cache
from types import UnionType
from typing import Final, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from pillion.core.taskdef.model import Timestamp

_IRREGULAR: Final = {"size_in_gib": "sizeInGiB"}
"""Field names whose JSON name is not simply their camelCase."""


class Kind(Enum):
    """What a value is in JSON."""

    STRING = "a string"
    INTEGER = "an integer"
    BOOLEAN = "true or false"
    TIMESTAMP = "a time"
    CHOICE = "one of a few words"
    OBJECT = "an object"
    LIST = "a list"
    MAP = "an object of strings"


class ValueType(Struct, frozen=True, kw_only=True):
    """The type of a value: its kind, with `choice` for CHOICE, `shape` for OBJECT and `item` for LIST."""

    kind: Kind
    choice: type[StrEnum] | None = None
    shape: type | None = None
    item: ValueType | None = None


class Member(Struct, frozen=True, kw_only=True):
    """One member of a shape: its name in Python and in JSON, and what may stand there."""

    field: str
    name: str
    type: ValueType
    required: bool


class Shape(Struct, frozen=True, kw_only=True):
    """The members of a class in the order of the API; `by_name` finds one by its JSON name."""

    type: type
    members: tuple[Member, ...]
    by_name: dict[str, Member]


def json_name(field: str) -> str:
    """The name that the ECS API gives to a field of the model: `depends_on` -> `dependsOn`."""
    if field in _IRREGULAR:
        return _IRREGULAR[field]
    first, *rest = field.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


@cache
def shape_of(cls: type[Struct]) -> Shape:
    """The table of a class of the model."""
    members = tuple(
        Member(
            field=field.name,
            name=json_name(field.name),
            type=_value_type(field.type),
            required=field.required,
        )
        for field in fields(cls)
    )
    return Shape(type=cls, members=members, by_name={member.name: member for member in members})


_SCALARS: Final = {str: Kind.STRING, int: Kind.INTEGER, bool: Kind.BOOLEAN}


def _value_type(hint: object) -> ValueType:
    options = frozenset(get_args(hint)) - {type(None)} if _is_union(hint) else frozenset({hint})
    if options == frozenset(get_args(Timestamp)):
        return ValueType(kind=Kind.TIMESTAMP)
    (only,) = options
    if only in _SCALARS:
        return ValueType(kind=_SCALARS[only])
    if get_origin(only) is tuple:
        return ValueType(kind=Kind.LIST, item=_value_type(get_args(only)[0]))
    if get_origin(only) is not None:
        return ValueType(kind=Kind.MAP)
    if isinstance(only, type) and issubclass(only, Struct):
        return ValueType(kind=Kind.OBJECT, shape=only)
    if isinstance(only, type) and issubclass(only, StrEnum):
        return ValueType(kind=Kind.CHOICE, choice=only)
    message = f"no JSON value corresponds to {only!r}"
    raise TypeError(message)


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, UnionType)
