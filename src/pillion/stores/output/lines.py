"""What stands in a file of kept output: one JSON object a line.

    {"at":"2026-11-24T02:20:30.123456789Z","container":"web","stream":"stdout","message":"hello"}
    {"mark":"positions","containers":{"web":{"lines":812,"before":"…","stamps":["…",…]}}}
    {"mark":"gap","at":"…","lines":17}
    {"mark":"end","at":"…"}

Positions repeat how far each container was read. They stand at the head of a file and now and then within,
so that whoever goes on with a task need not read all of it. A gap says that lines could not be
written there. An end says that this is all of the task's output. A line that is none of these was torn when
its writer died, or comes from a newer pillion: it is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from pillion.core.log_position import LogPosition, seconds_of, stamp_of
from pillion.ports.engine import LogLine


class Positions(Struct, frozen=True, kw_only=True):
    """How far each container was read, at this place in the file."""

    containers: Mapping[str, LogPosition]


class Gap(Struct, frozen=True, kw_only=True):
    """So many lines could not be kept here."""

    lines: int
    at_s: float


class End(Struct, frozen=True, kw_only=True):
    """The task's output is over."""

    at_s: float


Entry = LogLine | Positions | Gap | End

_MARK = b'{"mark":'

_text = json.encoder.encode_basestring
_object = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_lines(lines: Iterable[LogLine]) -> bytes:
    """Write lines of output, each with a stamp. Put together by hand, because floods come through here."""
    return "".join(
        [
            f'{{"at":"{line.stamp}","container":{_text(line.container)},"stream":"{line.stream}",'
            f'"message":{_text(line.message)}}}\n'
            for line in lines
        ]
    ).encode(errors="replace")


def encode_mark(mark: Positions | Gap | End) -> str:
    """Write what stands between the lines, with its newline."""
    match mark:
        case Positions():
            body: dict[str, object] = {"mark": "positions", "containers": _places(mark.containers)}
        case Gap():
            body = {"mark": "gap", "at": stamp_of(mark.at_s), "lines": mark.lines}
        case End():
            body = {"mark": "end", "at": stamp_of(mark.at_s)}
    return _object(body) + "\n"


def decode(raw: bytes) -> Entry | None:
    """Read one line of a file; None for one that says nothing to this version."""
    try:
        value = json.loads(raw)
        if raw.startswith(_MARK):
            return _mark(value)
        stamp = value["at"]
        return LogLine(
            container=value["container"],
            stream=value["stream"],
            message=value["message"],
            at_s=seconds_of(stamp),
            stamp=stamp,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def has_positions(raw: bytes) -> bool:
    """Say whether a line of a file tells positions, without reading it."""
    return raw.startswith(b'{"mark":"positions"')


def _places(containers: Mapping[str, LogPosition]) -> dict[str, object]:
    return {
        name: {"lines": place.lines, "before": place.before, "stamps": list(place.stamps)}
        for name, place in containers.items()
    }


def _mark(value: dict[str, Any]) -> Positions | Gap | End | None:
    match value["mark"]:
        case "positions":
            return Positions(
                containers={
                    name: LogPosition(
                        lines=int(place["lines"]), before=str(place["before"]), stamps=tuple(place["stamps"])
                    )
                    for name, place in value["containers"].items()
                }
            )
        case "gap":
            return Gap(lines=int(value["lines"]), at_s=seconds_of(value["at"]))
        case "end":
            return End(at_s=seconds_of(value["at"]))
        case _:
            return None
