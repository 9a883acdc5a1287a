"""Sizes and durations: the spellings that people use, and exact values.

Here are the texts of a task's `cpu` and `memory` as ECS reads them, durations as they are written on a
command line, and how each is shown. Which sizes are allowed is the business of the rules.

Surprising: ECS's "GB" are GiB: "1 GB" is 1024 MiB. All arithmetic is on whole numbers, so ".1 vCPU", which
is no whole number of CPU units, is refused instead of rounded.
"""

from __future__ import annotations

import re
from typing import Final

CPU_UNITS_PER_VCPU: Final = 1024
MIB_PER_GIB: Final = 1024
BYTES_PER_MIB: Final = 1024 * 1024

_SIZE: Final = re.compile(r"\s*(\d*)(?:\.(\d+))?\s*([a-z]*)\s*", re.ASCII | re.IGNORECASE)
_SIZE_LENGTH_MAX: Final = 20
"""No size is longer; a number of a thousand digits is a mistake, and slow to read."""

_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+", re.ASCII)
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_PLAIN_SECONDS: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION_LENGTH_MAX: Final = 32


def parse_cpu_units(value: object) -> int | None:
    """Read a task's `cpu`: whole CPU units ("256"), or vCPU with the word ("1 vCPU", ".5 vcpu").

    Returns:
        CPU units, 1024 a vCPU, or None for anything else, also for what is not text.
    """
    return _parse_size(value, word="vcpu", factor=CPU_UNITS_PER_VCPU)


def parse_memory_mib(value: object) -> int | None:
    """Read a task's `memory`: whole MiB ("512"), or GiB with the word ("1GB", "0.5 gb").

    Returns:
        MiB, or None for anything else, also for what is not text.
    """
    return _parse_size(value, word="gb", factor=MIB_PER_GIB)


def _parse_size(value: object, *, word: str, factor: int) -> int | None:
    if not isinstance(value, str) or len(value) > _SIZE_LENGTH_MAX:
        return None
    match = _SIZE.fullmatch(value)
    if match is None:
        return None
    whole, fraction, unit = match[1], match[2] or "", match[3].lower()
    if not whole and not fraction:
        return None
    if not unit:
        return int(whole) if not fraction else None
    if unit != word:
        return None
    scaled = int(whole + fraction) * factor
    size, rest = divmod(scaled, 10 ** len(fraction))
    return size if rest == 0 else None


def mib_to_bytes(memory_mib: int) -> int:
    """Bytes in so many MiB."""
    return memory_mib * BYTES_PER_MIB


def parse_duration_s(text: str) -> float:
    """Read a duration from a command line: "90", "90s", "2m30s", "1.5h", "500ms", "1h 30m".

    Returns:
        Seconds.

    Raises:
        ValueError: It is none of these; the message is fit for the person who typed it.
    """
    compact = text.lower().replace(" ", "")
    if len(compact) <= _DURATION_LENGTH_MAX:
        if _PLAIN_SECONDS.fullmatch(compact):
            return float(compact)
        if _DURATION.fullmatch(compact):
            parts = _DURATION_PART.findall(compact)
            return float(sum(float(amount) * _SECONDS[unit] for amount, unit in parts))
    shown = text if len(text) <= _DURATION_LENGTH_MAX else text[:_DURATION_LENGTH_MAX] + "…"
    message = (
        f"'{shown}' is not a duration. Write seconds (90) or a number with a unit: 90s, 2m30s, 1.5h, 500ms."
    )
    raise ValueError(message)


def format_cpu_units(units: int) -> str:
    """CPU units as people say them: `256` -> "0.25 vCPU"."""
    return f"{_plain(units / CPU_UNITS_PER_VCPU)} vCPU"


def format_memory_mib(memory_mib: int) -> str:
    """MiB as people say them: `512` -> "512 MiB", `1536` -> "1.5 GiB"."""
    if memory_mib < MIB_PER_GIB:
        return f"{memory_mib} MiB"
    return f"{_plain(memory_mib / MIB_PER_GIB)} GiB"


def format_duration_s(seconds: float) -> str:
    """Seconds as people say them: `0.25` -> "250 ms", `2.5` -> "2.5 s", `150` -> "2 min 30 s"."""
    if seconds < 0:
        return f"-{format_duration_s(-seconds)}"
    if seconds == 0:
        return "0 s"
    if round(seconds, 3) < 1:
        return f"{_plain(round(seconds * 1000, 1))} ms"
    if round(seconds, 1) < 60:
        return f"{_plain(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


def _plain(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
