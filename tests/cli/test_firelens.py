"""`pillion firelens` prints the generated configuration, and nothing else, on standard output."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.firelens import firelens

GO_OUTPUT = {
    "Name": "cloudwatch",
    "region": "eu-west-1",
    "log_group_name": "/web",
    "log_stream_prefix": "app-",
    "auto_create_group": "On",
}


def called(tmp_path: Path, options: dict[str, str], *arguments: str, routed: bool = True) -> Result:
    app = {"logDriver": "awsfirelens", "options": options}
    router = {"name": "router", "image": "r", "memory": 64, "firelensConfiguration": {"type": "fluentbit"}}
    containers = [{"name": "app", "image": "a", "memory": 64, "logConfiguration": app}]
    document = {"family": "web", "containerDefinitions": [*containers, *([router] if routed else [])]}
    path = tmp_path / "task.json"
    path.write_text(json.dumps(document))
    return CliRunner().invoke(firelens, [str(path), *arguments], standalone_mode=False)


def test_the_configuration_is_printed(tmp_path: Path) -> None:
    result = called(tmp_path, {"Name": "stdout"}, "--cluster", "prod")
    assert result.stdout.startswith("[INPUT]\n    Name forward\n    Mem_Buf_Limit 32MB\n")
    assert result.stdout.endswith("[OUTPUT]\n    Name stdout\n    Match app-firelens*\n")
    assert "    Record ecs_cluster prod\n" in result.stdout
    assert result.stderr == ""


def test_an_output_of_awss_own_image_is_remarked_on_and_never_renamed_in_silence(tmp_path: Path) -> None:
    result = called(tmp_path, GO_OUTPUT)
    assert "    Name cloudwatch\n" in result.stdout
    assert "The core's own is cloudwatch_logs" in result.stderr
    assert "[OUTPUT]" not in result.stderr


def test_the_renaming_is_shown_when_asked_for(tmp_path: Path) -> None:
    result = called(tmp_path, GO_OUTPUT, "--core-plugins")
    assert "    Name cloudwatch\n" in result.stdout
    assert "    Name cloudwatch_logs\n    Match app-firelens*\n    auto_create_group false\n" in result.stderr


def test_a_definition_that_ecs_would_not_start_is_told_with_its_text(tmp_path: Path) -> None:
    assert isinstance(error := called(tmp_path, {"region": "eu-west-1"}).exception, UserError)
    assert "missing output key Name which is required for firelens configuration of type fluentbit" in str(
        error
    )


def test_a_definition_without_a_router_is_told_so(tmp_path: Path) -> None:
    result = called(tmp_path, {"Name": "stdout"}, routed=False)
    assert isinstance(result.exception, UserError)
