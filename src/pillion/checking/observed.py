"""What past runs used, as the budget takes it. Where it is read from is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pillion.core.usage import Observed

ByFamily = Mapping[str, Mapping[str, Observed]]
"""What was observed, by family and container."""

NOTHING_OBSERVED: Final[ByFamily] = {}


def observed_of(observed: ByFamily, value: Mapping[str, Any]) -> Mapping[str, Observed]:
    """Return what was observed of a definition's family; nothing where the family is not known."""
    family = value.get("family")
    return observed.get(family, {}) if isinstance(family, str) else {}
