"""Events as JSON values and back: the form in which a journal keeps them.

An event becomes `{"type": <class name>, ...fields}`; enums are their values, errors are objects, members
that have their default are left out. A field that this version does not know is ignored, so that an older
pillion reads what a newer one wrote wherever that makes sense; an event that it does not know is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pillion.core.lifecycle.events import EVENT_TYPES, Event, NamedError

_BY_NAME: Mapping[str, type[Event]] = {kind.__name__: kind for kind in EVENT_TYPES}


class UnknownEventError(ValueError):
    """A stored event is of no kind that this version knows, or is not an event at all."""


def encode_event(event: Event) -> dict[str, Any]:
    """Return an event as a JSON value."""
    body: dict[str, Any] = {"type": type(event).__name__}
    for item in fields(event):
        value = getattr(event, item.name)
        if item.default is MISSING or value != item.default:
            body[item.name] = _encode(value)
    return body


def decode_event(body: Mapping[str, Any]) -> Event:
    """Return the event of a JSON value. Raises UnknownEventError."""
    kind = _BY_NAME.get(str(body.get("type")))
    if kind is None:
        raise UnknownEventError(f"{body.get('type')!r} is no event that this version of pillion knows")
    try:
        members = {
            name: _decode(wanted, body[name]) for name, wanted in _MEMBERS[kind].items() if name in body
        }
        return kind(**members)
    except (TypeError, ValueError, KeyError) as error:
        raise UnknownEventError(f"a stored {kind.__name__} cannot be read: {error}") from error


def _encode(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, NamedError):
        return {"name": value.name, "text": value.text}
    return value


def _decode(wanted: type, value: Any) -> Any:  # noqa: ANN401 - JSON holds any of the events' member types
    if value is None:
        return None
    if issubclass(wanted, Enum):
        return wanted(value)
    if wanted is NamedError:
        return NamedError(name=value["name"], text=value["text"])
    if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
        raise ValueError(f"{value!r} is not {wanted.__name__}")
    return value


def _members(kind: type[Event]) -> dict[str, type]:
    """Return the members of an event with their types, `X | None` as X."""
    hints = get_type_hints(kind)
    found: tuple[Field[Any], ...] = fields(kind)
    return {item.name: _plain(hints[item.name]) for item in found}


def _plain(hint: Any) -> type:  # noqa: ANN401 - a type hint
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if not isinstance(hint, type):
        raise TypeError(f"{hint} is not a type that a journal can hold")
    return hint


_MEMBERS: Mapping[type[Event], dict[str, type]] = {kind: _members(kind) for kind in EVENT_TYPES}
