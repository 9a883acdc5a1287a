"""Reads the kept output of a task: what is there, and what comes, also while another process writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pillion.core.log_position import LogPosition, ReadingMark
from pillion.ports.engine import LogLine
from pillion.stores.output.files import older_path, output_path
from pillion.stores.output.lines import End, Entry, Gap, Positions, decode, has_positions

_BLOCK_BYTES = 1 << 18

_TAIL_BYTES = 8 * 1024 * 1024
"""Read from the end of a file to find the last positions; more where they are not in it."""


class OutputReader:
    """The kept output of one task, from the oldest line that is there on.

    Each call of `read_new` yields what was not read yet and returns; nothing waits here. A file that was put
    aside meanwhile is read to its end before the new one. A line without its end is left until it has one.

    Args:
        state_folder: the state folder.
        task_id: the task.
        last_bytes: begin so many bytes before the end of what is there, at the next line; None for all of it.
    """

    def __init__(self, state_folder: Path, task_id: str, *, last_bytes: int | None = None) -> None:
        self.path = output_path(state_folder, task_id)
        self._last_bytes = last_bytes
        self._file: BinaryIO | None = None
        self._rest = b""

    def read_new(self) -> Iterator[LogLine | Gap | End]:
        """Yield everything that has come since the last call. Raises OSError."""
        while self._file is not None or self._open_first():
            yield from self._read_to_end()
            following = self._following()
            if following is None:
                return
            yield from self._read_to_end()  # what was written before it was put aside
            yield from self._last_of_file()
            self.close()
            self._file = following

    def read_last(self) -> Iterator[LogLine | Gap | End]:
        """Yield what stands without an end at the end, if it is whole: its writer will write no more."""
        yield from self._last_of_file()

    @property
    def size_bytes(self) -> int:
        """How much there is of the task's output."""
        sizes = []
        for path in (older_path(self.path), self.path):
            with suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return sum(sizes)

    @property
    def is_gone(self) -> bool:
        """Whether the task's output was removed."""
        return not self.path.exists()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_first(self) -> bool:
        files = [file for path in (older_path(self.path), self.path) if (file := _opened(path)) is not None]
        limit, self._last_bytes = self._last_bytes, None
        if limit is not None and files:
            while len(files) > 1 and _size(files[-1]) >= limit:
                files.pop(0).close()
            surplus = sum(map(_size, files)) - limit
            if surplus > 0:
                files[0].seek(surplus)
                files[0].readline()
        for file in files[1:]:  # found again when the first one ends
            file.close()
        self._file = files[0] if files else None
        return self._file is not None

    def _following(self) -> BinaryIO | None:
        """Return the file that goes on where the open one ended for good; None while that is the last."""
        if self._file is None:
            return None
        here = _identity(os.fstat(self._file.fileno()))
        newest = _opened(self.path)
        if newest is None:
            return None
        if _identity(os.fstat(newest.fileno())) == here:
            newest.close()
            return None
        older = _opened(older_path(self.path))
        if older is None:
            return newest
        if _identity(os.fstat(older.fileno())) == here:
            older.close()
            return newest
        newest.close()  # two files were begun since
        return older

    def _read_to_end(self) -> Iterator[LogLine | Gap | End]:
        while self._file is not None and (block := self._file.read(_BLOCK_BYTES)):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for raw in lines:
                entry = decode(raw)
                if entry is not None and not isinstance(entry, Positions):
                    yield entry

    def _last_of_file(self) -> Iterator[LogLine | Gap | End]:
        raw, self._rest = self._rest, b""
        entry = decode(raw)
        if entry is not None and not isinstance(entry, Positions):
            yield entry


def read_positions(path: Path) -> dict[str, LogPosition]:
    """Return how far each container was read, according to a file; empty without one. Raises OSError."""
    file = _opened(path)
    if file is None:
        return {}
    with file:
        size, span = os.fstat(file.fileno()).st_size, _TAIL_BYTES
        while True:
            start = max(0, size - span)
            file.seek(start)
            lines = file.read().split(b"\n")
            at = next((index for index in range(len(lines) - 1, 0, -1) if _has_positions(lines[index])), None)
            if at is not None or not start:
                return _positions_after(lines[at or 0 :])
            span *= 2


def _has_positions(raw: bytes) -> bool:
    return has_positions(raw) and decode(raw) is not None  # else it was torn


def _positions_after(lines: list[bytes]) -> dict[str, LogPosition]:
    marks: dict[str, ReadingMark] = {}
    for raw in lines:
        entry: Entry | None = decode(raw)
        if isinstance(entry, Positions):
            marks = {name: ReadingMark(position) for name, position in entry.containers.items()}
        elif isinstance(entry, LogLine):
            marks.setdefault(entry.container, ReadingMark()).add(entry.stamp)
    return {name: mark.position for name, mark in marks.items()}


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _identity(found: os.stat_result) -> tuple[int, int]:
    return (found.st_dev, found.st_ino)
