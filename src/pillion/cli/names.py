"""`name | line`: the column of names, each with its colour, that output of containers is shown with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_magenta")


class NameColumn:
    """Names of one task's containers, in the order of the definition, and pillion's own."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.width = max([len("pillion"), *(len(name) for name in names)])
        self.colour_of = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
        self._made: dict[tuple[str, bool], str] = {}

    def name(self, name: str, *, colours: bool) -> str:
        """Return a name as wide as the column."""
        made = self._made.get((name, colours))
        if made is None:
            padded = name.rjust(self.width)
            styled = click.style(padded, fg=self.colour_of.get(name), bold=name == "pillion")
            made = styled if colours else padded
            self._made[name, colours] = made
        return made

    def line(self, name: str, message: str, *, colours: bool, stamp: str = "") -> str:
        """Return a line that a container wrote, behind its time and its name."""
        return f"{stamp}{self.name(name, colours=colours)} | {message}"


def wants_colours(stream: Any) -> bool:  # noqa: ANN401 - any text stream
    """Say whether colours are wanted there: a terminal that knows them, of a person who does not mind."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
