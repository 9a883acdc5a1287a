"""What the shell offers: commands, options, files, tasks, containers; and the scripts that make it ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from pillion.cli.completion import completion
from pillion.cli.main import COMPLETION_VARIABLE, pillion
from pillion.stores.glance import glance
from pillion.stores.sqlite import SqliteStore


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path))
    monkeypatch.setenv(COMPLETION_VARIABLE, "bash_complete")
    return tmp_path


def begin(folder: Path, task_id: str, family: str, *containers: str, ended: bool = False) -> None:
    definition = {"family": family, "containerDefinitions": [{"name": name} for name in containers]}
    store = SqliteStore(folder)
    store.begin(task_id, {"definition": definition}, 1.0)
    if ended:
        store.end(task_id, {}, 2.0, keep_s=1e9)
    store.close()


def offered(*words: str) -> list[tuple[str, str, str | None]]:
    """Return value, kind and help of what is offered for the last word."""
    *before, last = words
    found = ShellComplete(pillion, {}, "pillion", COMPLETION_VARIABLE).get_completions(list(before), last)
    return [(item.value, item.type, item.help) for item in found]


def test_tasks_are_offered_by_family_and_by_id(folder: Path) -> None:
    begin(folder, "abcdef0123456789", "web", "app", ended=True)
    begin(folder, "fedcba9876543210", "web", "app", "sidecar")
    assert offered("logs", "") == [
        ("web", "plain", "its newest task"),
        ("fedcba98", "plain", "web"),
        ("abcdef01", "plain", "web (ended)"),
    ]
    assert offered("explain", "ab") == [("abcdef01", "plain", "web (ended)")]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("logs", "--container", ""), ["app", "sidecar"]),
        (("logs", "web", "--container", "s"), ["sidecar"]),
        (("logs", "web:1", "--container", "s"), ["sidecar"]),
        (("exec", "abc", ""), ["loader"]),
        (("exec", "-it", "fed", "a"), ["app"]),
        (("exec", "-it", "nothing", ""), []),
    ],
)
def test_containers_are_those_of_the_task_that_is_meant(
    folder: Path, words: tuple[str, ...], names: list[str]
) -> None:
    begin(folder, "abcdef0123456789", "jobs", "loader")
    begin(folder, "fedcba9876543210", "web", "app", "sidecar")
    assert [value for value, _, _ in offered(*words)] == names


@pytest.mark.parametrize(
    ("words", "kind"),
    [(("run", "ta"), "file"), (("check", ""), "file"), (("explain", "--from", ""), "file")],
)
def test_files_are_left_to_the_shell(folder: Path, words: tuple[str, ...], kind: str) -> None:
    assert offered(*words) == [(words[-1], kind, None)]


def test_options_and_their_choices_are_offered(folder: Path) -> None:
    assert ("--follow", "plain") in [(value, kind) for value, kind, _ in offered("logs", "--f")]
    assert [value for value, _, _ in offered("logs", "--format", "")] == ["text", "json"]
    assert [value for value, _, _ in offered("exp")] == ["explain"]


def test_every_command_says_what_it_takes_in_words_that_are_completed(folder: Path) -> None:
    with click.Context(pillion) as ctx:
        for name in pillion.list_commands(ctx):
            command = pillion.get_command(ctx, name)
            assert command is not None
            for param in command.params:
                if isinstance(param, click.Argument) and param.type is click.STRING:
                    assert param.name == "command", f"{name} {param.name}"


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_state_folder_that_cannot_be_read_offers_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "journal.db").write_bytes(content)
    assert glance(tmp_path) == ()
    assert glance(tmp_path / "nothing") == ()
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_understands(shell: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(completion, [shell], standalone_mode=False)
    assert f"{COMPLETION_VARIABLE}={shell}_complete" in done.output
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.output)
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.mark.slow
def test_completing_needs_no_engine_no_aws_and_no_replay(folder: Path) -> None:
    begin(folder, "abcdef0123456789", "web", "app")
    heavy = "aiohttp", "rich", "yaml", "pillion.core.lifecycle", "pillion.app"
    program = (
        "import sys, atexit; from pillion.cli.main import run_cli; sys.argv[0] = 'pillion'; "
        f"atexit.register(lambda: print([name for name in {heavy} if name in sys.modules])); run_cli()"
    )
    environment = {**os.environ, "COMP_WORDS": "pillion logs we", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "plain,web\n[]\n"


def test_the_help_shows_the_line_of_each_shell_as_it_is_typed() -> None:
    shown = CliRunner().invoke(completion, ["--help"], terminal_width=78).output
    assert "\n  fish: pillion completion fish > ~/.config/fish/completions/pillion.fish\n" in shown
