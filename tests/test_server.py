"""What the server says, and to whom."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from pillion.server import say


class Full(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with Full() as log:
        monkeypatch.setattr(sys, "stderr", log)
        say("a task runs")
        monkeypatch.undo()
