"""Who is told what happens: the terminal, the JSON lines, later the server's clients."""

from __future__ import annotations

from typing import Protocol

from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice
from pillion.ports.engine import LogLine, PullProgress


class Observer(Protocol):
    """Takes what happens to one task, as it happens, in order. Must be quick and must not raise."""

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """A status, a health or a restart is reported; `state` is what the event led to."""
        ...

    def settled(self, state: TaskState, at_s: float) -> None:
        """An event was taken; `state` is what it led to, whether or not anything was reported."""
        ...

    def log(self, line: LogLine) -> None:
        """A container wrote a line."""
        ...

    def progress(self, progress: PullProgress) -> None:
        """An image pull went on."""
        ...

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """A container began to run, and these of its ports can be reached on the host."""
        ...

    def notice(self, notice: Notice) -> None:
        """Something became known that the user should know: what differs from ECS, what is missing."""
        ...

    def trouble(self, text: str) -> None:
        """Something went wrong beside the task itself (the journal, a log stream)."""
        ...


class SilentObserver:
    """An observer that looks away."""

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Look away."""

    def settled(self, state: TaskState, at_s: float) -> None:
        """Look away."""

    def log(self, line: LogLine) -> None:
        """Look away."""

    def progress(self, progress: PullProgress) -> None:
        """Look away."""

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Look away."""

    def notice(self, notice: Notice) -> None:
        """Look away."""

    def trouble(self, text: str) -> None:
        """Look away."""


class PassingObserver:
    """An observer in front of another one, to which it passes everything on."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Pass it on."""
        self._observer.reported(report, state, at_s)

    def settled(self, state: TaskState, at_s: float) -> None:
        """Pass it on."""
        self._observer.settled(state, at_s)

    def log(self, line: LogLine) -> None:
        """Pass it on."""
        self._observer.log(line)

    def progress(self, progress: PullProgress) -> None:
        """Pass it on."""
        self._observer.progress(progress)

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Pass it on."""
        self._observer.published(container, bindings)

    def notice(self, notice: Notice) -> None:
        """Pass it on."""
        self._observer.notice(notice)

    def trouble(self, text: str) -> None:
        """Pass it on."""
        self._observer.trouble(text)
