"""Every rule there is, in the order in which AWS would report them.

AWS stops at the first rule that is broken. Its order is known in part: the memory of each container comes
before what Fargate asks of the task, and the account of a parameter's ARN before the execution role. The
rest follows the order in which the pieces must be known: the definition, each container, the launch type,
and what refers to what. Advice comes last.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pillion.core.rules import (
    advice_images,
    advice_lifecycle,
    advice_resources,
    compatibility,
    containers,
    definition,
    dependencies,
    firelens,
    health,
    limits,
    logs,
    network,
    proxy,
    secrets,
    storage,
    structure,
)
from pillion.core.rules.rule import Rule, rules_in

_MODULES: Final[tuple[ModuleType, ...]] = (
    structure,
    definition,
    containers,
    limits,
    compatibility,
    network,
    storage,
    dependencies,
    health,
    proxy,
    logs,
    firelens,
    secrets,
    advice_images,
    advice_lifecycle,
    advice_resources,
)


_SOONER: Final = {"E221": "E203"}
"""Rules that AWS reports sooner than their file would have it: the first comes just before the second."""


def _collect() -> tuple[Rule, ...]:
    rules = rules_in(_MODULES)
    for code, other in _SOONER.items():
        rule = next(rule for rule in rules if rule.code == code)
        rules.remove(rule)
        rules.insert(next(place for place, found in enumerate(rules) if found.code == other), rule)
    return tuple(rules)


RULES: Final = _collect()
"""All rules, in order."""

BY_CODE: Final = {rule.code: rule for rule in RULES}
"""All rules, by code."""
