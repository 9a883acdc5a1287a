"""How often and after which pauses the ECS agent tries things again. Data, and one pure function."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Backoff(Struct, frozen=True, kw_only=True):
    """`attempts` in all; the pause grows by `factor` up to `longest_s`, and up to `jitter` of it is added."""

    attempts: int
    first_s: float
    factor: float
    longest_s: float
    jitter: float = 0.2


MANIFEST = Backoff(attempts=9, first_s=0.01, factor=3, longest_s=5)
PULL = Backoff(attempts=5, first_s=1.1, factor=2, longest_s=5)
STOP = Backoff(attempts=5, first_s=1, factor=1.3, longest_s=5)


def pauses_s(backoff: Backoff, chance: Callable[[], float]) -> list[float]:
    """Return the pauses between the attempts; `chance` gives numbers from 0 to 1."""
    return [
        min(backoff.first_s * backoff.factor**number, backoff.longest_s) * (1 + backoff.jitter * chance())
        for number in range(backoff.attempts - 1)
    ]
