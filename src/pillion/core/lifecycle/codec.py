"""Events and states as JSON-able values, and back.

A journal outlives the pillion that wrote it, so what is written carries its format. Reading is tolerant
forwards: a field that this version does not know is ignored, one that is absent takes its default, and
only a kind of event that nobody here knows is refused, because skipping it would change the outcome.

How a value is written follows from the types of the fields: enums by their value, sets as sorted lists,
and a field that has its default not at all, which makes a default part of the format. A new field of an
event needs no change here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pillion.core.lifecycle.events import EVENT_TYPES, Event
from pillion.core.lifecycle.state import TaskState

FORMAT = 1
"""The format of everything written here. A change that older versions cannot read raises it."""

Json = Any
"""What `json` can write: dicts, lists, strings, numbers, booleans and None."""

_KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in EVENT_TYPES}


class CodecError(ValueError):
    """A stored value cannot be read. The message says what it is and what to do."""


def encode_event(event: Event) -> dict[str, Json]:
    """Return an event as a JSON-able dict with its `type` and `format`."""
    return {"type": type(event).__name__, "format": FORMAT, **_encode_fields(event)}


def decode_event(value: Json) -> Event:
    """Return the event that `encode_event` wrote; unknown fields are ignored.

    Raises:
        CodecError: it is not an event, is of an unknown type, or was written by a newer pillion in a format
            that this one cannot read.
    """
    _check_format(value, "event")
    name = value.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        known = ", ".join(sorted(_KINDS))
        raise CodecError(
            f"the stored event has the unknown type {name!r}; this pillion knows {known}. "
            "It was probably written by a newer pillion: bring this one up to date."
        )
    return _decode(kind, value, str(name))


def encode_state(state: TaskState) -> dict[str, Json]:
    """Return the state of a task as a JSON-able dict with its `format`."""
    return {"format": FORMAT, **_encode_fields(state)}


def decode_state(value: Json) -> TaskState:
    """Return the state that `encode_state` wrote; unknown fields are ignored.

    Raises:
        CodecError: it is not a state, or was written by a newer pillion in a format that this one cannot
            read.
    """
    _check_format(value, "state")
    return _decode(TaskState, value, "state")


def _check_format(value: Json, what: str) -> None:
    if not isinstance(value, Mapping):
        raise CodecError(f"a stored {what} has to be a JSON object, not {_short(value)}")
    written = value.get("format")
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise CodecError(f"the stored {what} does not say its format: {_short(value)}")
    if written > FORMAT:
        raise CodecError(
            f"the stored {what} has format {written} and this pillion reads up to {FORMAT}: "
            "it was written by a newer pillion, so bring this one up to date"
        )


def _encode_fields(value: Any) -> dict[str, Json]:  # noqa: ANN401 - any dataclass of this folder
    found = {}
    for item in _fields_of(type(value)):
        content = getattr(value, item.name)
        if item.required or content != item.default:
            found[item.name] = _encode(content)
    return found


def _encode(value: Any) -> Json:  # noqa: ANN401 - any value that a field may hold
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return _encode_fields(value)
    if isinstance(value, Mapping):
        return {str(_encode(key)): _encode(content) for key, content in value.items()}
    if isinstance(value, frozenset):
        return sorted(_encode(content) for content in value)
    if isinstance(value, tuple):
        return [_encode(content) for content in value]
    return value


Value = TypeVar("Value")

Reader = Callable[[Json, str], Any]
"""Turns a JSON value into that of a field; the second argument says where it stands, for errors."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    required: bool
    default: Any
    read: Reader


_FIELDS: dict[type[Any], tuple[_Field, ...]] = {}


def _fields_of(kind: type[Any]) -> tuple[_Field, ...]:
    """Return the stored fields of a dataclass, each with its reader; worked out once for each class."""
    found = _FIELDS.get(kind)
    if found is None:
        hints = get_type_hints(kind)
        found = tuple(
            _Field(
                name=item.name,
                required=item.default is MISSING and item.default_factory is MISSING,
                default=item.default if item.default_factory is MISSING else item.default_factory(),
                read=_reader(hints[item.name]),
            )
            for item in fields(kind)
            if item.init
        )
        _FIELDS[kind] = found
    return found


def _decode(kind: type[Value], value: Json, where: str) -> Value:
    if not isinstance(value, Mapping):
        raise CodecError(f"{where} has to be a JSON object, not {_short(value)}")
    found = {}
    for item in _fields_of(kind):
        if item.name in value:
            found[item.name] = item.read(value[item.name], f"{where}.{item.name}")
        elif item.required:
            raise CodecError(f"{where}.{item.name} is missing from what was stored")
    return kind(**found)


def _reader(hint: Any) -> Reader:  # noqa: ANN401 - a type expression
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional_reader(_reader(next(part for part in arguments if part is not NoneType)))
    if origin is tuple:
        return _list_reader(tuple, _reader(arguments[0]))
    if origin is frozenset:
        return _list_reader(frozenset, _reader(arguments[0]))
    if origin is not None:
        return _mapping_reader(_reader(arguments[1]))
    if issubclass(hint, Enum):
        return _enum_reader(hint)
    kind: type[Any] = hint
    return _dataclass_reader(kind) if is_dataclass(hint) else _plain_reader(kind)


def _dataclass_reader(kind: type[Any]) -> Reader:
    return lambda value, where: _decode(kind, value, where)


def _optional_reader(read: Reader) -> Reader:
    return lambda value, where: None if value is None else read(value, where)


def _list_reader(make: Callable[[list[Any]], Any], read: Reader) -> Reader:
    def read_list(value: Json, where: str) -> Any:  # noqa: ANN401 - a tuple or a frozenset
        if not isinstance(value, list):
            raise CodecError(f"{where} has to be a list, not {_short(value)}")
        return make([read(content, f"{where}[{index}]") for index, content in enumerate(value)])

    return read_list


def _mapping_reader(read: Reader) -> Reader:
    def read_mapping(value: Json, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise CodecError(f"{where} has to be a JSON object, not {_short(value)}")
        return {key: read(content, f"{where}.{key}") for key, content in value.items()}

    return read_mapping


def _enum_reader(kind: type[Enum]) -> Reader:
    def read_enum(value: Json, where: str) -> Enum:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(str(member.value) for member in kind)
            raise CodecError(f"{where} is {_short(value)}; allowed are {allowed}") from None

    return read_enum


def _plain_reader(kind: type[Any]) -> Reader:
    def read_plain(value: Json, where: str) -> Any:  # noqa: ANN401 - of type `kind`
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is not kind:
            raise CodecError(f"{where} has to be of type {kind.__name__}, not {_short(value)}")
        return value

    return read_plain


def _short(value: Json) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
