"""The budget beside what past runs used."""

from __future__ import annotations

from pillion.core.budget import budget_of
from pillion.core.rules.examples import app, sidecar, task
from pillion.core.usage import Observed


def test_what_was_observed_stands_beside_what_is_asked_for() -> None:
    value = task(app(memory=100), sidecar("agent", memory=50))
    seen = {"app": Observed(memory_mib=80, cpu_units=12), "gone": Observed(memory_mib=9)}
    assert [(share.container, share.observed) for share in budget_of(value, seen).shares] == [
        ("app", Observed(memory_mib=80, cpu_units=12)),
        ("agent", None),
    ]
