"""How a task is run is written down for whoever takes it over: all of it, and nothing secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pillion.aws.settings import AwsMode, AwsSettingsError
from pillion.core.record import RecordError
from pillion.run_settings import AwsSource, RunSettings, decode_how, encode_how, read_aws_settings
from pillion.settings import SettingsError

TOML = (
    '[aws]\nregion = "eu-west-1"\n[aws.secrets]\n"app/db" = "hunter2"\n[aws.parameters]\n"/p" = "hunter3"\n'
)


def settings(folder: Path) -> RunSettings:
    (folder / "pillion.toml").write_text(TOML)
    (folder / "seed.toml").write_text('[parameters]\n"/q" = "hunter4"\n')
    source = AwsSource(
        folder=str(folder),
        settings_path=str(folder / "pillion.toml"),
        seed_file=str(folder / "seed.toml"),
        endpoint="local",
    )
    return RunSettings(
        state_folder=folder,
        aws=read_aws_settings(source),
        aws_source=source,
        stop_after_s=90.0,
        keep=True,
        keep_history_s=5.0,
        endpoints="relay",
        firelens_asynchronous=False,
        count_logs=True,
        engine_host="unix:///x.sock",
    )


def test_settings_come_back_whole_with_the_secrets_read_anew(tmp_path: Path) -> None:
    given = settings(tmp_path)
    written = json.loads(json.dumps(encode_how(given)))
    assert decode_how(written, tmp_path) == given
    assert "hunter" in (tmp_path / "pillion.toml").read_text()


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    given = settings(tmp_path)
    assert given.aws.mode is AwsMode.LOCAL
    assert given.aws.seed.parameters
    assert "hunter" not in json.dumps(encode_how(given))


def test_a_pillion_toml_that_is_gone_is_said_with_its_name(tmp_path: Path) -> None:
    written = encode_how(settings(tmp_path))
    (tmp_path / "pillion.toml").unlink()
    with pytest.raises(SettingsError, match=r"pillion\.toml: cannot be read"):
        decode_how(written, tmp_path)


def test_a_mistake_in_pillion_toml_is_said_with_its_place(tmp_path: Path) -> None:
    written = encode_how(settings(tmp_path))
    (tmp_path / "pillion.toml").write_text('[aws]\nmoon = "full"\n')
    with pytest.raises(AwsSettingsError, match=r"pillion\.toml: \[aws\] moon: no such setting"):
        decode_how(written, tmp_path)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"how\.keep has to be of type bool"):
        decode_how({"keep": "yes"}, tmp_path)
