"""Sidecars that are alive and do not do their work: noticed by what they say, count, and leave undone. Pure.

A log router that cannot deliver stays RUNNING, and its health check only says that its input listens; an
Envoy that got no configuration stays RUNNING, too. Both are judged over the last minutes, so that one hiccup
is no alarm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

WINDOW_S: Final = 60.0
"""Over how long failures are counted."""

RETRIES_MIN: Final = 3
"""Failed flushes in the window from which on a router is said not to deliver; one or two mend themselves."""

STILL_S: Final = 30.0
"""How long a router may move nothing while lines wait for it; it flushes every second, or every five."""

SETTLE_S: Final = 30.0
"""How long a proxy may take after its start before it has to be LIVE."""

LIVE: Final = "LIVE"


class Sign(Enum):
    """What a line of Fluent Bit's own log says about its deliveries."""

    RETRY = auto()
    LOST = auto()
    PAUSED = auto()
    RESUMED = auto()


_SIGNS: Final = (
    (Sign.RETRY, re.compile(r"\[engine\] failed to flush chunk|\[aws_credentials\] Provider returned no")),
    (Sign.LOST, re.compile(r"\[engine\] chunk .* (cannot be retried|is not retried)")),
    (Sign.PAUSED, re.compile(r"paused \((mem|storage) buf overlimit")),
    (Sign.RESUMED, re.compile(r"\[input\] .* resume \(")),
)


def sign_of(line: str) -> Sign | None:
    """Return what a line of Fluent Bit's own log means for its deliveries; None for most."""
    return next((sign for sign, pattern in _SIGNS if pattern.search(line)), None)


class RouterCounts(Struct, frozen=True, kw_only=True):
    """What a log router has done since it started.

    Attributes:
        at_s: when it was looked at (POSIX seconds).
        waiting: lines that its containers have written.
        retries: flushes that failed and were put off.
        lost: chunks that were given up.
        delivered: records that its outputs delivered; None where it does not tell.
        cpu_ns: CPU time that it used; None where it was not seen.
        paused: whether it takes no lines, because its buffer is full.
        last_words: the last line that it wrote about a failure.
    """

    at_s: float
    waiting: int = 0
    retries: int = 0
    lost: int = 0
    delivered: int | None = None
    cpu_ns: int | None = None
    paused: bool = False
    last_words: str = ""


def with_line(counts: RouterCounts, line: str) -> RouterCounts:
    """Return the counts after a line of the router's own log."""
    match sign_of(line):
        case Sign.RETRY:
            return replace(counts, retries=counts.retries + 1, last_words=line)
        case Sign.LOST:
            return replace(counts, lost=counts.lost + 1, last_words=line)
        case Sign.PAUSED:
            return replace(counts, paused=True, last_words=line)
        case Sign.RESUMED:
            return replace(counts, paused=False)
        case None:
            return counts


def with_metrics(counts: RouterCounts, body: str) -> RouterCounts:
    """Return the counts after Fluent Bit's answer at `/api/v1/metrics`; as they were for any other answer.

    Its log and its counters tell of the same failures, so the larger number counts.
    """
    try:
        outputs = json.loads(body)["output"]
        rows: list[Mapping[str, Any]] = list(outputs.values())
        return replace(
            counts,
            delivered=sum(int(row["proc_records"]) for row in rows),
            retries=max(counts.retries, sum(int(row["retries"]) for row in rows)),
            lost=max(counts.lost, sum(int(row["retries_failed"]) for row in rows)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return counts


def judge_router(history: tuple[RouterCounts, ...]) -> str | None:
    """Say what is wrong with a log router that runs; None where nothing seems to be.

    Args:
        history: its counts over the last `WINDOW_S`, oldest first, all since the same start.
    """
    if len(history) < 2:
        return None
    first, now = history[0], history[-1]
    retries, lost = now.retries - first.retries, now.lost - first.lost
    period = f"in the last {now.at_s - first.at_s:.0f} s"
    if lost > 0:
        return _with_words(
            f"it lost {_some(lost, 'chunk')} of lines that no retry could deliver {period}", now
        )
    if retries >= RETRIES_MIN:
        return _with_words(f"{_some(retries, 'flush', 'flushes')} failed {period} and will be retried", now)
    if now.paused:
        return _with_words("its buffer is full, and it takes no more lines", now)
    return _standstill(history)


def _standstill(history: tuple[RouterCounts, ...]) -> str | None:
    """Say that nothing moves through a router although lines wait for it."""
    now = history[-1]
    old = [item for item in history if now.at_s - item.at_s >= STILL_S]
    if not old or now.waiting == 0:
        return None
    then = old[-1]
    written = now.waiting - then.waiting
    # What was written just now may still be on its way: something must have come before the last look, too.
    if written <= 0 or history[-2].waiting == then.waiting:
        return None
    for_s = f"{now.at_s - then.at_s:.0f} s"
    if now.delivered is not None and then.delivered == now.delivered:
        return f"it delivered nothing for {for_s}, while {_some(written, 'line')} were written"
    if now.cpu_ns is not None and then.cpu_ns == now.cpu_ns:
        return f"it did nothing at all for {for_s}, while {_some(written, 'line')} were written"
    return None


class ProxyLook(Struct, frozen=True, kw_only=True):
    """What a proxy's admin interface said; `state` is None where it did not answer."""

    at_s: float
    uptime_s: float
    state: str | None


def envoy_state(body: str) -> str | None:
    """Return the state in Envoy's answer at `/server_info`; None for any other answer."""
    try:
        state = json.loads(body)["state"]
    except (ValueError, KeyError, TypeError):
        return None
    return state if isinstance(state, str) else None


def judge_proxy(history: tuple[ProxyLook, ...]) -> str | None:
    """Say what is wrong with an Envoy that runs; None where nothing seems to be, or nobody can tell.

    Args:
        history: looks since its start, oldest first; the last two have to agree.
    """
    recent = history[-2:]
    if len(recent) < 2 or recent[0].uptime_s < SETTLE_S:
        return None
    if any(item.state == LIVE for item in recent):
        return None
    state = recent[-1].state
    if state is not None:
        return f"it is {state} and not LIVE: it has no complete configuration, or is being drained"
    if any(item.state is not None for item in history):
        return "its admin interface answered before, and does not any more"
    return None


def _with_words(text: str, counts: RouterCounts) -> str:
    return f"{text}; last it said: {counts.last_words}" if counts.last_words else text


def _some(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
