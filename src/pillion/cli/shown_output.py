"""Kept output as it is printed: lines with names for people, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence

from pillion.cli.names import NameColumn, wants_colours
from pillion.cli.times import local_time
from pillion.core.log_position import stamp_of
from pillion.ports.engine import LogLine
from pillion.stores.output.lines import End, Gap


class ShownOutput:
    """Prints lines to standard output, and what is to be said about them to standard error.

    Args:
        names: of the task's containers, in the order of the definition.
        only: containers that are shown; empty for all.
        since_s: what was written before that (POSIX seconds) is not shown.
        timestamps: show the time of each line (text).
        style: `text` or `json`.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        only: frozenset[str],
        since_s: float | None,
        timestamps: bool,
        style: str,
    ) -> None:
        self._column = NameColumn(names)
        self._only = only
        self._since_s = since_s
        self._timestamps = timestamps
        self._is_json = style == "json"
        self._colours_out = wants_colours(sys.stdout)
        self._colours_err = wants_colours(sys.stderr)

    def wanted(self, entries: Iterable[LogLine | Gap | End]) -> Iterator[LogLine | Gap | End]:
        """Leave out the lines that nobody asked for."""
        for entry in entries:
            if self._since_s is not None and entry.at_s < self._since_s and not isinstance(entry, End):
                continue
            if isinstance(entry, LogLine) and self._only and entry.container not in self._only:
                continue
            yield entry

    def show(self, entries: Iterable[LogLine | Gap | End]) -> bool:
        """Print; say whether the task's output is over."""
        write, text = sys.stdout.write, self._json if self._is_json else self._text
        is_over = False
        for entry in entries:
            if isinstance(entry, LogLine):
                write(text(entry) + "\n")
            elif isinstance(entry, Gap):
                self._show_gap(entry)
            else:
                is_over = True
        sys.stdout.flush()
        return is_over

    def say(self, text: str) -> None:
        """Say something about the output, beside it."""
        sys.stdout.flush()
        name = "pillion" if self._is_json else self._column.name("pillion", colours=self._colours_err)
        sys.stderr.write(f"{name} : {text}\n")
        sys.stderr.flush()

    def _text(self, line: LogLine) -> str:
        stamp = f"{local_time(line.at_s, date=True)} " if self._timestamps else ""
        return self._column.line(line.container, line.message, colours=self._colours_out, stamp=stamp)

    def _json(self, line: LogLine) -> str:
        shape = {
            "type": "log",
            "at": line.stamp,
            "container": line.container,
            "stream": line.stream,
            "message": line.message,
        }
        return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))

    def _show_gap(self, gap: Gap) -> None:
        if self._is_json:
            shape = {"type": "gap", "at": stamp_of(gap.at_s), "lines": gap.lines}
            sys.stdout.write(json.dumps(shape, separators=(",", ":")) + "\n")
        else:
            self.say(f"{gap.lines} lines are missing here: they could not be written to the state folder")
