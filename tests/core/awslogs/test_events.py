"""Lines become events: nothing is lost, nothing is too long, no character is cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pillion.core.awslogs.events import MESSAGE_BYTES_MAX, EventGrouper, LogEvent, make_events

LINES = st.lists(
    st.tuples(
        st.integers(0, 10**13),
        st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=9),
    ),
    max_size=30,
)


def collect(lines: list[tuple[int, str]], pattern: str | None) -> tuple[list[LogEvent], EventGrouper]:
    grouper = EventGrouper(re.compile(pattern) if pattern is not None else None)
    events = [event for at_ms, line in lines for event in grouper.add(at_ms, line)]
    return [*events, *grouper.finish()], grouper


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 60_000))
def test_a_long_message_is_cut_between_characters(text: str, times: int) -> None:
    message = (text * times)[: MESSAGE_BYTES_MAX * 2]
    events = make_events(1, message)
    assert "".join(event.message for event in events) == message
    assert all(event.size_bytes == len(event.message.encode()) <= MESSAGE_BYTES_MAX for event in events)
    assert sum(event.lines for event in events) == 1
    assert all(event.size_bytes > MESSAGE_BYTES_MAX - 4 for event in events[:-1])


def test_a_message_of_the_greatest_length_is_one_event() -> None:
    assert [event.size_bytes for event in make_events(1, "x" * MESSAGE_BYTES_MAX)] == [MESSAGE_BYTES_MAX]
    assert [event.size_bytes for event in make_events(1, "x" * (MESSAGE_BYTES_MAX + 1))] == [
        MESSAGE_BYTES_MAX,
        1,
    ]
    umlauts = "ä" * (MESSAGE_BYTES_MAX // 2)
    assert [event.message for event in make_events(1, umlauts + "ä")] == [umlauts, "ä"]


def test_a_broken_character_is_replaced() -> None:
    assert make_events(1, "a\udc80b") == (LogEvent(1, "a\N{REPLACEMENT CHARACTER}b", 5, 1),)


@given(LINES)
def test_without_a_pattern_every_line_is_an_event_and_empty_ones_are_counted(
    lines: list[tuple[int, str]],
) -> None:
    events, grouper = collect(lines, None)
    assert [(event.timestamp_ms, event.message) for event in events] == [item for item in lines if item[1]]
    assert len(events) + grouper.blank_lines == len(lines)


@given(LINES, st.sampled_from(["^a", "[0-9]", "^", "never-there"]))
def test_with_a_pattern_no_line_is_lost_and_each_event_begins_with_a_match(
    lines: list[tuple[int, str]], pattern: str
) -> None:
    events, _ = collect(lines, pattern)
    assert "".join(event.message for event in events) == "".join(f"{line}\n" for _, line in lines)
    assert sum(event.lines for event in events) == len(lines)
    for event in events[1:]:
        assert re.search(pattern, event.message.split("\n")[0])
    for event in events:
        assert not any(re.search(pattern, line) for line in event.message.split("\n")[1:-1])


def test_an_event_has_the_time_of_its_first_line() -> None:
    lines = [(5, "ERROR one"), (6, "  at x"), (9, ""), (7, "ERROR two")]
    events, _ = collect(lines, "^ERROR")
    assert events == [LogEvent(5, "ERROR one\n  at x\n\n", 18, 3), LogEvent(7, "ERROR two\n", 10, 1)]


def test_an_event_that_would_be_too_long_is_ended() -> None:
    half = "x" * (MESSAGE_BYTES_MAX // 2)
    events, _ = collect([(1, half), (2, half), (3, half)], "never-there")
    assert [event.lines for event in events] == [1, 1, 1]
    assert [event.timestamp_ms for event in events] == [1, 2, 3]


def test_an_event_that_waits_too_long_is_ended() -> None:
    grouper = EventGrouper(re.compile("^ERROR"))
    grouper.add(1000, "ERROR one")
    assert grouper.expire(1000) == ()
    assert grouper.expire(1001) == (LogEvent(1000, "ERROR one\n", 10, 1),)
    assert grouper.finish() == ()
