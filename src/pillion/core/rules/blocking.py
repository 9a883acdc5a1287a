"""Whether a task can be run at all, be it locally: a few of the rules, all that a run has to wait for.

The others say what AWS would refuse and what will hurt. They take longer to load than to run, and a run reads
them while the engine is at work.
"""

from __future__ import annotations

from typing import Final

from pillion.core.findings import Finding
from pillion.core.rules import containers, definition, dependencies, proxy, storage, structure
from pillion.core.rules.rule import rules_in
from pillion.core.rules.rulebook import Rulebook

BLOCKING: Final = tuple(
    rule
    for rule in rules_in((structure, definition, containers, storage, dependencies, proxy))
    if rule.blocks_run
)
"""The rules that stand in the way of a run, in the order of `catalogue`."""

_RULEBOOK: Final = Rulebook(BLOCKING)


def blocking_findings(value: object) -> list[Finding]:
    """Find what stands in the way of running a task definition; `value` is as in `Rulebook.check`."""
    return [finding for finding in _RULEBOOK.check(value) if finding.blocks_run]
