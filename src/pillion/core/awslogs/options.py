"""The options of the awslogs driver.

Source: "Send Amazon ECS logs to CloudWatch" in AWS's developer guide, and Docker's page on the driver.

Surprising: `awslogs-stream-prefix` is ECS's own and never reaches Docker; and `mode` is `non-blocking` when
nothing is said, since AWS changed the default in June 2025.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from msgspec import Struct

from pillion.core.awslogs.patterns import PatternError, datetime_pattern, line_pattern

MAX_BUFFER_DEFAULT_BYTES: Final = 10 * 1024 * 1024
"""The ECS agent's default for `max-buffer-size` in non-blocking mode (Docker's own would be 1 MiB)."""

FLUSH_INTERVAL_DEFAULT_S: Final = 5.0
"""How long Docker's driver collects events before it sends them."""

_KNOWN: Final = frozenset(
    {"awslogs-group", "awslogs-region", "awslogs-stream", "awslogs-stream-prefix", "awslogs-create-group"}
    | {
        "awslogs-create-stream",
        "awslogs-datetime-format",
        "awslogs-multiline-pattern",
        "awslogs-format",
        "tag",
    }
    | {"awslogs-credentials-endpoint", "awslogs-endpoint", "awslogs-force-flush-interval-seconds"}
    | {"awslogs-max-buffered-events", "mode", "max-buffer-size", "labels", "labels-regex", "env", "env-regex"}
)
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

Value = TypeVar("Value")


class AwslogsOptionError(ValueError):
    """Options that Docker's driver refuses; its text where it is known.

    Most are refused when the container is created, a pattern when it is started: then `at_start` is set.
    """

    def __init__(self, message: str, *, at_start: bool = False) -> None:
        super().__init__(message)
        self.at_start = at_start


class AwslogsOptions(Struct, frozen=True, kw_only=True):
    """Options of one container, checked.

    Attributes:
        group: the log group.
        region: where it is; None is the task's own region.
        stream: a stream given by name, which ECS itself never does.
        stream_prefix: first part of the stream's name; None makes the container's id the name.
        create_group: whether a missing group is created.
        create_stream: whether the stream is created.
        starts_event: pattern of a line that begins a new event; None makes every line an event.
        blocking: whether a full buffer makes the app wait; otherwise lines are dropped.
        max_buffer_bytes: size of the buffer in non-blocking mode.
        flush_interval_s: how long events are collected.
        endpoint: an endpoint other than the region's.
    """

    group: str
    region: str | None = None
    stream: str | None = None
    stream_prefix: str | None = None
    create_group: bool = False
    create_stream: bool = True
    starts_event: re.Pattern[str] | None = None
    blocking: bool = False
    max_buffer_bytes: int = MAX_BUFFER_DEFAULT_BYTES
    flush_interval_s: float = FLUSH_INTERVAL_DEFAULT_S
    endpoint: str | None = None

    def stream_name(self, *, container: str, task_id: str, runtime_id: str) -> str:
        """Return the stream of a container: `prefix/container/task`, or the engine's id of the container."""
        if self.stream_prefix:
            return f"{self.stream_prefix}/{container}/{task_id}"
        return self.stream or runtime_id


def read_awslogs_options(options: Mapping[str, str]) -> AwslogsOptions:
    """Check the options of a `logConfiguration` with driver awslogs (secret options already filled in).

    Raises:
        AwslogsOptionError: a container with these options would not be created, or not start.
    """
    for key in options:
        if key not in _KNOWN:
            raise AwslogsOptionError(f"unknown log opt '{key}' for awslogs log driver")
    if not options.get("awslogs-group"):
        raise AwslogsOptionError("must specify a value for log opt 'awslogs-group'")
    mode = options.get("mode") or "non-blocking"
    if mode not in ("blocking", "non-blocking"):
        raise AwslogsOptionError(f"logger: logging mode not supported: {mode}")
    if mode == "blocking" and "max-buffer-size" in options:
        raise AwslogsOptionError("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
    size = _read(options, "max-buffer-size", parse_size, MAX_BUFFER_DEFAULT_BYTES)
    return AwslogsOptions(
        group=options["awslogs-group"],
        region=options.get("awslogs-region") or None,
        stream=options.get("awslogs-stream") or None,
        stream_prefix=options.get("awslogs-stream-prefix") or None,
        create_group=_read(options, "awslogs-create-group", _boolean, default=False),
        create_stream=_read(options, "awslogs-create-stream", _boolean, default=True),
        starts_event=_starts_event(options),
        blocking=mode == "blocking",
        max_buffer_bytes=size,
        flush_interval_s=_read(
            options, "awslogs-force-flush-interval-seconds", _seconds, FLUSH_INTERVAL_DEFAULT_S
        ),
        endpoint=options.get("awslogs-endpoint") or None,
    )


def parse_size(text: str) -> int:
    """Return the bytes that a size such as `10m` or `64k` means; units are powers of 1024.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"invalid size: '{text}'")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])


def _starts_event(options: Mapping[str, str]) -> re.Pattern[str] | None:
    date, pattern = options.get("awslogs-datetime-format"), options.get("awslogs-multiline-pattern")
    if date is not None and pattern is not None:
        raise AwslogsOptionError(
            "you cannot configure log opt 'awslogs-datetime-format' and "
            "'awslogs-multiline-pattern' at the same time"
        )
    try:
        if date is not None:
            return datetime_pattern(date)
        return line_pattern(pattern) if pattern is not None else None
    except PatternError as error:
        text = f"awslogs could not parse multiline pattern key: {error}"
        raise AwslogsOptionError(text, at_start=True) from error


def _read(options: Mapping[str, str], key: str, parse: Callable[[str], Value], default: Value) -> Value:
    text = options.get(key)
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise AwslogsOptionError(f"must specify valid value for log opt '{key}': {error}") from error


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(f"{text!r} is neither true nor false")
    return _BOOLEANS[text]


def _seconds(text: str) -> float:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{text!r} is not a positive whole number of seconds")
    return float(text)
