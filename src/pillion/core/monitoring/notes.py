"""What the process that watches a task notes of it for others: `stats` and `rightsize` read it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pillion.core.codec import CodecError, decode_fields, encode_fields
from pillion.core.columns import format_age
from pillion.core.monitoring.alarms import Alarm, AlarmState
from pillion.core.usage import Observed, decode_usage, encode_usage


class WatchNotes(Struct, frozen=True, kw_only=True):
    """What is known of a task that is watched.

    Attributes:
        at_s: when it was noted (POSIX seconds).
        alarms: every alarm of the task, as it is.
        silent: what is wrong with sidecars that are alive and do not do their work, by container.
        usage: what its containers were seen to use.
    """

    at_s: float
    alarms: tuple[Alarm, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Observed] = field(default_factory=dict)


class _Judged(Struct, frozen=True, kw_only=True):
    at_s: float
    alarms: tuple[Alarm, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)


def notes_lines(notes: WatchNotes, now_s: float) -> list[str]:
    """Return, as lines, what whoever looks at the task has to know; none where all is well."""
    silent = [f"! {name} is alive, but silent: {text}" for name, text in sorted(notes.silent.items())]
    alarms = [
        f"! alarm {alarm.definition.name} is ALARM{_since(alarm, now_s)}: {alarm.reason}"
        for alarm in notes.alarms
        if alarm.state is AlarmState.ALARM
    ]
    return [*silent, *alarms]


def notes_shape(notes: WatchNotes) -> dict[str, Any]:
    """Return alarms and silent sidecars as JSON values, for programs."""
    return {
        "alarms": [
            {
                "alarmName": alarm.definition.name,
                "metricName": alarm.definition.metric.name,
                "containerName": alarm.definition.metric.container,
                "stateValue": alarm.state.value,
                "stateReason": alarm.reason,
            }
            for alarm in notes.alarms
        ],
        "silentSidecars": [
            {"containerName": name, "reason": text} for name, text in sorted(notes.silent.items())
        ],
    }


def _since(alarm: Alarm, now_s: float) -> str:
    return "" if alarm.since_s is None else f" for {format_age(max(0.0, now_s - alarm.since_s))}"


def encode_notes(notes: WatchNotes) -> dict[str, Any]:
    """Return notes as a JSON value."""
    judged = _Judged(at_s=notes.at_s, alarms=notes.alarms, silent=notes.silent)
    return {"judged": encode_fields(judged), "usage": encode_usage(notes.usage)}


def decode_notes(value: object) -> WatchNotes | None:
    """Read what `encode_notes` wrote; None for what cannot be read, for notes are never worth an error."""
    if not isinstance(value, dict):
        return None
    try:
        judged = decode_fields(_Judged, value.get("judged"), "notes")
    except CodecError:
        return None
    return WatchNotes(
        at_s=judged.at_s,
        alarms=judged.alarms,
        silent=judged.silent,
        usage=decode_usage(value.get("usage")),
    )
