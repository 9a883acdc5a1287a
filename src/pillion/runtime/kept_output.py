"""An observer in front of another one that keeps the output, for whoever asks for it later or elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from pillion.ports.engine import LogLine
from pillion.runtime.observer import Observer, PassingObserver


class KeptOutput(PassingObserver):
    """Hands every line to whoever keeps it, and passes everything on."""

    def __init__(self, observer: Observer, keep: Callable[[LogLine], None]) -> None:
        """Make one.

        Args:
            observer: who is told everything.
            keep: called with each line; must be quick and must not raise.
        """
        super().__init__(observer)
        self._keep = keep

    def log(self, line: LogLine) -> None:
        """Keep it before it is shown: a terminal may be slow, and a closed one ends the run."""
        self._keep(line)
        super().log(line)
