"""Values (msgspec structs) as JSON-able values, and back: how whatever is stored is written.

How a value is written follows from the types of its fields: enums by their value, sets as sorted lists, and
a field that has its default not at all, which makes a default part of the format. Reading is tolerant
forwards: a field that this version does not know is ignored, one that is absent takes its default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

Json = Any
"""What `json` can write: dicts, lists, strings, numbers, booleans and None."""


class CodecError(ValueError):
    """A stored value cannot be read. The message says what it is and what to do."""


def encode_fields(value: Struct) -> dict[str, Json]:
    """Return the fields of a value as a JSON-able dict."""
    found = {}
    for item in _fields_of(type(value)):
        content = getattr(value, item.name)
        if item.required or content != item.default:
            found[item.name] = _encode(content)
    return found


def _encode(value: Any) -> Json:  # noqa: ANN401 - any value that a field may hold
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Struct):
        return encode_fields(value)
    if isinstance(value, Mapping):
        return {str(_encode(key)): _encode(content) for key, content in value.items()}
    if isinstance(value, frozenset):
        return sorted(_encode(content) for content in value)
    if isinstance(value, tuple):
        return [_encode(content) for content in value]
    return value


Value = TypeVar("Value", bound=Struct)

Reader = Callable[[Json, str], Any]
"""Turns a JSON value into that of a field; the second argument says where it stands, for errors."""


class _Field(Struct, frozen=True):
    name: str
    required: bool
    default: Any
    read: Reader


_FIELDS: dict[type[Any], tuple[_Field, ...]] = {}


def _fields_of(kind: type[Any]) -> tuple[_Field, ...]:
    """Return the stored fields of a struct, each with its reader; worked out once for each class."""
    found = _FIELDS.get(kind)
    if found is None:
        found = tuple(
            _Field(
                name=item.name,
                required=item.required,
                default=item.default if item.default_factory is NODEFAULT else item.default_factory(),
                read=_reader(item.type),
            )
            for item in fields(kind)
        )
        _FIELDS[kind] = found
    return found


def decode_fields(kind: type[Value], value: Json, where: str) -> Value:
    """Return the struct that `encode_fields` wrote; `where` names the place, for errors.

    Raises:
        CodecError: something is missing or of another type.
    """
    if not isinstance(value, Mapping):
        raise CodecError(f"{where} has to be a JSON object, not {short_text(value)}")
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
    return _struct_reader(kind) if issubclass(hint, Struct) else _plain_reader(kind)


def _struct_reader(kind: type[Any]) -> Reader:
    return lambda value, where: decode_fields(kind, value, where)


def _optional_reader(read: Reader) -> Reader:
    return lambda value, where: None if value is None else read(value, where)


def _list_reader(make: Callable[[list[Any]], Any], read: Reader) -> Reader:
    def read_list(value: Json, where: str) -> Any:  # noqa: ANN401 - a tuple or a frozenset
        if not isinstance(value, list):
            raise CodecError(f"{where} has to be a list, not {short_text(value)}")
        return make([read(content, f"{where}[{index}]") for index, content in enumerate(value)])

    return read_list


def _mapping_reader(read: Reader) -> Reader:
    def read_mapping(value: Json, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise CodecError(f"{where} has to be a JSON object, not {short_text(value)}")
        return {key: read(content, f"{where}.{key}") for key, content in value.items()}

    return read_mapping


def _enum_reader(kind: type[Enum]) -> Reader:
    def read_enum(value: Json, where: str) -> Enum:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(str(member.value) for member in kind)
            raise CodecError(f"{where} is {short_text(value)}; allowed are {allowed}") from None

    return read_enum


def _plain_reader(kind: type[Any]) -> Reader:
    def read_plain(value: Json, where: str) -> Any:  # noqa: ANN401 - of type `kind`
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is not kind:
            raise CodecError(f"{where} has to be of type {kind.__name__}, not {short_text(value)}")
        return value

    return read_plain


def short_text(value: Json) -> str:
    """Return a value as JSON, cut where it is long: for messages."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
