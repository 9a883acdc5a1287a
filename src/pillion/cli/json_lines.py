"""`--format json`: one JSON object a line on standard output, and nothing else there.

Lines are `container`, `health`, `log`, `task`, and last `result`. Pause containers are ours and not the
task's, so they are not told. Times are ISO 8601 with milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from pillion.core.describe import iso_time, iso_times
from pillion.core.lifecycle.commands import Report
from pillion.core.lifecycle.state import TaskState
from pillion.core.lifecycle.states import ContainerKind
from pillion.core.plan.facts import PortBinding
from pillion.core.plan.model import Notice, TaskPlan
from pillion.core.plan.port_words import port_words
from pillion.core.timeline.lines import report_object
from pillion.ports.engine import LogLine, PullProgress


class JsonLines:
    """An observer that prints JSON lines. Trouble goes to standard error, as plain text."""

    def __init__(self, plan: TaskPlan, out: TextIO | None = None) -> None:
        self._normal = {item.name for item in plan.containers if item.kind is ContainerKind.NORMAL}
        self._out = out or sys.stdout
        self._flush_is_due = False

    def begin(self, notices: Sequence[Notice], where: str) -> None:
        """Say on standard error what differs from ECS here."""
        del where
        for notice in notices:
            self.notice(notice)

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        """Print a status, if it is one of the task's own."""
        found = report_object(report, at_s, self._normal)
        if found is not None:
            self._print(found)

    def settled(self, state: TaskState, at_s: float) -> None:
        """Nothing to print beside the reports."""

    def log(self, line: LogLine) -> None:
        """Print a line of output."""
        self._print(
            {
                "type": "log",
                "at": iso_time(line.at_s),
                "container": line.container,
                "stream": line.stream,
                "message": line.message,
            }
        )

    def progress(self, progress: PullProgress) -> None:
        """Pull progress is for people at a terminal."""

    def published(self, container: str, bindings: tuple[PortBinding, ...]) -> None:
        """Say on standard error what was published elsewhere than asked; the result has all ports."""
        for binding in bindings:
            if binding.moved:
                subject = f"{container}: " if container in self._normal else ""
                self.trouble(f"note: {subject}{port_words(binding)}")

    def notice(self, notice: Notice) -> None:
        """Say it on standard error."""
        subject = f"{notice.container}: " if notice.container else ""
        self.trouble(f"note: {subject}{notice.text}")

    def trouble(self, text: str) -> None:
        """Say it on standard error."""
        print(f"pillion: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is the command line

    def end(self, exit_code: int, task: Mapping[str, Any], *, explainable: bool = False) -> None:
        """Print the last line; a program knows how to ask why."""
        shape = {
            **iso_times(task),
            "containers": [iso_times(container) for container in task.get("containers", [])],
        }
        self._write({"type": "result", "exitCode": exit_code, "task": shape})
        self._out.flush()

    def close(self) -> None:
        """There is nothing to give back."""

    def _print(self, value: Mapping[str, Any]) -> None:
        self._write(value)
        if not self._flush_is_due:
            # One flush for all that is printed before the loop looks for new events: a container that
            # writes fast does not cost a system call a line.
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _write(self, value: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")

    def _flush(self) -> None:
        self._flush_is_due = False
        self._out.flush()
