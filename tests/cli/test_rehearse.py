from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pillion.cli.exits import UserError
from pillion.cli.main import pillion

CHECK = {"command": ["CMD-SHELL", "true"], "interval": 5, "timeout": 2, "retries": 2}
ENVOY = {"name": "envoy", "image": "envoy:1", "memory": 64, "healthCheck": CHECK}
WAITS = [{"containerName": "envoy", "condition": "HEALTHY"}]
WEB = {"name": "web", "image": "web:1", "memory": 64, "dependsOn": WAITS}
TASK = {"family": "web", "containerDefinitions": [ENVOY, WEB]}
PATIENT = {"family": "patient", "containerDefinitions": [{**ENVOY, "startTimeout": 60}, WEB]}
TEMPLATE = {
    "Resources": {
        name: {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "ContainerDefinitions": [{"Name": "app", "Image": {"Ref": "Image"}, "Memory": 64, **members}]
            },
        }
        for name, members in (("Web", {}), ("Worker", {"StopTimeout": {"Ref": "Patience"}}))
    }
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in (("task", TASK), ("patient", PATIENT), ("stack", TEMPLATE), ("list", [ENVOY, WEB])):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return tmp_path


def run(command: str, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(pillion, [command, *arguments], standalone_mode=False)
    if isinstance(result.exception, UserError):
        return result.exception.exit_code, str(result.exception)
    if result.exception is not None:
        raise result.exception
    code = result.return_value
    return (code if isinstance(code, int) else result.exit_code), result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("task.json",), 0),
        (("task.json", "--stop-after", "90s"), 0),
        (("task.json", "--behave", "envoy:healthy-after=never"), 125),
        (("patient.json", "--behave", "envoy:healthy-after=never"), 125),
        (("task.json", "--behave", "web:exit-after=10s,exit=3"), 3),
        (("list.json",), 0),
        (("stack.json", "--family", "Web"), 0),
        (("task.json", "--drill"), 1),
        (("patient.json", "--drill"), 0),
    ],
)
def test_the_exit_code_says_how_it_ended(arguments: tuple[str, ...], code: int) -> None:
    assert run("rehearse", *arguments)[0] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("task.json", "--behave", "evnoy:pull=1s"), "there is no container 'evnoy' (did you mean 'envoy'?)"),
        (("task.json", "--behave", "envoy"), "'envoy' is not of the form NAME:key=value[,key=value]"),
        (("task.json", "--script", "absent.toml"), "--script absent.toml: No such file or directory"),
        (("task.json", "--script", "task.json"), "--script task.json: this is not TOML"),
        (("task.json", "--stop-after", "soon"), "--stop-after: 'soon' is not a duration"),
        (("task.json", "--drill", "--stop-after", "1s"), "--drill stops each task by itself"),
        (("absent.json",), "absent.json"),
        (
            ("stack.json",),
            "stack.json: the document holds 2 definitions: Web, Worker. Choose one with --family.",
        ),
        (("stack.json", "--family", "Db"), "no single definition 'Db'; it has Web, Worker"),
        (
            ("stack.json", "--family", "Worker"),
            "containerDefinitions[0].stopTimeout: only the deployment knows this value",
        ),
    ],
)
def test_a_mistake_is_told_with_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    code, text = run("rehearse", *arguments)
    assert code == 2
    assert message in text


def test_a_script_says_how_containers_behave_and_the_command_line_has_the_last_word(here: Path) -> None:
    (here / "script.toml").write_text('[web]\nexit-after = "10s"\nexit = 3\n[envoy]\npull = "1m"\n')
    arguments = ("task.json", "--script", "script.toml", "--behave", "web:exit=4", "--format", "json")
    code, text = run("rehearse", *arguments)
    assert code == 4
    assert json.loads(text)["timeline"][0]["phases"][0]["to"] > 60


def test_json_is_one_value_on_standard_output() -> None:
    assert json.loads(run("rehearse", "task.json", "--format", "json")[1])["task"]["lastStatus"] == "RUNNING"
    assert json.loads(run("rehearse", "task.json", "--drill", "--format", "json")[1])["dangers"] > 0


def test_output_that_is_no_terminal_has_no_colours() -> None:
    assert "\x1b" not in run("rehearse", "task.json")[1]


def test_all_keys_of_scripts_are_listed() -> None:
    code, text = run("rehearse", "--keys")
    assert code == 0
    assert "healthy-after" in text
    assert "pull-error" in text


def test_plan_reads_what_check_reads() -> None:
    code, text = run("plan", "stack.json", "--family", "Web")
    assert code == 0
    assert text.startswith("Web:1, network mode bridge\n")


def test_what_is_unknown_and_does_not_matter_to_a_plan_is_noted() -> None:
    result = CliRunner().invoke(pillion, ["plan", "stack.json", "--family", "Web"], standalone_mode=False)
    assert (
        "note: only the deployment knows containerDefinitions[0].image: stand-ins are used" in result.stderr
    )


def test_run_refuses_an_image_that_only_the_deployment_knows() -> None:
    code, text = run("run", "stack.json", "--family", "Web")
    assert code == 2
    assert "containerDefinitions[0].image: only the deployment knows this value" in text
