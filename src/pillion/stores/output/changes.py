"""Waits until a file of kept output may have changed: by inotify on Linux, elsewhere by looking again."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import time
from pathlib import Path
from typing import Protocol

LOOK_EVERY_S = 0.25
"""How often one looks where changes are not told."""

_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x2, 0x80, 0x100, 0x200
_IN_Q_OVERFLOW = 0x4000
_HEAD = struct.Struct("iIII")
_EVENTS_BYTES = 1 << 16


class Changes(Protocol):
    """Waits for changes of one file."""

    def wait(self, timeout_s: float) -> None:
        """Return when the file may have changed since the last call, or after `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


def changes_of(path: Path) -> Changes:
    """Watch a file, which need not be there yet. What happens to it from now on is told."""
    if sys.platform == "linux":
        try:
            return _Inotify(path)
        except OSError:
            pass  # no folder yet, or too many watches on this machine: looking works everywhere
    return _Looking()


class _Looking:
    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, LOOK_EVERY_S))

    def close(self) -> None:
        pass


class _Inotify:
    """Watches the folder, so that a file that is put aside or removed is noticed, too."""

    def __init__(self, path: Path) -> None:
        self._name = os.fsencode(path.name)
        library = ctypes.CDLL(None, use_errno=True)
        self._handle = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._handle < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        wanted = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE
        if library.inotify_add_watch(self._handle, os.fsencode(path.parent), wanted) < 0:
            code = ctypes.get_errno()
            os.close(self._handle)
            raise OSError(code, "inotify_add_watch")

    def wait(self, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        while (left_s := until_s - time.monotonic()) > 0:
            if poll.poll(left_s * 1000) and self._is_told():
                return

    def close(self) -> None:
        os.close(self._handle)

    def _is_told(self) -> bool:
        data = os.read(self._handle, _EVENTS_BYTES)
        position, found = 0, False
        while position < len(data):
            _, mask, _, length = _HEAD.unpack_from(data, position)
            position += _HEAD.size
            name = data[position : position + length].rstrip(b"\0")
            position += length
            found = found or name == self._name or bool(mask & _IN_Q_OVERFLOW)
        return found
