"""Pinned requirements install anywhere: every version exact, every file hashed, no place named."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PINNED = sorted((REPOSITORY / "requirements").glob("*.txt"))
each_file = pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(path: Path) -> set[str]:
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", path.read_text(), re.MULTILINE)}


@each_file
def test_every_requirement_is_pinned_and_hashed(path: Path) -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", path.read_text()) if not entry.startswith("#")]
    loose = [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert loose == []


@each_file
def test_no_index_address_or_path_of_a_machine_is_written_down(path: Path) -> None:
    assert (
        re.findall(r".*(?:://|--index|--extra|--find-links|--trusted|@ |/home/|/opt/).*", path.read_text())
        == []
    )


def test_everything_that_the_package_declares_is_pinned_for_contributors() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    declared = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
    ]
    names = {_normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in declared}
    assert names - _names(REPOSITORY / "requirements/dev.txt") == set()
