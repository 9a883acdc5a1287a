"""Ports and addresses for whoever asks later, in another process: kept as soon as the engine knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import ContainerFacts
from pillion.ports.engine import EngineTask
from pillion.runtime.observer import Observer, PassingObserver

Keep = Callable[[Mapping[str, ContainerFacts]], None]
"""Takes what became known of containers, by name."""


class KeptFacts(PassingObserver):
    """An observer that keeps what the engine says of containers, and passes everything on."""

    def __init__(self, observer: Observer, task: EngineTask, keep: Keep) -> None:
        """Make one.

        Args:
            observer: who is told everything.
            task: whose containers.
            keep: called with what is new; must not raise.
        """
        super().__init__(observer)
        self._task = task
        self._keep = keep
        self._kept: dict[str, ContainerFacts] = {}

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Pass it on, and keep what became known."""
        super().reported(report, state, at_s)
        found = {
            name: self._task.facts(name) for name, container in state.containers.items() if container.has_run
        }
        fresh = {name: facts for name, facts in found.items() if self._kept.get(name) != facts}
        if fresh:
            self._kept.update(fresh)
            self._keep(fresh)
