"""JSON value to model: reads a task definition, and reports everything in it that is none.

Reading follows the types of the model: for each class a reader is made once, out of the readers of its
members. All problems of structure are found in one go, where the API stops at the first. What AWS would
refuse for other reasons (names, sizes, dependencies) is for `core.rules`.

Surprising:

- A null counts as absent. The service does the same, and the ECS console shows definitions full of nulls;
  but the SDKs and the AWS CLI refuse to send one, so each is told in `notes`.
- A definition may be wrapped as `DescribeTaskDefinition` and `RegisterTaskDefinition` print it:
  `{"taskDefinition": {…}, "tags": […]}`. The tags then become the definition's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Final, Generic, TypeGuard, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.errors import DefinitionError
from pillion.core.findings import Edit, EditAction, Path
from pillion.core.taskdef.enums import TransportProtocol
from pillion.core.taskdef.model import KeyValuePair, TaskDefinition
from pillion.core.taskdef.problem import Problem, ProblemCode, format_path, shown_text
from pillion.core.taskdef.scalars import (
    Reader,
    Report,
    choice_reader,
    read_boolean,
    read_integer,
    read_string,
    read_timestamp,
)
from pillion.core.taskdef.shapes import Kind, Shape, ValueType, shape_of
from pillion.core.taskdef.suggest import meant_member, unknown_member

T = TypeVar("T")

_WRAPPER: Final = "taskDefinition"
_BESIDE_WRAPPED: Final = frozenset({_WRAPPER, "tags", "ResponseMetadata"})
"""What the API, and boto3, print with a wrapped definition."""

_SCALARS: Final[Mapping[Kind, Reader]] = {
    Kind.STRING: read_string,
    Kind.INTEGER: read_integer,
    Kind.BOOLEAN: read_boolean,
    Kind.TIMESTAMP: read_timestamp,
}

_OTHERWISE: Final[Mapping[type[StrEnum], StrEnum]] = {TransportProtocol: TransportProtocol.TCP}
"""Words that the service does not check: whatever it does not know counts as this one."""

_PLAIN: Final = {Kind.STRING: str, Kind.BOOLEAN: bool}
"""Types that need no reader where the value has them already, as half of all values do."""


class ParseResult(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of reading a document.

    Attributes:
        definition: The value that was read; None if there are problems, or values that nobody knows yet.
        problems: Everything that is wrong with the structure, in the order of the document.
        notes: What ECS reads past, and people should know: nulls, which the SDKs refuse to send, and
            protocols that do not exist.
    """

    definition: T | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


def parse_task_definition(value: object, *, unknown: object = None) -> ParseResult[TaskDefinition]:
    """Read a task definition, wrapped or not.

    Args:
        value: A JSON value, as `json.loads` gives it.
        unknown: A marker that stands for values that nobody knows yet. It fits everywhere, but a definition
            with one in it is only checked: the result has no definition.
    """
    if _is_wrapped(value):
        return _parse_wrapped(value, unknown)
    return parse_as(TaskDefinition, value, unknown=unknown)


def read_task_definition(value: object) -> TaskDefinition:
    """Read a task definition that should be in order.

    Raises:
        DefinitionError: It is not; the error carries all the problems.
    """
    result = parse_task_definition(value)
    if result.definition is None:
        raise DefinitionError(result.problems)
    return result.definition


def parse_as(cls: type[T], value: object, *, path: Path = (), unknown: object = None) -> ParseResult[T]:
    """Read any shape of the model.

    Args:
        cls: A class of the model, such as `ContainerDefinition`.
        value: A JSON value.
        path: Where in its document the value stands; the paths of the problems start with it.
        unknown: As in `parse_task_definition`.
    """
    report = Report(unknown=unknown)
    read: T = object_reader(cast("Any", cls))(value, path, report)
    return _result(read, report)


def _result(read: T, report: Report) -> ParseResult[T]:
    sound = not report.problems and not report.incomplete
    return ParseResult(
        definition=read if sound else None, problems=tuple(report.problems), notes=tuple(report.notes)
    )


def _is_wrapped(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and isinstance(value.get(_WRAPPER), dict)
        and "containerDefinitions" not in value
    )


def _parse_wrapped(value: Mapping[str, Any], unknown: object) -> ParseResult[TaskDefinition]:
    report = Report(unknown=unknown)
    definition = object_reader(TaskDefinition)(value[_WRAPPER], (_WRAPPER,), report)
    report.problems += [_beside_wrapped(str(name)) for name in value if name not in _BESIDE_WRAPPED]
    if value.get("tags") is not None:
        tags = _reader_of(shape_of(TaskDefinition).by_name["tags"].type)(value["tags"], ("tags",), report)
        if value[_WRAPPER].get("tags") is not None:
            report.problems.append(_tags_twice())
        if definition is not None:
            definition = replace(definition, tags=tags)
    return _result(definition, report)


def _beside_wrapped(name: str) -> Problem:
    return Problem(
        path=(name,),
        code=ProblemCode.UNKNOWN_FIELD,
        message=f"Unknown parameter beside {_WRAPPER}: {shown_text(name)}.",
        hint=f"Move it into {_WRAPPER}, or remove it.",
    )


