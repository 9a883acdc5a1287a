"""How a drill goes on, for whoever waits: a line for each case that is over; on a terminal also what runs."""

from __future__ import annotations

import shutil
from typing import TextIO

import click

from pillion.drilling.faults import Case
from pillion.drilling.text import cell, time_of
from pillion.drilling.verdict import Result, Verdict


class Silence:
    """Tells nothing."""

    def begins(self, case: Case | None, number: int, of: int) -> None:
        """Tell nothing."""

    def ends(self, result: Result | None, number: int, of: int) -> None:
        """Tell nothing."""


class Progress:
    """Writes to a stream, never to standard output, so that a report can be piped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._running: list[str] = []
        self._done = 0

    def begins(self, case: Case | None, number: int, of: int) -> None:
        """A case begins."""
        self._running.append(_name(case))
        self._show(of)

    def ends(self, result: Result | None, number: int, of: int) -> None:
        """A case is over."""
        name = _name(result.case if result else None)
        self._running.remove(name)
        if result is not None:
            self._done += 1
            self._line(f"[{self._done:{len(str(of))}}/{of}] {result.case.words}: {_words(result)}")
        self._show(of)

    def _line(self, text: str) -> None:
        click.echo(f"{self._erase()}{text}", file=self._stream)

    def _show(self, of: int) -> None:
        if self._is_terminal:
            running = f"… {', '.join(self._running)} ({self._done} of {of} done)" if self._running else ""
            room = shutil.get_terminal_size().columns - 1  # a line that wraps could not be erased
            click.echo(f"{self._erase()}{running[:room]}", file=self._stream, nl=False)
        elif self._done == 0 and self._running == [_name(None)]:
            click.echo("the task without a fault first", file=self._stream)

    def _erase(self) -> str:
        return "\r\x1b[2K" if self._is_terminal else ""


def _name(case: Case | None) -> str:
    return "the task without a fault" if case is None else case.name


def _words(result: Result) -> str:
    if result.observed is None:
        return f"{result.verdict.value}: {result.reason}"
    after = (
        f" after {time_of(result).removeprefix('↺')}" if result.observed.stopped_after_s is not None else ""
    )
    how = "" if result.verdict is Verdict.AS_PREDICTED else f", {result.verdict.value}"
    return f"{cell(result)}{after}{how}"
