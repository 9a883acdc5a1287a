from __future__ import annotations

from pathlib import Path

import pytest

from pillion.checking.settings import CheckSettings, CheckSettingsError, settings_for
from pillion.core.findings import Severity


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with an empty folder `deploy`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy").mkdir()
    return tmp_path


def test_without_a_file_nothing_is_ignored_and_errors_fail(here: Path) -> None:
    assert settings_for("deploy/task.json") == CheckSettings()


def test_the_file_beside_the_definition_counts_before_that_of_the_working_directory(here: Path) -> None:
    (here / "pillion.toml").write_text('[check]\nignore = ["W001"]\n')
    assert settings_for("deploy/task.json") == CheckSettings(ignore=frozenset({"W001"}))
    (here / "deploy" / "pillion.toml").write_text(
        '[check]\nignore = ["W805"]\nfail_on = "warning"\nlaunch_types = ["FARGATE"]\n'
    )
    assert settings_for("deploy/task.json") == CheckSettings(
        ignore=frozenset({"W805"}), threshold=Severity.WARNING, launch_types=frozenset({"FARGATE"})
    )
    assert settings_for("-") == CheckSettings(ignore=frozenset({"W001"}))


def test_never_means_that_nothing_fails(here: Path) -> None:
    (here / "pillion.toml").write_text('[check]\nfail_on = "never"\n')
    assert settings_for("-").threshold is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('ignore = ["W999"]', "[check] ignore: there is no rule W999"),
        ('ignore = "W001"', "[check] ignore must be a list of strings"),
        ('fail_on = "bad"', "[check] fail_on is 'bad'; write error, warning, info or never"),
        ('launch_types = ["FARGTE"]', "[check] launch_types: FARGTE is not one of EC2"),
        ('ignored = ["W001"]', "[check] has no key ignored; it has ignore"),
    ],
)
def test_a_table_that_means_nothing_is_an_error_with_its_file(here: Path, table: str, message: str) -> None:
    (here / "pillion.toml").write_text(f"[check]\n{table}\n")
    with pytest.raises(CheckSettingsError) as caught:
        settings_for("-")
    assert message in str(caught.value)
    assert "pillion.toml" in str(caught.value)


def test_a_file_that_is_no_toml_is_an_error(here: Path) -> None:
    (here / "pillion.toml").write_text("[check\n")
    with pytest.raises(CheckSettingsError, match=r"pillion\.toml"):
        settings_for("-")
