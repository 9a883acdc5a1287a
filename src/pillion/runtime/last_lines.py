"""The last lines of containers that end badly, for whoever asks later why.

An observer in front of another one: everything is passed on. Lines are kept in memory, bounded by number and
by bytes, and handed over when a container has ended badly or is UNHEALTHY; what comes after that is handed
over with the next event, because output often arrives later than the exit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from pillion.core.lifecycle.commands import Report, ReportContainer, ReportHealth
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus
from pillion.ports.engine import LogLine
from pillion.runtime.observer import Observer, PassingObserver

LINES_MAX = 50
"""Lines kept of each container."""

BYTES_MAX = 8 * 1024
"""Bytes kept of each container, as UTF-8; a single longer line is cut."""

Keep = Callable[[str, Sequence[str]], None]
"""Takes a container's name and its last lines, oldest first."""


class LastLines(PassingObserver):
    """An observer that keeps the last lines of each container, and passes everything on."""

    def __init__(self, observer: Observer, keep: Keep) -> None:
        """Make one.

        Args:
            observer: who is told everything.
            keep: called with the lines of containers that ended badly; must not raise.
        """
        super().__init__(observer)
        self._keep = keep
        self._tails: defaultdict[str, _Tail] = defaultdict(_Tail)
        self._wanted: set[str] = set()
        self._due: set[str] = set()

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Pass it on; notice containers whose output somebody will ask for."""
        super().reported(report, state, at_s)
        match report:
            case ReportContainer(container=name, after=ContainerStatus.STOPPED) if _ended_badly(state, name):
                self._want(name)
            case ReportHealth(container=name, status=HealthStatus.UNHEALTHY):
                self._want(name)
            case _:
                pass

    def settled(self, state: TaskState, at_s: float) -> None:
        """Pass it on, and hand over what came since the last event."""
        super().settled(state, at_s)
        self.finish()

    def log(self, line: LogLine) -> None:
        """Pass it on, and keep it."""
        super().log(line)
        self._tails[line.container].add(line.message)
        if line.container in self._wanted:
            self._due.add(line.container)

    def finish(self) -> None:
        """Hand over what was not handed over yet; called once more after the last line."""
        while self._due:
            name = self._due.pop()
            self._keep(name, self._tails[name].lines())

    def _want(self, name: str) -> None:
        self._wanted.add(name)
        self._due.add(name)


class _Tail:
    """The last lines of one container, within the bounds."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, int]] = deque()
        self._bytes = 0

    def add(self, text: str) -> None:
        encoded = text.encode(errors="replace")
        if len(encoded) > BYTES_MAX:
            text = encoded[:BYTES_MAX].decode(errors="ignore")
        size = min(len(encoded), BYTES_MAX)
        self._lines.append((text, size))
        self._bytes += size
        while len(self._lines) > LINES_MAX or self._bytes > BYTES_MAX:
            self._bytes -= self._lines.popleft()[1]

    def lines(self) -> tuple[str, ...]:
        return tuple(text for text, _ in self._lines)


def _ended_badly(state: TaskState, name: str) -> bool:
    """Say whether somebody will want to know why: an error, a bad exit code, or the end of the task."""
    container = state.containers.get(name)
    if container is None or not container.has_run:
        return False
    if state.spec.container(name).kind is not ContainerKind.NORMAL:
        return False
    asked_to = 143 if state.is_stopping and state.ended_by != name else 0
    return container.error is not None or state.ended_by == name or container.exit_code not in (0, asked_to)
