"""Reading kept output while somebody writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.ports.engine import LogLine
from pillion.stores.output import writer as writing
from pillion.stores.output.changes import changes_of
from pillion.stores.output.files import output_path, remove_output
from pillion.stores.output.reader import OutputReader
from stores.output.test_writer import TASK, line, write


def messages(reader: OutputReader) -> list[str]:
    return [item.message for item in reader.read_new() if isinstance(item, LogLine)]


def test_a_reader_brings_what_came_since_it_read_last(tmp_path: Path) -> None:
    reader = OutputReader(tmp_path, TASK)
    assert messages(reader) == []
    write(tmp_path, line("one"), line("two"))
    assert messages(reader) == ["one", "two"]
    assert messages(reader) == []
    write(tmp_path, line("three"))
    assert messages(reader) == ["three"]
    reader.close()


def test_half_a_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path, line("one"), line("two"))
    path = output_path(tmp_path, TASK)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    reader = OutputReader(tmp_path, TASK)
    assert messages(reader) == ["one"]
    with path.open("ab") as file:
        file.write(whole[-20:])
    assert messages(reader) == ["two"]
    reader.close()


@pytest.mark.parametrize("between", [1, 2, 3])
def test_a_file_that_is_put_aside_meanwhile_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: int
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 2000)
    reader = OutputReader(tmp_path, TASK)
    write(tmp_path, line("0"))
    found = messages(reader)
    for number in range(1, 40):
        write(tmp_path, line(str(number)))
        if number % between == 0:
            found += messages(reader)
    assert [*found, *messages(reader)] == [str(number) for number in range(40)]
    reader.close()


def test_output_that_is_removed_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    write(tmp_path, line("one"))
    reader = OutputReader(tmp_path, TASK)
    assert messages(reader) == ["one"]
    write(tmp_path, line("two"))
    remove_output(tmp_path, TASK)
    assert messages(reader) == ["two"]
    assert reader.is_gone
    reader.close()


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_changes_before_and_after_the_wait_begins_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    write(tmp_path, line("one"))
    changes = changes_of(output_path(tmp_path, TASK))
    try:
        write(tmp_path, line("two"))
        changes.wait(60.0)  # the test's own time is the assertion: a change that is missed waits for a minute
        remove_output(tmp_path, TASK)
        changes.wait(60.0)
    finally:
        changes.close()


def test_a_file_in_a_folder_that_is_not_there_yet_can_be_waited_for(tmp_path: Path) -> None:
    changes = changes_of(output_path(tmp_path, TASK))
    changes.wait(0.01)
    changes.close()
