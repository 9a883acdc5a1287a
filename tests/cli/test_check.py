from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.main import pillion
from pillion.core.rules.examples import app, health_check, task

CLEAN = task(app(healthCheck=health_check()))
WARNED = task(app(healthCheck=health_check(), image="app:latest"))
REFUSED = task(app(healthCheck=health_check(), stopTimeout=1))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a clean, a warned and a refused definition."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("clean", CLEAN), ("warned", WARNED), ("refused", REFUSED)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value, indent=2))
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    result: Result = CliRunner().invoke(pillion, ["check", *arguments], input=stdin, standalone_mode=False)
    if isinstance(result.exception, UserError):
        return result.exception.exit_code, str(result.exception)
    if result.exception is not None:
        raise result.exception
    code = result.return_value
    return (code if isinstance(code, int) else result.exit_code), result.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("clean.json",), 0),
        (("warned.json",), 0),
        (("refused.json",), 1),
        (("clean.json", "refused.json"), 1),
        (("warned.json", "--fail-on", "warning"), 1),
        (("refused.json", "--fail-on", "never"), 0),
        (("refused.json", "--ignore", "E025"), 0),
        (("clean.json", "--launch-type", "fargate"), 1),
        (("absent.json",), 2),
        (("clean.json", "absent.json"), 2),
        (("clean.json", "--family", "other"), 2),
        ((".",), 1),
    ],
)
def test_the_exit_code_tells_clean_from_found_from_not_checked(arguments: tuple[str, ...], code: int) -> None:
    assert run(*arguments)[0] == code


def test_standard_input_is_checked() -> None:
    code, output = run("-", stdin=json.dumps(REFUSED))
    assert code == 1
    assert "<stdin>:1:" in output


def test_a_folder_without_definitions_is_not_a_clean_one(here: Path) -> None:
    (here / "empty").mkdir()
    assert run("empty") == (2, "pillion: no task definition found\n")


def test_pillion_toml_decides_what_fails(here: Path) -> None:
    (here / "pillion.toml").write_text('[check]\nfail_on = "warning"\n')
    assert run("warned.json")[0] == 1
    (here / "pillion.toml").write_text('[check]\nfail_on = "warning"\nignore = ["W001"]\n')
    assert run("warned.json")[0] == 0


def test_an_unknown_code_is_not_ignored_in_silence() -> None:
    assert run("clean.json", "--ignore", "W999") == (2, "--ignore: there is no rule W999")


def test_fix_writes_the_file_and_diff_does_not(here: Path) -> None:
    before = (here / "refused.json").read_text()
    code, output = run("refused.json", "--diff")
    assert code == 0
    assert '-      "stopTimeout": 1\n+      "stopTimeout": 2\n' in output
    assert (here / "refused.json").read_text() == before
    code, output = run("refused.json", "--fix")
    assert code == 0
    assert "refused.json: repaired" in output
    assert (here / "refused.json").read_text() == before.replace('"stopTimeout": 1', '"stopTimeout": 2')


def test_standard_input_cannot_be_repaired_in_place() -> None:
    code, output = run("-", "--fix", stdin=json.dumps(REFUSED))
    assert code == 2
    assert "--diff" in output


@pytest.mark.parametrize("output", ["json", "sarif"])
def test_formats_for_programs_are_json(output: str) -> None:
    code, text = run("refused.json", "--format", output)
    assert code == 1
    assert json.loads(text)


def test_explain_needs_no_file() -> None:
    code, output = run("--explain", "e102")
    assert code == 0
    assert output.startswith("E102 (error): ")


def test_the_budget_is_shown_on_demand() -> None:
    assert "Budget of web" not in run("clean.json")[1]
    assert "Budget of web" in run("clean.json", "--budget")[1]


def test_a_problem_with_one_file_does_not_hide_the_others(here: Path) -> None:
    (here / "broken.json").write_text("{")
    code, output = run("broken.json", "refused.json")
    assert code == 2
    assert "E025" in output
    assert "broken.json" in output
