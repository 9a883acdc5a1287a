"""The person's terminal while a command elsewhere has it: raw, and given back whatever happens."""

from __future__ import annotations

import os
import termios
import tty
from types import TracebackType
from typing import Self


class RawTerminal:
    """Hands every key on as it is, also Ctrl-C. A context manager; leaving it restores what was set before.

    Args:
        descriptor: of the terminal; None does nothing, for where there is none.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setraw(self._descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None and self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)


def terminal_size() -> tuple[int, int] | None:
    """Return rows and columns of the terminal that this process shows its output on; None without one."""
    for descriptor in (1, 0, 2):
        try:
            size = os.get_terminal_size(descriptor)
        except OSError:
            continue
        return (size.lines, size.columns)
    return None
