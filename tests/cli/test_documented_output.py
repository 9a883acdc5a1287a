"""What docs/plan.md and docs/rehearse.md show is what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from pillion.cli.main import pillion

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```console\n\$ pillion ([^\n]*)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
SHOWN = [
    (page, found[1], found[2])
    for page in ("plan.md", "rehearse.md")
    for found in _BLOCK.finditer((ROOT / "docs" / page).read_text(encoding="utf-8"))
]


def printed(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(ROOT)
    return CliRunner().invoke(pillion, shlex.split(command), standalone_mode=False).stdout


@pytest.mark.parametrize(("page", "command", "output"), SHOWN, ids=[command for _, command, _ in SHOWN])
def test_the_page_shows_what_is_printed(
    page: str, command: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, _, tail = command.partition(" | tail -")
    lines = printed(command, monkeypatch).rstrip("\n").split("\n")
    assert lines[-int(tail) if tail else 0 :] == output.split("\n"), f"docs/{page} is out of date"


def test_both_pages_show_something() -> None:
    assert {page for page, _, _ in SHOWN} == {"plan.md", "rehearse.md"}


def test_the_picture_is_the_one_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = (ROOT / "docs" / "plan.svg").read_text(encoding="utf-8")
    assert printed("plan examples/everything/task.json --format svg", monkeypatch) == svg
