"""The agent's request limit: a token bucket for each client address and path. Pure; time is an argument."""

from __future__ import annotations

from collections import OrderedDict

RATE_PER_S = 40.0
BURST = 60
"""The agent's ECS_TASK_METADATA_RPS_LIMIT, `40,60`."""

BUCKETS_MAX = 4096
"""Paths are the containers' to choose, so buckets are bounded; the one longest unused goes first."""

MESSAGE = "You have reached maximum request limit."


class Throttle:
    """Says who may go on. Buckets start full."""

    def __init__(
        self, *, rate_per_s: float = RATE_PER_S, burst: int = BURST, buckets_max: int = BUCKETS_MAX
    ) -> None:
        self.rate_per_s = rate_per_s
        self._burst = float(burst)
        self._buckets_max = buckets_max
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def admit(self, client: str, path: str, now_s: float) -> bool:
        """Take a token for a request at `now_s` (any clock that does not go back); False: too many."""
        key = (client, path)
        tokens, at_s = self._buckets.pop(key, (self._burst, now_s))
        tokens = min(self._burst, tokens + (now_s - at_s) * self.rate_per_s)
        admitted = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if admitted else tokens, now_s)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)
        return admitted
