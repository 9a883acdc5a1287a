"""`pillion logs`: which task, which lines, how they are shown, and when following ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pillion.cli.exits import UserError
from pillion.cli.logs import logs
from pillion.cli.times import local_time
from pillion.control.claims import Claim
from pillion.core.log_position import stamp_of
from pillion.ports.engine import LogLine
from pillion.stores.output import writer as writing
from pillion.stores.output.files import output_path, remove_output
from pillion.stores.output.writer import OutputWriter
from pillion.stores.sqlite import SqliteStore

NOBODY = "nobody"
"""A claim that no process holds."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PILLION_STATE_DIR", str(tmp_path))
    with Claim(tmp_path, "abc"):
        yield tmp_path


def begin(folder: Path, task_id: str = "abc", *, owner: str = "abc") -> None:
    about = {"definition": {"family": "web", "containerDefinitions": [{"name": "app"}, {"name": "sidecar"}]}}
    store = SqliteStore(folder)
    store.begin(task_id, about, 1.0, owner=owner)
    store.close()


def line(message: str, *, container: str = "app", at_s: float = 100.0, stream: str = "stdout") -> LogLine:
    return LogLine(container=container, stream=stream, message=message, at_s=at_s, stamp=stamp_of(at_s))


def write(folder: Path, *lines: LogLine, ended: bool = False, trouble: Callable[[str], None] = print) -> None:
    async def live() -> None:
        writer = OutputWriter(folder, "abc", trouble=trouble)
        for item in lines:
            writer.add(item)
        writer.close(ended_at_s=200.0 if ended else None)

    asyncio.run(live())


def call(*arguments: str) -> Result:
    return CliRunner().invoke(logs, arguments, standalone_mode=False)


def shown(*arguments: str) -> str:
    done = call(*arguments)
    assert done.exception is None, done.exception
    return done.output


def refusal(*arguments: str) -> str:
    done = call(*arguments)
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


LINES = (
    line("one"),
    line("two", container="sidecar", at_s=101.5, stream="stderr"),
    line("three", at_s=103.0),
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["    app | one", "sidecar | two", "    app | three"]),
        (("web",), ["    app | one", "sidecar | two", "    app | three"]),
        (("--container", "app"), ["    app | one", "    app | three"]),
        (
            ("--container", "app", "--container", "sidecar", "--tail", "2"),
            ["sidecar | two", "    app | three"],
        ),
        (("--tail", "0"), []),
        (("--since", "1970-01-01T00:01:41Z"), ["sidecar | two", "    app | three"]),
        (("--since", "1970-01-01T01:01:43+01:00"), ["    app | three"]),
        (("--since", "10m"), []),
        (
            ("--timestamps", "--tail", "1", "-f"),
            [f"{local_time(103.0, date=True)}     app | three"],
        ),
    ],
)
def test_lines_stand_behind_the_names_of_their_containers(
    folder: Path, arguments: tuple[str, ...], expected: list[str]
) -> None:
    begin(folder)
    write(folder, *LINES, ended=True)
    assert shown(*arguments).splitlines() == expected


@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_the_last_lines_of_one_container_may_lie_far_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, follow: tuple[str, ...]
) -> None:
    monkeypatch.setattr("pillion.cli.logs.TAIL_BYTES_MIN", 100)
    begin(folder)
    early = [line(f"early {number}", container="sidecar") for number in range(3)]
    write(folder, *early, *(line("loud") for _ in range(100)), ended=True)
    assert shown("--container", "sidecar", "--tail", "2", *follow).splitlines() == [
        "sidecar | early 1",
        "sidecar | early 2",
    ]
    assert shown("--container", "sidecar", "--tail", "9", *follow).count("early") == 3


def test_json_has_the_engines_stamps_and_the_streams(folder: Path) -> None:
    begin(folder)
    write(folder, *LINES, ended=True)
    assert [json.loads(item) for item in shown("--format", "json", "--tail", "1").splitlines()] == [
        {
            "type": "log",
            "at": "1970-01-01T00:01:43.000000000Z",
            "container": "app",
            "stream": "stdout",
            "message": "three",
        }
    ]


