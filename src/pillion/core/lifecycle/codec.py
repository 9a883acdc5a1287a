"""Events and states as JSON-able values, and back.

A journal outlives the pillion that wrote it, so what is written carries its format. Reading is tolerant
forwards: a field that this version does not know is ignored, one that is absent takes its default, and
only a kind of event that nobody here knows is refused, because skipping it would change the outcome.

How the values are written is `core.codec`'s matter; a new field of an event needs no change here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pillion.core.codec import CodecError, Json, decode_fields, encode_fields, short_text
from pillion.core.lifecycle.events import EVENT_TYPES, Event
from pillion.core.lifecycle.state import TaskState

FORMAT = 1
"""The format of everything written here. A change that older versions cannot read raises it."""

_KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in EVENT_TYPES}


def encode_event(event: Event) -> dict[str, Json]:
    """Return an event as a JSON-able dict with its `type` and `format`."""
    return {"type": type(event).__name__, "format": FORMAT, **encode_fields(event)}


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
    return decode_fields(kind, value, str(name))


def encode_state(state: TaskState) -> dict[str, Json]:
    """Return the state of a task as a JSON-able dict with its `format`."""
    return {"format": FORMAT, **encode_fields(state)}


def decode_state(value: Json) -> TaskState:
    """Return the state that `encode_state` wrote; unknown fields are ignored.

    Raises:
        CodecError: it is not a state, or was written by a newer pillion in a format that this one cannot
            read.
    """
    _check_format(value, "state")
    return decode_fields(TaskState, value, "state")


def _check_format(value: Json, what: str) -> None:
    if not isinstance(value, Mapping):
        raise CodecError(f"a stored {what} has to be a JSON object, not {short_text(value)}")
    written = value.get("format")
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise CodecError(f"the stored {what} does not say its format: {short_text(value)}")
    if written > FORMAT:
        raise CodecError(
            f"the stored {what} has format {written} and this pillion reads up to {FORMAT}: "
            "it was written by a newer pillion, so bring this one up to date"
        )
