"""Model to JSON value: writes a task definition, or a part of one, as the ECS API spells it.

The opposite of `parse`: what was read is given back with the same members, in the order of the API, and with
nothing filled in. Filling in is for `defaults`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec.structs import replace

from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.shapes import Kind, ValueType, shape_of

Writer = Callable[[Any], Any]


def render(value: object) -> dict[str, Any]:
    """Turn a value of any class of the model into JSON values; absent members stay absent."""
    cls: Any = type(value)
    written: dict[str, Any] = _object_writer(cls)(value)
    return written


def render_task_definition(definition: TaskDefinition) -> dict[str, Any]:
    """Turn a task definition into JSON values, as `RegisterTaskDefinition` takes it."""
    return render(definition)


def render_described(definition: TaskDefinition) -> dict[str, Any]:
    """Turn a task definition into JSON values, as `DescribeTaskDefinition` prints it.

    The definition stands in `taskDefinition`, and its tags beside it.
    """
    tags = [render(tag) for tag in definition.tags or ()]
    return {"taskDefinition": render(replace(definition, tags=None)), "tags": tags}


@cache
def _object_writer(cls: type) -> Writer:
    members = tuple((member.field, member.name, _writer_of(member.type)) for member in shape_of(cls).members)

    def write(value: object) -> dict[str, Any]:
        return {
            name: write_member(item)
            for field, name, write_member in members
            if (item := getattr(value, field)) is not None
        }

    return write


def _writer_of(value_type: ValueType) -> Writer:
    match value_type:
        case ValueType(kind=Kind.OBJECT, shape=type() as cls):
            return _object_writer(cls)
        case ValueType(kind=Kind.LIST, item=ValueType() as item):
            return _list_writer(_writer_of(item))
        case ValueType(kind=Kind.MAP):
            return dict
        case ValueType(kind=Kind.CHOICE):
            return str.__str__  # the plain text, without the class of the enum
        case _:
            return _as_it_is


def _list_writer(write: Writer) -> Writer:
    return lambda items: [write(item) for item in items]


def _as_it_is(value: object) -> object:
    return value