def test_lines_that_could_not_be_kept_are_told_where_they_are_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(folder)
    monkeypatch.setattr(writing, "RETRY_S", 0.0)
    (folder / "logs").write_text("in the way")

    async def live() -> None:
        writer = OutputWriter(folder, "abc", trouble=lambda _: None)
        writer.add(line("lost"))
        await asyncio.sleep(0)
        (folder / "logs").unlink()
        writer.add(line("kept"))
        writer.close()

    asyncio.run(live())
    assert shown() == (
        "pillion : 1 lines are missing here: they could not be written to the state folder\n    app | kept\n"
    )
    assert json.loads(shown("--format", "json").splitlines()[0])["lines"] == 1


def test_output_of_an_ended_task_that_was_not_kept_to_its_end_says_so(folder: Path) -> None:
    begin(folder)
    write(folder, line("one"))
    assert shown() == "    app | one\n"
    store = SqliteStore(folder)
    store.end("abc", {}, 200.0, keep_s=60.0)
    store.close()
    assert shown() == (
        "    app | one\n"
        "pillion : the rest of the output is missing: it could not be written to the state folder\n"
    )


def test_a_task_that_wrote_nothing_shows_nothing(folder: Path) -> None:
    begin(folder)
    assert shown() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--container", "db"), "the task has no container db; it has app, sidecar"),
        (
            ("--since", "yesterday"),
            "--since: 'yesterday' is no moment. Write how long ago (10m, 90s), or a time",
        ),
        (("zzz",), "pillion knows no task zzz; it knows, the newest first:\n  abc  web:1  not over"),
    ],
)
def test_mistakes_are_answered_with_what_there_is(
    folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    begin(folder)
    assert refusal(*arguments).startswith(words)


def test_without_any_task_it_is_said_that_there_is_none() -> None:
    assert refusal() == "pillion knows no task: none ran here, or their history is over (keep_history)"


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_following_a_task_whose_supervisor_is_gone_ends_with_what_there_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("pillion.cli.logs.LOOK_EVERY_S", 0.01)
    begin(folder, owner=NOBODY)
    write(folder, line("one"), line("two"))
    path = output_path(folder, "abc")
    path.write_bytes(path.read_bytes()[:-1])  # killed in the middle of a write: the newline is missing
    assert shown("-f") == (
        "    app | one\n    app | two\npillion : that is all there is: nobody runs the task any more\n"
    )


@contextmanager
def following(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `pillion logs -f` in a process of its own, as people do."""
    command = [sys.executable, "-m", "pillion", "logs", "-f", *arguments]
    # Where the tests themselves run in the background Ctrl-C is ignored, and that would be inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.slow
def test_following_shows_what_comes_across_files_and_ends_with_the_output(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 500)
    begin(folder)
    write(folder, line("first"))
    with following() as process:
        for text in ["first", *map(str, range(10))]:
            if text != "first":
                write(folder, line(text))
            assert next_line(process) == f"    app | {text}\n"
        write(folder, ended=True)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


@pytest.mark.slow
def test_following_can_be_interrupted(folder: Path) -> None:
    begin(folder)
    write(folder, line("first"))
    with following() as process:
        next_line(process)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "\n")
        assert process.returncode == 130


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly(folder: Path) -> None:
    begin(folder)
    write(folder, line("first"))
    with following() as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        write(folder, line("second"))
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(20) != 0


def test_output_that_is_removed_while_it_is_followed_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.cli.logs.LOOK_EVERY_S", 0.01)
    begin(folder)
    write(folder, line("first"))
    store = SqliteStore(folder)

    def forgotten(*_: Any) -> None:
        store.forget("abc")
        remove_output(folder, "abc")

    monkeypatch.setattr("pillion.tasks.journals.supervisor_of", forgotten)
    assert shown("-f").splitlines()[0] == "    app | first"
    store.close()
