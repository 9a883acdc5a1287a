"""`pillion stats` where nothing runs. With tasks it is a scenario on Docker; its texts are the core's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.stats import stats


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(stats, arguments, standalone_mode=False)


def test_without_a_task_it_says_so_and_asks_no_engine() -> None:
    done = call()
    assert (done.return_value, done.stdout) == (0, "")
    assert "no task runs here" in done.stderr
    assert json.loads(call("--format", "json").stdout) == {"tasks": []}


def test_a_task_that_nobody_knows_is_said_to_be_unknown() -> None:
    done = call("shop")
    assert isinstance(done.exception, UserError)
    assert "pillion knows no task" in str(done.exception)
