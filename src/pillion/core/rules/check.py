"""Every rule, run over a definition."""

from __future__ import annotations

from typing import Final

from pillion.core.rules.catalogue import RULES
from pillion.core.rules.rulebook import Rulebook

check_definition: Final = Rulebook(RULES).check
"""Find everything that is wrong with a task definition, or will be; see `Rulebook.check`."""
