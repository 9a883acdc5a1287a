"""Appends the output of one task to its file.

Lines are gathered and written together once for each turn of the event loop, so that a flood of output costs
no system call a line. They go to the system, not to the disk: a killed pillion loses what one turn gathered,
which is read again from the engine; a power cut may lose the last seconds.

What cannot be written costs the kept output and never the run: it is said once, the lines are counted, and
the next attempt is made a little later. The file then tells of the gap.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from pillion.core.log_position import LogPosition, ReadingMark, stamp_of
from pillion.ports.engine import LogLine
from pillion.stores.output.files import FILE_BYTES_MAX, older_path, output_path
from pillion.stores.output.lines import End, Gap, Positions, encode_lines, encode_mark
from pillion.stores.output.reader import read_positions

POSITIONS_EVERY_BYTES = 4 * 1024 * 1024
"""How much output stands between two records of the positions: what has to be read to go on after a crash."""

RETRY_S = 5.0
"""How long nothing is tried after a write that failed."""


class OutputWriter:
    """The kept output of one task. Making one goes on where an earlier one ended, however that ended."""

    def __init__(self, state_folder: Path, task_id: str, *, trouble: Callable[[str], None]) -> None:
        """Open the file. Never raises: what goes wrong is told to `trouble`, once."""
        self._path = output_path(state_folder, task_id)
        self._trouble: Callable[[str], None] | None = trouble
        self._marks: dict[str, ReadingMark] = {}
        self._gathered: list[LogLine] = []
        self._file: int | None = None
        self._size = 0
        self._size_at_positions = 0
        self._positions_are_due = False
        self._is_torn = False
        self._lost = 0
        self._retry_at_s: float | None = None
        try:
            self._open()
            found = read_positions(self._path)
        except OSError as error:
            self._fail(error)
        else:
            self._marks = {name: ReadingMark(position) for name, position in found.items()}

    def position(self, container: str) -> LogPosition | None:
        """Return how far a container's output was read; None when nothing of it is kept."""
        mark = self._marks.get(container)
        return mark.position if mark else None

    def add(self, line: LogLine) -> None:
        """Keep a line."""
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self.flush)
        self._gathered.append(line if line.stamp else replace(line, stamp=stamp_of(line.at_s)))

    def flush(self) -> None:
        """Write what was gathered."""
        if not self._gathered:
            return
        lines, self._gathered = self._gathered, []
        self._move_marks(lines)
        if not self._is_ready():
            self._lost += len(lines)
            return
        data = encode_lines(lines)
        written = self._write(data)
        if written < len(data):
            self._lost += data.count(b"\n", written)
        elif self._size >= FILE_BYTES_MAX:
            self._turn()
        elif self._positions_are_due or self._size - self._size_at_positions >= POSITIONS_EVERY_BYTES:
            self._write_positions()

    def close(self, *, ended_at_s: float | None = None) -> None:
        """Let go of the file.

        Args:
            ended_at_s: when the task's output was over (POSIX seconds), which is then said in the file; None
                where somebody may go on with it.
        """
        self.flush()
        if ended_at_s is not None:
            self._retry_at_s = None  # this is the last chance
            if self._is_ready():
                self._write(encode_mark(End(at_s=ended_at_s)).encode())
        self._close_file()

    # Within

    def _move_marks(self, lines: list[LogLine]) -> None:
        stamps: defaultdict[str, list[str]] = defaultdict(list)
        for line in lines:
            stamps[line.container].append(line.stamp)
        for name, found in stamps.items():
            self._marks.setdefault(name, ReadingMark()).add_all(found)

    def _is_ready(self) -> bool:
        """Have the file in a state to be appended to; after a failure, that tells of the gap."""
        if self._retry_at_s is not None and time.monotonic() < self._retry_at_s:
            return False
        if self._file is None:
            try:
                self._open()
            except OSError as error:
                self._fail(error)
                return False
        if not self._lost:
            return True
        gap = encode_mark(Gap(lines=self._lost, at_s=time.time())).encode()
        if self._write(gap) < len(gap):
            return False
        self._lost = 0
        self._positions_are_due = True  # else who goes on would count without the lost lines
        return True

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
        self._is_torn = self._size > 0 and os.pread(self._file, 1, self._size - 1) != b"\n"

    def _write(self, data: bytes) -> int:
        """Append; return how many of these bytes were written. A torn line before them gets its end first."""
        file = self._file
        if file is None:
            return 0
        written = 0
        try:
            if self._is_torn:
                self._size += os.write(file, b"\n")
                self._is_torn = False
            while written < len(data):
                written += os.write(file, memoryview(data)[written:])
        except OSError as error:
            self._fail(error)
        self._size += written
        return written

    def _write_positions(self) -> None:
        places = {name: mark.position for name, mark in self._marks.items()}
        data = encode_mark(Positions(containers=places)).encode(errors="replace")
        self._write(data)
        self._size_at_positions = self._size
        self._positions_are_due = False

    def _turn(self) -> None:
        """Put the full file aside and begin a new one."""
        self._close_file()
        try:
            self._path.rename(older_path(self._path))
            self._open()
        except OSError as error:
            self._fail(error)
            return
        self._write_positions()

    def _fail(self, error: OSError) -> None:
        self._close_file()
        self._retry_at_s = time.monotonic() + RETRY_S
        if self._trouble is None:
            return
        tell, self._trouble = self._trouble, None
        tell(
            f"output is not kept for `pillion logs`: {self._path}: {error.strerror}; the task goes on, "
            "and its output is kept again as soon as it can be written"
        )

    def _close_file(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