def _tags_twice() -> Problem:
    return Problem(
        path=("tags",),
        code=ProblemCode.TWICE,
        message=f"There are tags both in {_WRAPPER} and beside it.",
        hint="Keep one of the two.",
    )


def _reader_of(value_type: ValueType) -> Reader:
    match value_type:
        case ValueType(kind=Kind.OBJECT, shape=type() as cls):
            return _later_reader(cls)
        case ValueType(kind=Kind.LIST, item=ValueType() as item):
            return _list_reader(item)
        case ValueType(kind=Kind.CHOICE, choice=type() as choice):
            return choice_reader(choice, _OTHERWISE.get(choice))
        case ValueType(kind=Kind.MAP):
            return _read_map
        case ValueType(kind=kind):
            return _SCALARS[kind]


def _later_reader(cls: type) -> Reader:
    """The reader of a class, made when the first object of it is met: a definition has few of the forty."""

    def read(value: object, path: Path, report: Report) -> object:
        return object_reader(cls)(value, path, report)

    return read


@cache
def object_reader(cls: type) -> Reader:
    """The reader of one class of the model."""
    shape = shape_of(cls)
    readers = {
        member.name: (member.field, _PLAIN.get(member.type.kind), _reader_of(member.type))
        for member in shape.members
    }
    required = frozenset(member.field for member in shape.members if member.required)

    def read(value: object, path: Path, report: Report) -> object:
        if not isinstance(value, dict):
            report.wrong_type(value, path, "an object", _object_hint(cls, value))
            return None
        problems_before = len(report.problems)
        found: dict[str, object] = {}
        for name, item in value.items():
            known = readers.get(name)
            if known is None:
                report.problems.append(unknown_member(shape, str(name), value, path))
                continue
            member, plain, read_item = known
            if type(item) is plain:
                found[member] = item
            elif item is None:
                _note_null(shape, name, path, report)
            else:
                found[member] = read_item(item, (*path, name), report)
        if required and not required <= found.keys():
            report.problems += _missing(shape, value, path)
        if report.incomplete or len(report.problems) > problems_before:
            return None
        return cls(**found)

    return read


def _note_null(shape: Shape, name: str, path: Path, report: Report) -> None:
    if shape.by_name[name].required:
        return  # it will be reported as missing
    here = (*path, name)
    report.notes.append(
        Problem(
            path=here,
            code=ProblemCode.NULL,
            message=f"{format_path(here)} is null, which ECS reads as absent and the AWS SDKs refuse.",
            hint="Remove it.",
            edit=Edit(path=here, action=EditAction.REMOVE),
        )
    )


def _missing(shape: Shape, value: Mapping[str, Any], path: Path) -> list[Problem]:
    # A member under a misspelt name has its own problem already.
    misspelt = {meant_member(shape, str(name)) for name in value if name not in shape.by_name}
    return [
        Problem(
            path=(*path, member.name),
            code=ProblemCode.MISSING_FIELD,
            message=f'Missing required parameter in {format_path(path)}: "{member.name}".',
            hint=_missing_hint(member.name),
        )
        for member in shape.members
        if member.required and value.get(member.name) is None and member.name not in misspelt
    ]


def _missing_hint(name: str) -> str:
    match name:
        case "family":
            return 'Give the task definition a name, such as "family": "web".'
        case "containerDefinitions":
            return "A task definition lists its containers here."
        case _:
            return "Add it."


def _object_hint(cls: type, value: object) -> str:
    if cls is TaskDefinition and isinstance(value, list):
        return 'A list of containers goes into an object: {"family": …, "containerDefinitions": […]}.'
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return "Write the object itself, not as text in quotes."
    return ""


def _list_reader(item: ValueType) -> Reader:
    plain = _PLAIN.get(item.kind)
    read_item = _reader_of(item)

    def read(value: object, path: Path, report: Report) -> object:
        if not isinstance(value, list):
            report.wrong_type(value, path, "a list", _list_hint(item, value))
            return None
        return tuple(
            [
                one if type(one) is plain else read_item(one, (*path, index), report)
                for index, one in enumerate(value)
            ]
        )

    return read


def _list_hint(item: ValueType, value: object) -> str:
    match value:
        case dict() if item.shape is KeyValuePair:
            return 'Write [{"name": …, "value": …}], one object for each.'
        case dict():
            return "Put it into [ ]."
        case str() if value.lstrip().startswith("["):
            return "Write the list itself, not as text in quotes."
        case str() if item.kind is Kind.STRING:
            return 'Write each word by itself: ["one", "two"].'
        case _:
            return ""


def _read_map(value: object, path: Path, report: Report) -> object:
    if not isinstance(value, dict):
        hint = 'Write {"key": "value"}.' if isinstance(value, list) else ""
        report.wrong_type(value, path, "an object", hint)
        return None
    for key, one in value.items():
        if type(one) is not str:
            read_string(one, (*path, key), report)
    return value
