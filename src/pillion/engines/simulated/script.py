"""Behaviours from text: a small TOML table, and `NAME:key=value` from a command line.

    [envoy]                                            envoy:pull=40s,healthy-after=never
    pull = "40s"
    healthy-after = "never"

    [worker]
    exit-after = "10s"
    exit = 3
    output = ["ready", { after = "2s", text = "oops", stream = "stderr" }]
    runs = [{ exit-after = "70s", exit = 1 }, {}]     one table for each start of the process

Not here: what the keys do (`behaviour`). `KEYS` and `RUN_KEYS` are the reference, and help texts are made of
them. Every mistake names the container, the key, what was found and what is expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from pillion.core.likeness import closest
from pillion.core.units import parse_duration_s
from pillion.engines.simulated.behaviour import Behaviour, Life, Line

NEVER = "never"
EXIT_CODE_MAX = 255


class ScriptError(ValueError):
    """A behaviour cannot be understood. The message says where, what was found and what is expected."""


class _WrongValueError(ValueError):
    """A value does not fit its key; the message says what is expected."""


def _duration(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return float(value)
    if isinstance(value, str):
        try:
            return parse_duration_s(value)
        except ValueError:
            pass
    raise _WrongValueError("a duration such as 90, 90s, 2m30s or 500ms")


def _duration_or_never(value: object) -> float | None:
    if value == NEVER:
        return None
    try:
        return _duration(value)
    except _WrongValueError as error:
        raise _WrongValueError(f"{error}, or {NEVER}") from None


def _exit_code(value: object) -> int:
    text = str(value)
    if not isinstance(value, bool) and text.isdecimal() and int(text) <= EXIT_CODE_MAX:
        return int(text)
    raise _WrongValueError(f"an exit code from 0 to {EXIT_CODE_MAX}")


def _size(value: object) -> float:
    text = str(value)
    number, unit = (text[:-3], text[-3:].lower()) if text[-3:].lower() in ("mib", "gib") else (text, "mib")
    try:
        size = float(number) * (1024 if unit == "gib" else 1)
    except ValueError:
        size = -1.0
    if isinstance(value, bool) or not math.isfinite(size) or size < 0:
        raise _WrongValueError("a size in MiB such as 300, 300MiB or 1.5GiB")
    return size


def _cpu_units(value: object) -> float:
    text = str(value)
    if not isinstance(value, bool) and text.isdecimal():
        return float(text)
    raise _WrongValueError("CPU units, 1024 for one vCPU")


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise _WrongValueError("a text")


def _yes_or_no(value: object) -> bool:
    found = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())
    if found is None:
        raise _WrongValueError("true or false")
    return found


def _output(value: object) -> tuple[Line, ...]:
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list):
        raise _WrongValueError("a text, or a list of texts and of tables with after, text and stream")
    return tuple(sorted((_line(entry) for entry in entries), key=lambda line: line.after_s))


def _line(entry: object) -> Line:
    if isinstance(entry, str):
        return Line(message=entry)
    if isinstance(entry, dict) and "text" in entry and set(entry) <= {"text", "after", "stream"}:
        stream = entry.get("stream", "stdout")
        if stream in ("stdout", "stderr"):
            return Line(message=_text(entry["text"]), after_s=_duration(entry.get("after", 0)), stream=stream)
    raise _WrongValueError(
        "lines as texts, or as { after = DURATION, text = TEXT, stream = stdout or stderr }"
    )


class Key(Struct, frozen=True, kw_only=True):
    """One key of a script: which field it sets, how its value is read, and what it means."""

    field: str
    read: Callable[[object], Any]
    help: str


KEYS: Mapping[str, Key] = {
    "image-present": Key(
        field="image_present", read=_yes_or_no, help="whether the image is on the machine before the start"
    ),
    "manifest-error": Key(
        field="manifest_error", read=_text, help="the image cannot be looked up, with this text"
    ),
    "pull": Key(field="pull_s", read=_duration, help="how long the image takes to pull"),
    "pull-error": Key(field="pull_error", read=_text, help="the pull fails with this text"),
    "create": Key(field="create_s", read=_duration, help="how long the create call takes"),
    "create-error": Key(field="create_error", read=_text, help="the create call fails with this text"),
    "start": Key(field="start_s", read=_duration, help="how long the start call takes"),
    "start-error": Key(field="start_error", read=_text, help="the start call fails with this text"),
}
"""What can be said of a container as a whole."""

RUN_KEYS: Mapping[str, Key] = {
    "exit-after": Key(
        field="exits_after_s", read=_duration_or_never, help="when the process ends by itself (never)"
    ),
    "exit": Key(
        field="exit_code", read=_exit_code, help="what it ends with by itself (0); at once without exit-after"
    ),
    "healthy-after": Key(
        field="healthy_after_s", read=_duration_or_never, help="from when on health checks succeed (0s)"
    ),
    "unhealthy-after": Key(
        field="unhealthy_after_s", read=_duration_or_never, help="from when on they fail again (never)"
    ),
    "well-again-after": Key(
        field="healthy_again_after_s",
        read=_duration_or_never,
        help="from when on they succeed once more after that (never)",
    ),
    "probe": Key(field="probe_s", read=_duration, help="how long one health check takes (50ms)"),
    "stop-after": Key(
        field="stops_after_s",
        read=_duration_or_never,
        help="how long it takes to end after SIGTERM (100ms); never: it ignores the signal",
    ),
    "stop-exit": Key(field="stop_exit_code", read=_exit_code, help="what it ends with on SIGTERM (143)"),
    "memory": Key(field="memory_mib", read=_size, help="how much memory it needs, in MiB"),
    "memory-after": Key(field="memory_after_s", read=_duration, help="when it needs it (500ms)"),
    "cpu": Key(field="cpu_units", read=_cpu_units, help="how much CPU it uses, 1024 for one vCPU (0)"),
    "output": Key(field="output", read=_output, help="what it writes"),
}
"""What can be said of a process; `runs` holds one table of these for each start."""


def read_behaviours(
    table: Mapping[str, object], assignments: Iterable[str], *, names: Collection[str]
) -> dict[str, Behaviour]:
    """Return behaviours by container name: a table's, with those of a command line on top.

    Args:
        table: a table for each container, as read from TOML.
        assignments: texts of the form `NAME:key=value,key=value`.
        names: the containers that there are.

    Raises:
        ScriptError: something cannot be understood, or names a container that is not there.
    """
    merged: dict[str, dict[str, object]] = {}
    for name, entries in table.items():
        _check_name(name, names)
        if not isinstance(entries, Mapping):
            raise ScriptError(f'{name}: expected a table of keys such as pull = "40s", not {entries!r}')
        merged[name] = dict(entries)
    for assignment in assignments:
        name, entries = _split(assignment)
        _check_name(name, names)
        merged.setdefault(name, {}).update(entries)
    return {name: _behaviour(name, entries) for name, entries in merged.items()}


def _split(assignment: str) -> tuple[str, dict[str, object]]:
    name, colon, rest = assignment.partition(":")
    if not colon or not name or not rest:
        raise ScriptError(f"{assignment!r} is not of the form NAME:key=value[,key=value]")
    entries: dict[str, object] = {}
    for part in rest.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise ScriptError(f"{assignment!r}: {part!r} is not of the form key=value")
        entries[key.strip()] = value.strip()
    return name, entries


def _check_name(name: str, names: Collection[str]) -> None:
    if name not in names:
        raise ScriptError(f"there is no container {name!r}{_close_to(name, names)}: {', '.join(names)}")


def _behaviour(name: str, entries: Mapping[str, object]) -> Behaviour:
    whole = {key: value for key, value in entries.items() if key in KEYS}
    first = {key: value for key, value in entries.items() if key not in KEYS and key != "runs"}
    runs = entries.get("runs", [{}])
    if not isinstance(runs, list) or not runs or not all(isinstance(run, dict) for run in runs):
        raise ScriptError(
            f"{name}: runs is a list of tables, one for each start of the process, not {runs!r}"
        )
    common = _fields(name, first, RUN_KEYS, also=(*KEYS, "runs"))
    lives = tuple(
        _life({**common, **_fields(f"{name}, run {number}", run, RUN_KEYS)})
        for number, run in enumerate(runs, start=1)
    )
    return Behaviour(**_fields(name, whole, KEYS), lives=lives)


def _life(fields: Mapping[str, Any]) -> Life:
    at_once = {"exits_after_s": 0.0} if "exit_code" in fields else {}
    return Life(**{**at_once, **fields})


def _fields(
    where: str, entries: Mapping[str, object], keys: Mapping[str, Key], *, also: Collection[str] = ()
) -> dict[str, Any]:
    fields = {}
    for key, value in entries.items():
        if key not in keys:
            known = (*keys, *also)
            raise ScriptError(
                f"{where}: unknown key {key!r}{_close_to(key, known)}; keys are {', '.join(known)}"
            )
        try:
            fields[keys[key].field] = keys[key].read(value)
        except _WrongValueError as error:
            raise ScriptError(f"{where}: {key} = {value!r} is not {error}") from None
    return fields


def _close_to(word: str, known: Collection[str]) -> str:
    found = closest(word, known)
    return f" (did you mean {found!r}?)" if found else ""
