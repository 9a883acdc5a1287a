"""How a number was spread over many looks: enough for percentiles, in a few dozen counts. Pure.

Values fall into buckets that are a tenth wider from one to the next, so that a percentile is right to within
a tenth however large the values are, and the spreads of several runs add up to one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

_GROWTH = math.log(1.1)


class Spread(Struct, frozen=True, kw_only=True):
    """How often a value was seen, by bucket; bucket 0 holds everything up to 1."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many values were seen."""
        return sum(self.counts.values())

    def with_value(self, value: float) -> Spread:
        """Return the spread with one value more."""
        bucket = math.ceil(math.log(value) / _GROWTH - 1e-9) if value > 1 else 0
        return Spread(counts={**self.counts, bucket: self.counts.get(bucket, 0) + 1})

    def percentile(self, percent: float) -> int | None:
        """Return a number that this many percent of the values do not exceed, rounded up; None without any.

        It is the upper end of its bucket, so at most a tenth too large.
        """
        wanted = self.size * percent / 100
        seen = 0
        for bucket, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted:
                return math.ceil(math.exp(bucket * _GROWTH) - 1e-6)
        return None


def spread_of_all(spreads: Iterable[Spread]) -> Spread:
    """Return the spread of everything that any of these has seen."""
    counts: Counter[int] = Counter()
    for spread in spreads:
        counts.update(spread.counts)
    return Spread(counts=dict(sorted(counts.items())))
