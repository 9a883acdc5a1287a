"""Ports of this machine for tests that have to name one before anybody listens there."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 10_000, 30_000
"""Below those that the kernel hands out by itself: whoever connects meanwhile takes none of ours."""


def free_port(count: int = 1) -> int:
    """Return the first of some ports in a row that nobody has at the moment."""
    draw = random.SystemRandom()  # other test processes draw, too, and tests are seeded alike
    for _ in range(50):
        first = draw.randrange(FIRST, LAST - count)
        if all(map(_is_free, range(first, first + count))):
            return first
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
