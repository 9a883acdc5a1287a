"""The outermost edge of the command line: what ends up there that nobody expected."""

from __future__ import annotations

import errno
import sys

import click
import pytest

from pillion.cli import main


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command fail as only a bug can."""

    def fail(*arguments: object, **members: object) -> click.Command:
        raise KeyError("containers")

    monkeypatch.setattr(main.LazyGroup, "get_command", fail)
    monkeypatch.setattr(sys, "argv", ["pillion", "run", "task.json"])
    monkeypatch.delenv("PILLION_DEBUG", raising=False)


@pytest.mark.usefixtures("broken")
def test_a_bug_is_called_one_and_says_what_to_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run_cli()
    said = capsys.readouterr().err
    assert ended.value.code == 125
    assert said.startswith("pillion: this is a bug of pillion: KeyError: 'containers' (")
    assert "PILLION_DEBUG=1" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("broken")
def test_whoever_looks_for_the_bug_gets_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILLION_DEBUG", "1")
    with pytest.raises(KeyError):
        main.run_cli()


def test_output_that_cannot_be_written_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **members: object) -> click.Command:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(main.LazyGroup, "get_command", fail)
    monkeypatch.setattr(sys, "argv", ["pillion", "ps"])
    with pytest.raises(SystemExit) as ended:
        main.run_cli()
    assert ended.value.code == 125
    assert capsys.readouterr().err == "pillion: what it prints cannot be written: No space left on device\n"
