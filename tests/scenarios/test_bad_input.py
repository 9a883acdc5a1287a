"""What a person is told who made a mistake: one clear message, the right exit code, no traceback.

None of this gets as far as an engine.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pillion.cli.main import run_cli
from scenarios.running import container, definition

Command = Callable[..., tuple[int, str]]

PLAIN = definition(container("web"), container("db", essential=False))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in a folder of its own; return exit code and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")  # whoever gets this far went too far

    def call(*arguments: str, **files: object) -> tuple[int, str]:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            Path(name.replace("__", ".")).write_text(text)
        monkeypatch.setattr(sys, "argv", ["pillion", *arguments])
        with pytest.raises(SystemExit) as ended:
            run_cli()
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        return int(str(ended.value.code)), printed.err

    return call


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("missing.json", None, "missing.json: there is no such file\n"),
        ("task__json", "", "task.json: the document is empty\n"),
        ("task__json", '{"family":', "task.json:1:11: this is not JSON: the text ends too early\n"),
        ("task__json", "[1]", "task.json: the document holds no task definition"),
        ("task__yaml", "family: x\nlist:\n  - a: 1\n   b: 2\n", "task.yaml:4:4: this is not YAML: "),
    ],
)
def test_a_file_that_is_no_definition_is_named_with_the_place(
    command: Command, file: str, content: str | None, message: str
) -> None:
    files = {} if content is None else {file: content}
    code, said = command("run", file.replace("__", "."), **files)
    assert (code, message in said) == (2, True), said


def test_a_folder_is_no_definition(command: Command, tmp_path: Path) -> None:
    assert command("run", str(tmp_path))[0] == 2
    assert "this is a folder" in command("run", str(tmp_path))[1]


def test_a_text_in_another_encoding_says_so(command: Command, tmp_path: Path) -> None:
    (tmp_path / "task.json").write_bytes('{"family": "café"}'.encode("latin-1"))
    code, said = command("run", "task.json")
    assert (code, said) == (
        2,
        "pillion: task.json:1:16: this is not UTF-8: byte 0xe9\n  Save the file as UTF-8.\n",
    )


def test_every_structural_problem_is_told_at_once_with_place_field_and_advice(command: Command) -> None:
    broken = """{
  "family": "x",
  "volums": [],
  "containerDefinitions": [
    {"name": "web", "image": "i", "memory": "64", "essential": "yes", "comand": ["a"]}
  ]
}"""
    code, said = command("run", "task.json", task__json=broken)
    assert code == 2
    assert said.splitlines() == [
        "pillion: the definition cannot be run: 4 problems",
        '  task.json:3:3: volums: Unknown parameter in input: "volums".',
        '    Did you mean "volumes"?',
        '  task.json:5:45: containerDefinitions[0].memory must be an integer, not the string "64".',
        "    Write 64.",
        '  task.json:5:64: containerDefinitions[0].essential must be true or false, not the string "yes".',
        "    Write true, without quotes.",
        (
            "  task.json:5:71: containerDefinitions[0].comand: "
            'Unknown parameter in containerDefinitions[0]: "comand".'
        ),
        '    Did you mean "command"?',
    ]


def test_a_problem_in_yaml_has_its_place_too(command: Command) -> None:
    text = "family: x\ncontainerDefinitions:\n  - name: web\n    image: i\n    memory: lots\n"
    code, said = command("run", "task.yaml", task__yaml=text)
    assert (code, said.splitlines()[1]) == (
        2,
        '  task.yaml:5:13: containerDefinitions[0].memory must be an integer, not the string "lots".',
    )


def dependent(name: str, on: str, condition: str = "START") -> dict[str, object]:
    return container(name, dependsOn=[{"containerName": on, "condition": condition}])


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ([dependent("a", "nope")], "Cannot depend on container + 'nope' because it does not exist"),
        (
            [dependent("a", "b"), dependent("b", "c"), dependent("c", "a")],
            "containers wait for each other: a -> b -> c -> a",
        ),
        (
            [dependent("a", "b", "HEALTHY"), container("b")],
            "A dependency container with HEALTHY condition must have health check configured",
        ),
        ([{"name": "a", "memory": 64}], "Container.image should not be null or empty."),
        ([], "containerDefinitions"),
    ],
)
def test_what_can_never_run_is_refused_with_awss_words(
    command: Command, containers: list[dict[str, object]], message: str
) -> None:
    code, said = command("run", "task.json", task__json=definition(*containers))
    assert (code, message in said) == (2, True), said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--publish", "abc"], "'abc' is not a port to publish"),
        (["--publish", "70000:80"], "70000 is not between 1 and 65535"),
        (["--publish", "nope=80:80"], "there is no container 'nope': the definition has web, db"),
        (["--pull", "sometimes"], "'sometimes' is not a pull behaviour: one of default, always, once"),
        (["--image", "web"], "'web' is not an image: write it like web:1=web:local"),
        (["--build", "web:1=./none"], "--build web:1: there is no folder"),
        (["--volume", "data=./none"], "--volume data: there is no folder"),
        (["--mute", "nope"], "there is no container 'nope': the definition has web, db"),
        (["--mute", "web"], "muting every essential container leaves nothing"),
        (["--mute", "db", "--stub", "db"], "db cannot be both muted and stubbed"),
        (["--stop-after", "soon"], "--stop-after: 'soon' is not a duration."),
        (["--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["--nope"], "No such option '--nope'"),
        (["--overrides", "{"], "--overrides:1:2: this is not JSON"),
        (["--overrides", "none.json"], "--overrides none.json: No such file or directory"),
        (["--overrides", '{"cpus": 1}'], 'Unknown parameter in input: "cpus". Did you mean "cpu"?'),
        (
            ["--overrides", '{"containerOverrides": [{"name": "nope"}]}'],
            "Override for container named nope is not a container in the TaskDefinition.",
        ),
    ],
)
def test_a_bad_option_says_what_was_given_and_what_is_expected(
    command: Command, options: list[str], message: str
) -> None:
    code, said = command("run", "task.json", *options, task__json=PLAIN)
    assert (code, message in said) == (2, True), said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "pillion.toml: is not TOML: "),
        ("[runn]", "pillion.toml: unknown table [runn]; did you mean 'run'?"),
        ("[run]\nimags = {}", "pillion.toml: [run] has an unknown key 'imags'; did you mean 'images'?"),
        ("[run]\npull = 3", "pillion.toml: [run] pull has to be a string"),
        ('[run]\npull = "x"', "'x' is not a pull behaviour"),
        ('[run.volumes]\ndata = "none"', "pillion.toml: [run.volumes] data: there is no folder"),
    ],
)
def test_a_broken_pillion_toml_is_an_error_and_not_a_wish_that_nobody_hears(
    command: Command, text: str, message: str
) -> None:
    code, said = command("run", "task.json", task__json=PLAIN, pillion__toml=text)
    assert (code, message in said) == (2, True), said


def test_no_engine_is_said_with_what_to_do(command: Command, tmp_path: Path) -> None:
    assert command("run", "task.json", task__json=PLAIN) == (
        125,
        (
            f"pillion: The container engine at unix://{tmp_path}/no.sock does not answer: No such file or "
            "directory. The socket is not there: start the engine, or set DOCKER_HOST to where it listens.\n"
        ),
    )


def test_a_state_folder_that_cannot_be_made_is_said_before_anything_runs(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("a file in the way")
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "blocked"))
    assert command("run", "task.json", task__json=PLAIN) == (
        125,
        (
            f"pillion: the state folder {tmp_path}/blocked cannot be made: File exists; "
            "set PILLION_STATE_DIR to a folder that can be written\n"
        ),
    )


def test_a_journal_that_is_no_journal_is_said_before_anything_runs(command: Command, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.db").write_text("this was something else once")
    assert command("run", "task.json", task__json=PLAIN) == (
        125,
        (
            f"pillion: the journal {tmp_path}/state/journal.db cannot be used: file is not a database; "
            "move it out of the way, or set PILLION_STATE_DIR to another folder\n"
        ),
    )


def test_standard_input_is_named_as_such(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"family": 3}')))
    code, said = command("run", "-")
    assert (code, "<stdin>:1:12: family must be a string" in said) == (2, True), said


def test_plan_tells_the_same_problems(command: Command) -> None:
    code, said = command("plan", "task.json", task__json=definition(dependent("a", "nope")))
    assert (code, "'nope'" in said) == (2, True), said
