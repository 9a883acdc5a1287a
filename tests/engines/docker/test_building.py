"""What belongs to a build, and when a folder counts as changed."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

import pytest

from pillion.engines.docker.building import _digest_of, _pack
from pillion.engines.docker.dockerignore import is_ignored, parse_patterns


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("node_modules", "node_modules", True),
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules", "src/node_modules", False),
        ("**/node_modules", "src/a/node_modules/x", True),
        ("**/node_modules", "node_modules", True),
        ("*.log", "a.log", True),
        ("*.log", "logs/a.log", False),
        ("**/*.log", "logs/deep/a.log", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("src/**", "src/a/b", True),
        ("/dist", "dist/x", True),
        ("dist/", "dist/x", True),
        ("./dist", "dist", True),
        ("*\n!keep.txt", "keep.txt", False),
        ("*\n!keep.txt", "other.txt", True),
        ("!keep.txt\n*", "keep.txt", True),
        ("# *.log\n\n", "a.log", False),
        ("a.log", "aXlog", False),
        ("[ab].txt", "a.txt", True),
        ("[ab].txt", "c.txt", False),
    ],
)
def test_dockerignore_is_read_as_docker_reads_it(patterns: str, path: str, ignored: bool) -> None:
    assert is_ignored(path, parse_patterns(patterns)) is ignored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY src /src\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.py").write_text("print(1)\n")
    (tmp_path / "src/link").symlink_to("main.py")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/big").write_text("x")
    (tmp_path / ".dockerignore").write_text("cache\nDockerfile\n")
    return tmp_path


def names_in(folder: Path) -> list[str]:
    with tempfile.TemporaryFile() as archive:
        _pack(folder, archive)
        with tarfile.open(fileobj=archive) as tar:
            return tar.getnames()


def test_the_archive_holds_what_is_not_ignored_and_always_the_dockerfile(folder: Path) -> None:
    assert names_in(folder) == [".dockerignore", "Dockerfile", "src", "src/link", "src/main.py"]


def test_what_is_brought_back_out_of_an_ignored_folder_is_sent(folder: Path) -> None:
    (folder / ".dockerignore").write_text("cache\n!cache/big\n")
    assert "cache/big" in names_in(folder)


def test_an_unchanged_folder_has_the_same_digest(folder: Path) -> None:
    before = _digest_of(folder, None)
    (folder / "cache/big").write_text("y")  # ignored
    (folder / "src/main.py").touch()
    assert _digest_of(folder, None) == before


@pytest.mark.parametrize("change", ["content", "mode", "name", "link", "platform"])
def test_every_change_that_a_build_would_see_changes_the_digest(folder: Path, change: str) -> None:
    before, file = _digest_of(folder, None), folder / "src/main.py"
    platform = None
    match change:
        case "content":
            file.write_text("print(2)\n")
        case "mode":
            file.chmod(0o755)
        case "name":
            file.rename(folder / "src/other.py")
        case "link":
            (folder / "src/link").unlink()
            (folder / "src/link").symlink_to("other.py")
        case "platform":
            platform = "linux/arm64"
    assert _digest_of(folder, platform) != before


def test_a_folder_without_a_dockerfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no Dockerfile"):
        _digest_of(tmp_path, None)
