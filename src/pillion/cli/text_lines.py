"""`--format text`: what a person sees of a run.

Output of containers goes to standard output, as `name | line`; what pillion says goes to standard error,
as `name : STATUS  why`, so that either can be piped away. At a terminal the containers that are not
running yet stand in a small table below, each with what it waits for. Colours repeat what words say.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pillion.cli.exits import INTERRUPTED
from pillion.cli.names import NameColumn, wants_colours
from pillion.cli.times import local_time
from pillion.core.lifecycle.commands import (
    Report,
    ReportContainer,
    ReportHealth,
    ReportRestart,
    ReportStopping,
    ReportTask,
)
from pillion.core.lifecycle.explain import WaitKind, waiting
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, TaskStatus
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.plan.port_words import port_words
from pillion.ports.engine import LogLine, PullProgress

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_TOLD = frozenset({ContainerStatus.RUNNING, ContainerStatus.STOPPED})
"""The statuses that ECS reports; the steps between are told with --verbose."""

_BAR_WIDTH = 20

SLOW_S = 3.0
"""After this time it is said what the engine is doing for a container, where no table shows it."""

_NO_QUESTION = (0, INTERRUPTED)
"""Exit codes after which nobody asks why."""


class TextLines:
    """An observer that prints for a person."""

    def __init__(self, plan: TaskPlan, *, timestamps: bool, verbose: bool, quiet: bool) -> None:
        self._names = [item.name for item in plan.containers if item.kind is ContainerKind.NORMAL]
        self._column = NameColumn(self._names)
        self._timestamps = timestamps
        self._verbose = verbose
        self._quiet = quiet
        self._colours_out = wants_colours(sys.stdout)
        self._colours_err = wants_colours(sys.stderr)
        self._waits: dict[str, str] = {}
        self._pulls: dict[str, PullProgress] = {}
        self._live: Live | None = None
        self._may_be_live = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def begin(self, notices: Sequence[Notice], where: str) -> None:
        """Say what is about to run, and everything that differs from ECS here."""
        self.say("pillion", where)
        for notice in notices:
            self.notice(notice)

    def notice(self, notice: Notice) -> None:
        """Say what differs from ECS here, or what the user should know; also to who asked for quiet."""
        subject = notice.container if notice.container in self._names else "pillion"
        self.say(subject, f"{self._style('note', fg='yellow', bold=True)}: {notice.text}", always=True)

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Print what ECS would report, and what people want to know beside it."""
        match report:
            case ReportContainer(container=name, after=after, cause=cause) if name in self._names:
                if after in _TOLD or self._verbose:
                    self.say(name, f"{self._status(after.value)}  {cause}")
            case ReportHealth(container=name, status=status):
                self.say(name, self._status(status.value))
            case ReportRestart(container=name, cause=cause, restart_count=count):
                self.say(name, f"restarted ({count}): {cause}")
            case ReportStopping(cause=cause):
                self.say("pillion", f"stopping the task: {cause}")
            case ReportTask(last_status=status):
                self.say("pillion", f"task is {self._status(status)}")
            case _:
                pass

    def settled(self, state: TaskState, at_s: float) -> None:
        """Show who waits for what: in the table at a terminal, else a line when it changes."""
        found = [item for item in waiting(state) if item.container in self._names]
        if self._may_be_live:
            self._update_live(state, {item.container: item.text for item in found})
            return
        before, self._waits = self._waits, {item.container: item.text for item in found}
        for item in found:
            if before.get(item.container) == item.text:
                continue
            if item.kind is WaitKind.DEPENDENCY:
                self.say(item.container, item.text)
            elif item.kind is WaitKind.OPERATION:
                loop = asyncio.get_running_loop()
                loop.call_later(SLOW_S, self._say_if_still, item.container, item.text)

    def _say_if_still(self, container: str, text: str) -> None:
        """Nobody wants to hear of what takes a moment, and everybody of what takes long."""
        if self._waits.get(container) == text:
            self.say(container, text)

    def log(self, line: LogLine) -> None:
        """Print one line of a container's output."""
        stamp = f"{local_time(line.at_s)} " if self._timestamps else ""
        text = self._column.line(line.container, line.message, colours=self._colours_out, stamp=stamp)
        self._write(text, error=False)

    def progress(self, progress: PullProgress) -> None:
        """Keep how far a pull is, for the table; say the begin and the end elsewhere."""
        before = self._pulls.get(progress.container)
        self._pulls[progress.container] = progress
        if self._live is None and (before is None or before.status != progress.status):
            self.say(progress.container, f"{progress.status} {progress.image}")

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Say where the ports of a container are to be found."""
        for binding in bindings:
            note = f"{self._style('note', fg='yellow', bold=True)}: " if binding.moved else ""
            self.say(self._subject(container), f"{note}{port_words(binding)}", always=binding.moved)

    def trouble(self, text: str) -> None:
        """Say what went wrong beside the task."""
        self.say("pillion", f"{self._style('trouble', fg='red', bold=True)}: {text}", always=True)

    def say(self, subject: str, text: str, *, always: bool = False) -> None:
        """Print a line of ours to standard error."""
        if self._quiet and not always:
            return
        stamp = f"{local_time(time.time())} " if self._timestamps else ""
        self._write(f"{stamp}{self._column.name(subject, colours=self._colours_err)} : {text}", error=True)

    def end(self, exit_code: int, task: Mapping[str, Any], *, explainable: bool = False) -> None:
        """Print how the task ended, and how to ask why where it ended badly and its history is kept."""
        self._stop_live()
        code = f"{task['stopCode']}: " if "stopCode" in task else ""
        if task["lastStatus"] == "STOPPED":
            self.say("pillion", f"task stopped. {code}{task.get('stoppedReason', '')}")
        else:
            self.say("pillion", f"the task was {task['lastStatus']} when the engine went away")
        for container in task["containers"]:
            ended = f"exit code {container['exitCode']}" if "exitCode" in container else "never ran"
            if container["lastStatus"] != "STOPPED":
                ended = f"was {container['lastStatus']}"
            reason = f"  {container['reason']}" if "reason" in container else ""
            self.say(container["name"], f"{ended}{reason}")
        self.say("pillion", f"exit code {exit_code}")
        if explainable and exit_code not in _NO_QUESTION:
            self.say("pillion", f"to see why: pillion explain {task['taskArn'].rpartition('/')[2][:8]}")

    def close(self) -> None:
        """Give the terminal back."""
        self._stop_live()

    def _subject(self, container: str | None) -> str:
        """Return whom a line is about; what a pause container does, pillion does."""
        return container if container in self._names else "pillion"

    def _write(self, text: str, *, error: bool) -> None:
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text.from_ansi(text), soft_wrap=True)
            return
        click.echo(text, err=error, color=self._colours_err if error else self._colours_out)

    def _style(self, text: str, **style: Any) -> str:  # noqa: ANN401 - click's own keyword arguments
        return click.style(text, **style) if self._colours_err else text

    def _status(self, status: str) -> str:
        colour = {"RUNNING": "green", "HEALTHY": "green", "STOPPED": "red", "UNHEALTHY": "red"}.get(status)
        return self._style(status, fg=colour, bold=True)

    def _update_live(self, state: TaskState, waits: Mapping[str, str]) -> None:
        done = (TaskStatus.RUNNING, TaskStatus.STOPPED) if not state.is_stopping else (TaskStatus.STOPPED,)
        if state.known in done:
            self._stop_live()
            return
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._table(state, waits), refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self, state: TaskState, waits: Mapping[str, str]) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name in self._names:
            known = state.containers[name].known
            detail = self._pull_text(name) if known is ContainerStatus.MANIFEST_PULLED else ""
            colour = {ContainerStatus.RUNNING: "green", ContainerStatus.STOPPED: "red"}.get(known, "yellow")
            table.add_row(
                Text(name.rjust(self._column.width), style=self._column.colour_of[name]),
                Text(known.value, style=colour),
                Text(detail or waits.get(name, "")),
            )
        return table

    def _pull_text(self, name: str) -> str:
        progress = self._pulls.get(name)
        if progress is None:
            return ""
        if not progress.total_bytes:
            return progress.status
        share = min(1.0, progress.current_bytes / progress.total_bytes)
        bar = ("#" * round(share * _BAR_WIDTH)).ljust(_BAR_WIDTH, ".")
        return f"{progress.status} [{bar}] {progress.current_bytes // 1_000_000} MB"
