"""What the server says, and to whom."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from pillion.core.plan.facts import PortBinding
from pillion.server import ServerLog, say


class Full(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with Full() as log:
        monkeypatch.setattr(sys, "stderr", log)
        say("a task runs")
        monkeypatch.undo()


def test_the_log_tells_where_a_port_is_that_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    moved = PortBinding(host_ip="127.0.0.1", host_port=8081, container_port=80, protocol="tcp", moved=True)
    ServerLog("a" * 32, "web:1").published("app", (moved,))
    said = capsys.readouterr().err
    assert (
        "task aaaaaaaa of web:1 (app): port 80 is at 127.0.0.1:8081, because the wanted port is taken" in said
    )
