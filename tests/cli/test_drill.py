"""`pillion drill` as far as it needs no engine: the list of cases, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from drilling.definitions import result_of
from pillion.cli import drill as command
from pillion.cli.drill_progress import Progress
from pillion.cli.exits import UserError
from pillion.cli.main import pillion
from pillion.drilling.faults import Fault
from pillion.drilling.predicting import Blow

CHECK = {"command": ["CMD-SHELL", "true"]}
SHOP = {
    "family": "shop",
    "networkMode": "awsvpc",
    "containerDefinitions": [
        {"name": "cache", "image": "cache:1", "memory": 64, "essential": False, "healthCheck": CHECK},
        {"name": "web", "image": "web:1", "memory": 64, "portMappings": [{"containerPort": 8080}]},
    ],
}


def drill(tmp_path: Path, *arguments: str) -> Any:
    path = tmp_path / "task.json"
    path.write_text(json.dumps(SHOP))
    return CliRunner().invoke(pillion, ["drill", str(path), *arguments], standalone_mode=False)


def test_the_cases_are_listed_with_what_does_not_apply(tmp_path: Path) -> None:
    found = drill(tmp_path, "--list", "--only", "cache", "--fault", "kill", "--fault", "volume")
    assert found.return_value == 0
    assert found.stdout.splitlines() == [
        "cache:kill  cache is killed",
        "",
        "left out:",
        "  cache:volume: it mounts no volume it could fill",
    ]


def test_the_task_itself_can_be_chosen(tmp_path: Path) -> None:
    found = drill(tmp_path, "--list", "--only", "task")
    assert found.stdout == "task:network  the task loses its network\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--only", "nobody"), "--only nobody: there is no such container: cache, web; task is the task"),
        (("--url", "http://localhost:80/"), "no container maps port 80; ports of the task: 8080"),
        (("--accept", "web:volume"), "--accept web:volume: there is no such case"),
        (("--case-timeout", "soon"), "--case-timeout: 'soon' is not a duration"),
        (("--mute", "nobody"), "there is no container 'nobody'"),
        (("--only", "web", "--fault", "volume"), "no case is left to run\n  web:volume: it mounts no volume"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    found = drill(tmp_path, *arguments)
    assert isinstance(found.exception, UserError)
    assert found.exception.exit_code == 2
    assert complaint in str(found.exception)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO) -> str:
    """What is told of a drill of two cases."""
    progress = Progress(stream)
    progress.begins(None, 0, 2)
    progress.ends(None, 0, 2)
    killed, frozen = result_of("web", Fault.KILL), result_of("cache", Fault.NEVER_HEALTHY, blow=Blow())
    for number, result in enumerate((killed, frozen), start=1):
        progress.begins(result.case, number, 2)
    for number, result in enumerate((killed, frozen), start=1):
        progress.ends(result, number, 2)
    return stream.getvalue()


def test_how_it_goes_on_is_told_with_a_line_for_each_case_that_is_over() -> None:
    assert told(io.StringIO()).splitlines() == [
        "the task without a fault first",
        "[1/2] web is killed: stops after 0.1s",
        "[2/2] cache never gets healthy: HANGS!",
    ]


def test_a_terminal_also_shows_what_runs_on_a_line_that_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = told(Terminal()).replace("\x1b[2K", "").split("\r")
    assert "… web:kill, cache:never-healt" in shown
    assert "[1/2] web is killed: stops after 0.1s\n" in shown
    assert all(len(line.removesuffix("\n")) < 45 for line in shown)


def test_the_option_knows_every_fault() -> None:
    assert list(command._FAULTS) == [fault.value for fault in Fault]
