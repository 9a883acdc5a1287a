"""JSON as the ECS agent writes it: Go's times and numbers, and members that are left out. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def encode(value: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def present(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shape without the members that Go's `omitempty` drops: null, empty text, list and map."""
    return {key: value for key, value in shape.items() if value is not None and value not in ("", [], {})}


def number(value: float) -> int | float:
    """Return a number without a fraction that is zero: `1`, not `1.0`."""
    return int(value) if value == int(value) else value


def timestamp(at_s: float | None) -> str | None:
    """Return POSIX seconds as RFC 3339 in UTC: a fraction only where there is one, without trailing zeros."""
    if at_s is None:
        return None
    moment = datetime.fromtimestamp(at_s, UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
