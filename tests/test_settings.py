"""pillion.toml: found, read, checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.settings import SettingsError, find_settings, read_settings


def write(folder: Path, text: str) -> Path:
    path = folder / "pillion.toml"
    path.write_text(text)
    return path


def test_the_file_beside_the_definition_counts_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    write(here, '[run]\ncluster = "here"\n')
    beside = write(there, '[run]\ncluster = "there"\n')
    monkeypatch.chdir(here)
    found = find_settings(str(there / "task.json"))
    assert (found.path, found.table("run")) == (beside, {"cluster": "there"})
    assert find_settings("-").table("run") == {"cluster": "here"}


def test_without_a_file_every_table_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_settings("task.json").table("run") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[runn]\n", r"unknown table \[runn\]; did you mean 'run'"),
        ('[run]\nimage = "x"\n', "unknown key 'image'; did you mean 'images'"),
        ("[run]\nmute = 3\n", "mute has to be a list"),
        ("[run]\nmute = [3]\n", "mute may hold strings only"),
        ("[run]\nimages = {a = 1}\n", "images may hold strings only"),
        ("run = 3\n", r"run has to be a table: write \[run\]"),
        ("[run\n", "is not TOML"),
    ],
)
def test_what_means_nothing_is_an_error_that_names_the_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=message) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)
