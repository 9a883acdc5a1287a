"""`pillion env` prints what points AWS tools at local AWS, or runs a command against one of its own."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pillion.aws.local.announce import RunningAws, announce, find_running, withdraw
from pillion.cli.env import env
from pillion.cli.exits import UserError

EXPECTED = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "AKIAPILLIONLOCAL0000",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def called(*arguments: str) -> Result:
    return CliRunner().invoke(env, arguments, standalone_mode=False)


def announced(tmp_path: Path, pid: int = os.getpid()) -> None:
    announce(tmp_path / "state" / "aws", RunningAws(pid=pid, url="http://127.0.0.1:4566", region="eu-west-1"))


def test_the_local_aws_of_a_run_is_found(tmp_path: Path) -> None:
    announced(tmp_path)
    assert json.loads(called("--shell", "json").stdout) == EXPECTED


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export AWS_ENDPOINT_URL=http://127.0.0.1:4566"),
        ("sh", "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_ROLE_ARN"),
        ("fish", "set -gx AWS_REGION eu-west-1"),
        ("powershell", "$Env:AWS_ENDPOINT_URL = 'http://127.0.0.1:4566'"),
        ("dotenv", "AWS_ENDPOINT_URL=http://127.0.0.1:4566"),
    ],
)
def test_every_shell_has_its_own_words(shell: str, line: str, tmp_path: Path) -> None:
    announced(tmp_path)
    assert line in called("--shell", shell).stdout.splitlines()


def test_an_emulator_by_url_needs_no_run() -> None:
    values = json.loads(called("--aws", "http://127.0.0.1:4566", "--shell", "json").stdout)
    assert values == {**EXPECTED, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}


def test_without_a_run_it_says_what_to_do() -> None:
    assert isinstance(error := called().exception, UserError)
    assert "pillion env --aws-state DIR --" in str(error)


def test_a_run_that_is_gone_is_not_found(tmp_path: Path) -> None:
    announced(tmp_path, pid=2**22 + 1)  # above the kernel's highest process id
    assert find_running(tmp_path / "state" / "aws") == ()
    assert list((tmp_path / "state" / "aws").iterdir()) == []


def test_a_run_takes_its_note_away(tmp_path: Path) -> None:
    announced(tmp_path)
    withdraw(tmp_path / "state" / "aws", os.getpid())
    assert find_running(tmp_path / "state" / "aws") == ()


def test_real_aws_needs_no_pointing_at() -> None:
    assert isinstance(error := called("--aws", "real").exception, UserError)
    assert str(error) == "--aws real: there is no local AWS to point at"


def test_a_wrong_setting_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "pillion.toml").write_text("[aws]\nendpoint = 'moto'\n")
    assert isinstance(error := called().exception, UserError)
    assert "'moto' is no AWS to talk to" in str(error)


@pytest.mark.service
@pytest.mark.slow
def test_a_command_runs_against_a_local_aws_of_its_own_that_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "seed.toml").write_text('[parameters]\n"/a" = "from the seed"\n')
    script = tmp_path / "script.py"
    script.write_text(
        "import boto3, sys\n"
        "ssm = boto3.client('ssm')\n"
        "if sys.argv[1] == 'put': ssm.put_parameter(Name='/b', Value=sys.argv[2], Type='String')\n"
        "held = ssm.get_parameters(Names=['/a', '/b'])['Parameters']\n"
        "values = {item['Name']: item['Value'] for item in held}\n"
        "sys.exit(0 if values == {'/a': 'from the seed', '/b': 'kept'} else 3)\n"
    )
    options = ["--aws-seed", "seed.toml", "--aws-state", "state", "--", sys.executable, str(script)]
    assert [called(*options, "put", "kept").return_value, called(*options, "get").return_value] == [0, 0]
    assert called(*options[:2], "--", sys.executable, str(script), "get").return_value == 3


def test_a_command_that_does_not_exist_is_named() -> None:
    assert isinstance(error := called("--", "no-such-command-here").exception, UserError)
    assert (str(error), error.exit_code) == ("no-such-command-here: No such file or directory", 127)
