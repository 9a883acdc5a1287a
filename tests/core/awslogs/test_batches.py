"""Batches keep every limit of PutLogEvents and every event."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pillion.core.awslogs.batches import (
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    BATCH_SPAN_MAX_MS,
    Batch,
    Batcher,
)
from pillion.core.awslogs.events import EVENT_OVERHEAD_BYTES, MESSAGE_BYTES_MAX, LogEvent

EVENTS = st.lists(
    st.builds(
        lambda at_ms, size_bytes, lines: LogEvent(at_ms, f"{at_ms}/{size_bytes}", size_bytes, lines),
        st.integers(0, 3 * BATCH_SPAN_MAX_MS),
        st.one_of(st.integers(1, 200), st.integers(1, MESSAGE_BYTES_MAX)),
        st.integers(0, 3),
    ),
    max_size=60,
)


def batches_of(events: list[LogEvent]) -> list[Batch]:
    batcher = Batcher()
    batches = [batcher.add(event) for event in events]
    return [batch for batch in [*batches, batcher.close()] if batch is not None]


@given(EVENTS)
def test_every_batch_keeps_the_limits_and_no_event_is_lost(events: list[LogEvent]) -> None:
    batches = batches_of(events)
    for batch in batches:
        times = [event.timestamp_ms for event in batch.events]
        assert batch.events
        assert times == sorted(times)
        assert times[-1] - times[0] <= BATCH_SPAN_MAX_MS
        assert batch.size_bytes == sum(event.size_bytes + EVENT_OVERHEAD_BYTES for event in batch.events)
        assert batch.size_bytes <= BATCH_BYTES_MAX
    assert sorted(event for batch in batches for event in batch.events) == sorted(events)
    assert sum(batch.lines for batch in batches) == sum(event.lines for event in events)


@given(EVENTS)
@settings(max_examples=30)
def test_a_batch_is_given_away_only_when_the_next_event_does_not_fit(events: list[LogEvent]) -> None:
    batches = batches_of(events)
    position = 0
    for batch in batches[:-1]:
        position += len(batch.events)
        following = events[position]
        times = [event.timestamp_ms for event in (*batch.events, following)]
        assert (
            batch.size_bytes + following.size_bytes + EVENT_OVERHEAD_BYTES > BATCH_BYTES_MAX
            or max(times) - min(times) > BATCH_SPAN_MAX_MS
        )


def test_a_batch_has_at_most_ten_thousand_events() -> None:
    batches = batches_of([LogEvent(number, "x", 1, 1) for number in range(BATCH_EVENTS_MAX + 1)])
    assert [len(batch.events) for batch in batches] == [BATCH_EVENTS_MAX, 1]


def test_events_of_one_moment_keep_their_order() -> None:
    events = [LogEvent(5, "b", 1, 1), LogEvent(5, "a", 1, 1), LogEvent(4, "c", 1, 1)]
    (batch,) = batches_of(events)
    assert [event.message for event in batch.events] == ["c", "b", "a"]
