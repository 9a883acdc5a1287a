"""Takes down what happens to one task of a drill. Implements `runtime.observer.Observer`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from pillion.core.lifecycle.commands import Command, Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice
from pillion.drilling.recording import Answer, Lines, Recording
from pillion.ports.aws import PipelineReport
from pillion.ports.engine import LogLine, PullProgress


class Recorder:
    """What was seen so far, and a way to wait for more.

    Attributes:
        struck_at_s, lifted_at_s, age_s, asked_at_s, not_struck, timed_out: as in `Recording`; set by whoever
            makes the fault.
        published: the ports that can be reached on this machine.
    """

    def __init__(self) -> None:
        self.struck_at_s: float | None = None
        self.lifted_at_s: float | None = None
        self.age_s: float | None = None
        self.asked_at_s: float | None = None
        self.not_struck: str | None = None
        self.timed_out = False
        self.answers: list[Answer] = []
        self.bindings: list[PortBinding] = []
        self._history: list[tuple[float, TaskState]] = []
        self._commands: list[tuple[float, Command]] = []
        self._written: Counter[str] = Counter()
        self._pipelines: dict[str, Lines] = {}
        self._troubles: list[str] = []
        self._changed = asyncio.Event()
        self._ended = False

    @property
    def state(self) -> TaskState | None:
        """The state as it is now; None before the first event."""
        return self._history[-1][1] if self._history else None

    @property
    def began_at_s(self) -> float | None:
        """When the task was started; None before that."""
        return self._history[0][0] if self._history else None

    @property
    def has_ended(self) -> bool:
        """Whether the run is over."""
        return self._ended

    def end(self) -> None:
        """Note that the run is over; whoever waits goes on."""
        self._ended = True
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[TaskState], bool], within_s: float) -> bool:
        """Wait until something holds of the state, or the run is over; say whether it holds."""
        try:
            async with asyncio.timeout(within_s):
                while not self._holds(holds) and not self._ended:
                    await self._changed.wait()
        except TimeoutError:
            return self._holds(holds)
        return self._holds(holds)

    async def until_ended(self, within_s: float) -> bool:
        """Wait until the run is over; say whether it is."""
        await self.until(lambda _: False, within_s)
        return self._ended

    def recording(self, ended_at_s: float) -> Recording:
        """Return what was seen."""
        lines = dict(self._pipelines)
        for name, count in self._written.items():
            lines.setdefault(name, Lines(container=name, written=count, arrived=None))
        return Recording(
            history=tuple(self._history),
            commands=tuple(self._commands),
            struck_at_s=self.struck_at_s,
            lifted_at_s=self.lifted_at_s,
            age_s=self.age_s,
            asked_at_s=self.asked_at_s,
            ended_at_s=ended_at_s,
            not_struck=self.not_struck,
            timed_out=self.timed_out,
            answers=tuple(self.answers),
            lines=tuple(lines.values()),
            troubles=tuple(self._troubles),
        )

    def _holds(self, holds: Callable[[TaskState], bool]) -> bool:
        state = self.state
        return state is not None and holds(state)

    # What is told.

    def counted(self, report: PipelineReport) -> None:
        """Note what became of the lines of a container."""
        self._pipelines[report.container] = Lines(
            container=report.container,
            written=report.written,
            arrived=None if report.filtered else report.arrived,
            pipeline=report.pipeline,
        )

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Note a report."""
        self._commands.append((at_s, report))

    def settled(self, state: TaskState, at_s: float) -> None:
        """Note a state."""
        self._history.append((at_s, state))
        self.wake()

    def log(self, line: LogLine) -> None:
        """Count a line."""
        self._written[line.container] += 1

    def progress(self, progress: PullProgress) -> None:
        """Pulls are not told one by one."""

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Note where ports are."""
        self.bindings += bindings
        self.wake()

    def notice(self, notice: Notice) -> None:
        """What differs from ECS is said once, for the whole drill."""

    def trouble(self, text: str) -> None:
        """Note a trouble beside the task."""
        self._troubles.append(text)
