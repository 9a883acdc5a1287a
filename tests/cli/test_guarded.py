"""Output that fails under a run is noted once, and raises nothing."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from pillion.cli.guarded import GuardedOutput


class Full(io.StringIO):
    """A stream to a disk that is full."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_the_first_failure_is_told_and_later_output_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[OSError] = []
    monkeypatch.setattr(sys, "stdout", Full())
    with GuardedOutput(told.append) as guarded:
        sys.stdout.write("one")
        sys.stdout.flush()
        sys.stdout.write("two")
        sys.stderr.write("said")
    assert told == [guarded.error]
    assert isinstance(guarded.error, OSError)
    assert guarded.error.errno == errno.ENOSPC
    assert isinstance(sys.stdout, Full)
    assert capsys.readouterr().err == "said"


def test_streams_that_work_are_left_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with GuardedOutput(lambda error: None) as guarded:
        sys.stdout.write("shown\n")
        assert sys.stdout.encoding
    assert guarded.error is None
    assert capsys.readouterr().out == "shown\n"
