"""The bytes of a log stream, however they are cut, are the lines that were written."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pillion.core.log_position import WINDOW_LINES, LogPosition, ReadingMark
from pillion.engines.docker.logs import LINE_BYTES_MAX, Bookmark, LineCount, LogReader, Window
from pillion.ports.engine import LogLine

T0 = 1795486830.0


def stamp(number: int = 0) -> str:
    return f"2026-11-24T02:20:{30 + number // 1000:02d}.{number % 1000:03d}000000Z"


def frame(text: bytes, *, stream: int = 1, number: int = 0) -> bytes:
    message = stamp(number).encode() + b" " + text
    return struct.pack(">BxxxL", stream, len(message)) + message


def line(message: str, *, stream: str = "stdout", number: int = 0) -> LogLine:
    return LogLine(
        container="web", stream=stream, message=message, at_s=T0 + number / 1000, stamp=stamp(number)
    )


def read(*chunks: bytes, tty: bool = False) -> list[LogLine]:
    reader = LogReader("web", tty=tty)
    return [item for chunk in chunks for item in reader.feed(chunk)] + list(reader.finish())


def test_both_streams_are_told_apart_and_carry_the_engines_time() -> None:
    data = frame(b"out\n", number=1) + frame(b"err\n", stream=2, number=1250)
    assert read(data) == [line("out", number=1), line("err", stream="stderr", number=1250)]


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=8), st.data())
def test_where_the_stream_is_cut_does_not_matter(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(frame(text + b"\n", number=number) for number, text in enumerate(texts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(*chunks) == read(whole)
    assert len(read(whole)) == len(texts)


def test_a_line_that_came_in_pieces_is_whole_again() -> None:
    data = frame(b"x" * 10) + frame(b"other\n", stream=2) + frame(b"y" * 10) + frame(b"z\n")
    assert read(data) == [line("other", stream="stderr"), line("x" * 10 + "y" * 10 + "z")]


def test_a_last_line_without_an_end_is_not_lost() -> None:
    assert read(frame(b"prompt> ")) == [line("prompt> ")]


def test_a_line_that_never_ends_is_delivered_in_parts() -> None:
    piece = frame(b"x" * (LINE_BYTES_MAX // 2))
    assert [len(item.message) for item in read(piece * 3)] == [LINE_BYTES_MAX, LINE_BYTES_MAX // 2]


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"a\r\n", "a"), (b"\n", ""), (b" a b \n", " a b "), (b"\xff\xfe\n", "��"), (b"a\rb\n", "a\rb")],
)
def test_ends_of_lines_go_and_everything_else_stays(raw: bytes, message: str) -> None:
    assert read(frame(raw)) == [line(message)]


def test_a_terminals_output_has_no_frames() -> None:
    data = f"{stamp()} one\r\n{stamp(5)} two\r\n{stamp(6)} $ ".encode()
    assert read(data[:30], data[30:], tty=True) == [
        line("one"),
        line("two", number=5),
        line("$ ", number=6),
    ]


def test_a_time_without_a_fraction_is_understood() -> None:
    message = b"2026-11-24T02:20:30Z hi\n"
    assert read(struct.pack(">BxxxL", 1, len(message)) + message) == [
        replace(line("hi"), stamp="2026-11-24T02:20:30Z")
    ]


def again(bookmark: Bookmark, stamps: list[str]) -> list[str]:
    bookmark.begin_again()
    return [item for item in stamps if bookmark.is_new(item)]


def test_a_second_reading_brings_only_what_is_missing() -> None:
    bookmark = Window()
    for number in (1, 2, 2):
        bookmark.add(stamp(number))
    everything = [stamp(1), stamp(2), stamp(2), stamp(2), stamp(3)]
    assert again(bookmark, everything) == [stamp(2), stamp(3)]


def test_lines_that_came_out_of_order_are_neither_lost_nor_doubled() -> None:
    bookmark = Window()
    for number in (2, 1, 4):
        bookmark.add(stamp(number))
    assert again(bookmark, [stamp(2), stamp(1), stamp(4), stamp(3)]) == [stamp(3)]


def test_a_second_reading_begins_where_the_remembered_lines_begin() -> None:
    bookmark = Window()
    assert bookmark.begin_again() == "0"
    for number in range(WINDOW_LINES + 3):
        bookmark.add(stamp(number))
    assert bookmark.begin_again() == "1795486830.002000000"
    assert not bookmark.is_new(stamp(1))


def test_a_reading_goes_on_behind_the_place_where_another_one_ended() -> None:
    everything = [stamp(number // 2) for number in range(2 * WINDOW_LINES)]
    mark = ReadingMark()
    for item in everything[:-3]:
        mark.add(item)
    assert again(Window(mark.position), everything) == everything[-3:]
    assert again(LineCount(mark.position), everything) == everything[-3:]


def test_a_reading_behind_nothing_begins_at_the_start() -> None:
    assert Window(LogPosition()).begin_again() == "0"
    assert again(Window(LogPosition()), [stamp(1), stamp(1)]) == [stamp(1), stamp(1)]


def test_where_times_are_coarse_lines_are_counted() -> None:
    bookmark = LineCount()
    for _ in range(2):
        bookmark.add(stamp())
    assert bookmark.begin_again() == "0"
    assert [bookmark.is_new(stamp()) for _ in range(4)] == [False, False, True, True]


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_all_read_wherever_the_pieces_end() -> None:
    data = b"".join(frame(b"GET /index.html 200\n", number=number % 1000) for number in range(1000)) * 100
    reader = LogReader("web", tty=False)
    count = sum(
        1 for start in range(0, len(data), 1 << 16) for _ in reader.feed(data[start : start + (1 << 16)])
    )
    assert count == 100_000
