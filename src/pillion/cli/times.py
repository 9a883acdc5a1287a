"""Moments as people type them, and as they are shown to them."""

from __future__ import annotations

from datetime import datetime

from pillion.core.units import parse_duration_s


def parse_moment(text: str, now_s: float) -> float:
    """Read a moment: how long ago ("10m", "90s"), or an ISO 8601 time, local where it names no zone.

    Args:
        text: what was typed.
        now_s: the time (POSIX seconds).

    Returns:
        POSIX seconds.

    Raises:
        ValueError: it is neither; the message is fit for the person who typed it.
    """
    try:
        return now_s - parse_duration_s(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"'{text[:40]}' is no moment. Write how long ago (10m, 90s), or a time like 2026-11-24T02:20:30 "
            "(local; with Z or +01:00 of another zone)."
        ) from error


def local_time(at_s: float, *, date: bool = False) -> str:
    """Return a time of day with milliseconds; with `date` the day before it."""
    moment = datetime.fromtimestamp(at_s).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f" if date else "%H:%M:%S.%f")[:-3]
