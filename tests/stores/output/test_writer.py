"""The output of a task on disk: appended, bounded, gone on with after a crash, and no harm to the run."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from pillion.core.log_position import LogPosition
from pillion.ports.engine import LogLine
from pillion.stores.output import writer as writing
from pillion.stores.output.files import older_path, output_path, remove_output
from pillion.stores.output.lines import End, Gap
from pillion.stores.output.reader import OutputReader, read_positions
from pillion.stores.output.writer import OutputWriter

TASK = "0123"


def stamp(number: int) -> str:
    return f"2026-11-24T02:20:{30 + number // 1000:02d}.{number % 1000:03d}000000Z"


def line(message: str, *, number: int = 0, container: str = "web", stream: str = "stdout") -> LogLine:
    return LogLine(
        container=container,
        stream=stream,
        message=message,
        at_s=1795486830 + number / 1000,
        stamp=stamp(number),
    )


class Troubles(list[str]):
    """What was said."""

    def __call__(self, text: str) -> None:
        self.append(text)


def write(folder: Path, *lines: LogLine, ended_at_s: float | None = None) -> Troubles:
    """Write lines in one turn of a loop, and let go of the file."""
    said = Troubles()

    async def live() -> None:
        writer = OutputWriter(folder, TASK, trouble=said)
        for item in lines:
            writer.add(item)
        writer.close(ended_at_s=ended_at_s)

    asyncio.run(live())
    return said


def read(folder: Path) -> list[LogLine | Gap | End]:
    reader = OutputReader(folder, TASK)
    try:
        return [*reader.read_new(), *reader.read_last()]
    finally:
        reader.close()


def test_what_was_written_is_read_to_the_letter(tmp_path: Path) -> None:
    lines = [
        line("plain"),
        line('quotes " and \\ and \t', number=1, stream="stderr"),
        line("ünïcode  \u2028  �", number=2, container="side"),
        line("", number=3),
    ]
    assert write(tmp_path, *lines, ended_at_s=5.0) == []
    assert read(tmp_path) == [*lines, End(at_s=5.0)]


def test_a_line_without_a_stamp_gets_one_of_its_time(tmp_path: Path) -> None:
    write(tmp_path, LogLine(container="web", stream="stdout", message="x", at_s=1795486830.5))
    assert read(tmp_path) == [line("x", number=500)]


def test_lines_of_one_turn_of_the_loop_are_written_together(tmp_path: Path) -> None:
    async def live() -> list[bytes]:
        writer = OutputWriter(tmp_path, TASK, trouble=Troubles())
        seen = []
        for number in range(3):
            writer.add(line(str(number)))
            seen.append(output_path(tmp_path, TASK).read_bytes())
        await asyncio.sleep(0)
        seen.append(output_path(tmp_path, TASK).read_bytes())
        writer.close()
        return seen

    *during, after = asyncio.run(live())
    assert during == [b"", b"", b""]
    assert after.count(b"\n") == 3


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    write(tmp_path, line("x"))
    path = output_path(tmp_path, TASK)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_torn_last_line_is_passed_over_and_spoils_nothing_that_follows(tmp_path: Path) -> None:
    write(tmp_path, line("one"), line("two", number=1))
    path = output_path(tmp_path, TASK)
    path.write_bytes(path.read_bytes()[:-9])
    assert read(tmp_path) == [line("one")]
    write(tmp_path, line("three", number=2))
    assert read(tmp_path) == [line("one"), line("three", number=2)]


def test_a_last_line_that_lacks_only_its_newline_counts(tmp_path: Path) -> None:
    write(tmp_path, line("one"), line("two", number=1))
    path = output_path(tmp_path, TASK)
    path.write_bytes(path.read_bytes()[:-1])
    assert read(tmp_path) == [line("one"), line("two", number=1)]
    assert read_positions(path)["web"].lines == 2
    write(tmp_path, line("three", number=2))
    assert read(tmp_path) == [line("one"), line("two", number=1), line("three", number=2)]


def test_what_a_newer_pillion_or_nobody_wrote_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, line("one"))
    with output_path(tmp_path, TASK).open("ab") as file:
        file.write(b'{"mark":"music","at":1}\n[]\nnull\n\0\0\0\n\xff\n{"at":"never"}\n{"mark":"positions"}\n')
    write(tmp_path, line("two", number=1))
    assert read(tmp_path) == [line("one"), line("two", number=1)]


def test_a_full_file_is_put_aside_and_one_older_file_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 6000)

    async def live() -> None:
        writer = OutputWriter(tmp_path, TASK, trouble=Troubles())
        for number in range(100):
            writer.add(line("x" * 100, number=number))
            writer.flush()
        writer.close()

    asyncio.run(live())
    found = [item for item in read(tmp_path) if isinstance(item, LogLine)]
    assert found == [line("x" * 100, number=number) for number in range(100 - len(found), 100)]
    assert 10 < len(found) < 70
    assert sorted(item.name for item in output_path(tmp_path, TASK).parent.iterdir()) == [
        "0123.jsonl",
        "0123.jsonl.1",
    ]


def test_positions_outlive_the_lines_they_stand_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 1000)
    monkeypatch.setattr("pillion.core.log_position.WINDOW_LINES", 20)
    write(tmp_path, line("quiet", container="side"))
    for number in range(100):
        write(tmp_path, line("x" * 40, number=number))
    assert not any(isinstance(item, LogLine) and item.container == "side" for item in read(tmp_path))
    assert read_positions(output_path(tmp_path, TASK)) == {
        "side": LogPosition(lines=1, stamps=(stamp(0),)),
        "web": LogPosition(
            lines=100,
            before=stamp(79),
            stamps=tuple(stamp(number) for number in range(80, 100)),
        ),
    }


def test_positions_are_found_from_the_end_of_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "POSITIONS_EVERY_BYTES", 2000)
    monkeypatch.setattr("pillion.stores.output.reader._TAIL_BYTES", 100)
    write(tmp_path, line("quiet", container="side"))
    for number in range(50):
        write(tmp_path, line("x" * 40, number=number))
    found = read_positions(output_path(tmp_path, TASK))
    assert {name: place.lines for name, place in found.items()} == {"side": 1, "web": 50}
    assert found["web"].stamps == tuple(map(stamp, range(50)))


def test_torn_positions_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "POSITIONS_EVERY_BYTES", 1)
    write(tmp_path, line("one"))
    path = output_path(tmp_path, TASK)
    path.write_bytes(path.read_bytes()[:-10])
    assert read_positions(path) == {"web": LogPosition(lines=1, stamps=(stamp(0),))}


def test_a_writer_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    write(tmp_path, line("one"), line("two", number=1))
    writer = OutputWriter(tmp_path, TASK, trouble=Troubles())
    assert writer.position("web") == LogPosition(lines=2, stamps=(stamp(0), stamp(1)))
    assert writer.position("side") is None
    writer.close()


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    said = write(tmp_path, line("one"), line("two", number=1), ended_at_s=1.0)
    assert len(said) == 1
    assert said[0].startswith(f"output is not kept for `pillion logs`: {tmp_path}/logs/0123.jsonl: ")


def test_a_full_disk_leaves_a_gap_that_is_told_and_what_follows_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "RETRY_S", 0.0)
    monkeypatch.setattr("time.time", lambda: 7.0)
    real, room = os.write, [250]

    def short(handle: int, data: bytes | memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(handle, data[: room[0]])
        room[0] -= count
        return count

    said = Troubles()

    async def live() -> None:
        writer = OutputWriter(tmp_path, TASK, trouble=said)
        for number in range(4):
            writer.add(line(f"line {number}", number=number))
        writer.flush()
        writer.add(line("lost", number=4))
        writer.flush()
        room[0] = 10_000
        writer.add(line("kept", number=5))
        writer.close(ended_at_s=9.0)

    monkeypatch.setattr(os, "write", short)
    asyncio.run(live())
    monkeypatch.undo()
    assert read(tmp_path) == [
        line("line 0"),
        line("line 1", number=1),
        Gap(lines=3, at_s=7.0),
        line("kept", number=5),
        End(at_s=9.0),
    ]
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert read_positions(output_path(tmp_path, TASK))["web"].lines == 6


def test_output_is_removed_with_its_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 1)
    write(tmp_path, line("one"))
    path = output_path(tmp_path, TASK)
    assert older_path(path).exists()
    remove_output(tmp_path, TASK)
    remove_output(tmp_path, TASK)
    assert list(path.parent.iterdir()) == []
