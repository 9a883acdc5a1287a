from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.main import pillion
from pillion.core.rules.examples import app, health_check, task
from pillion.core.usage import Observed
from pillion.inputs import KNOWN_KINDS
from pillion.stores.sqlite import DATABASE_NAME, SqliteStore

CLEAN = task(app(healthCheck=health_check()))
WARNED = task(app(healthCheck=health_check(), image="app:latest"))
REFUSED = task(app(healthCheck=health_check(), stopTimeout=1))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a clean, a warned and a refused definition."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))
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
    assert run("empty") == (2, f"pillion: no task definition found in empty\n  {KNOWN_KINDS}\n")


def test_a_family_that_is_not_there_is_said_with_those_that_are(here: Path) -> None:
    problem = "clean.json: holds no task definition 'other'; it has web."
    assert run("clean.json", "--family", "other") == (2, f"pillion: {problem}\n")


def test_a_definition_of_a_template_is_found_by_its_family_too(here: Path) -> None:
    properties = {"Family": "web", "ContainerDefinitions": []}
    template = {"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}
    (here / "template.json").write_text(json.dumps(template))
    assert run("template.json", "--family", "web")[0] == run("template.json", "--family", "Task")[0] == 1


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


def ran(folder: Path, task_id: str, at_s: float, usage: dict[str, Observed], family: str = "web") -> None:
    """Leave a task in the history as a run does."""
    store = SqliteStore(folder)
    store.begin(task_id, {"identity": {"family": family}}, at_s)
    store.end(task_id, {"lastStatus": "STOPPED"}, at_s + 1, keep_s=3600.0, usage=usage)
    store.close()


def test_the_budget_shows_the_most_that_the_newest_runs_of_the_family_used(
    here: Path,
) -> None:
    ran(here / "state", "forgotten", 1.0, {"app": Observed(memory_mib=999)})
    for number in range(4):
        ran(here / "state", f"t{number}", 2.0 + number, {"app": Observed(memory_mib=10 + number)})
    ran(here / "state", "newest", 9.0, {"app": Observed(memory_mib=5, cpu_units=7)})
    ran(here / "state", "other", 9.5, {"app": Observed(memory_mib=998)}, family="other")
    ran(here / "state", "unseen", 9.9, {})
    _, output = run("clean.json", "--budget", "--format", "json")
    (container,) = json.loads(output)["definitions"][0]["budget"]["containers"]
    assert container["observed"] == {"cpu": 7, "memoryMiB": 13}
    assert "observed memory" in run("clean.json", "--budget")[1]
    assert "observed" not in run("clean.json", "--format", "json")[1]


def test_the_budget_makes_no_history_where_there_is_none(here: Path) -> None:
    assert "observed" not in run("clean.json", "--budget")[1]
    assert not (here / "state").exists()


def test_a_history_that_cannot_be_read_is_said_and_does_not_fail_the_check(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILLION_STATE_DIR", str(here))
    (here / DATABASE_NAME).write_bytes(b"no database, and long enough to be noticed as such " * 50)
    code, output = run("clean.json", "--budget")
    assert code == 0
    assert "Budget of web" in output
    assert "pillion: nothing is shown of past runs: the journal" in output


def test_a_plain_check_does_not_load_the_database() -> None:
    program = (
        "import sys; from pillion.cli.main import pillion; "
        "pillion(['check', 'clean.json'], standalone_mode=False); sys.exit('sqlite3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
