"""A short history of metrics: what alarms and little charts look back on. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from pillion.core.monitoring.metrics import Metric

LOOKS_MAX = 9000
"""Looks that are kept at most: a day of one every ten seconds."""


class Look(Struct, frozen=True, kw_only=True):
    """The metrics of a task at one moment (POSIX seconds)."""

    at_s: float
    values: Mapping[Metric, float]


class History(Struct, frozen=True, kw_only=True):
    """The looks of the last `keep_s` seconds, the oldest first."""

    keep_s: float
    looks: tuple[Look, ...] = field(default=())

    def with_look(self, look: Look) -> History:
        """Return the history with one look more, and without those that are too old."""
        since_s = look.at_s - self.keep_s
        kept = [item for item in self.looks if since_s < item.at_s < look.at_s]
        return History(keep_s=self.keep_s, looks=(*kept[-LOOKS_MAX + 1 :], look))

    def between(self, metric: Metric, begin_s: float, end_s: float) -> list[float]:
        """Return the values of a metric from `begin_s` on and before `end_s`, oldest first."""
        return [
            item.values[metric]
            for item in self.looks
            if begin_s <= item.at_s < end_s and metric in item.values
        ]
