"""What CloudWatch rejects out of a batch is counted by its cause."""

import pytest

from pillion.core.awslogs.events import LogEvent
from pillion.core.awslogs.rejections import rejected_lines

EVENTS = [LogEvent(number, "x", 1, number + 1) for number in range(5)]


@pytest.mark.parametrize(
    ("info", "causes"),
    [
        ({}, {}),
        ({"tooOldLogEventEndIndex": 2}, {"too old": 1 + 2}),
        ({"tooNewLogEventStartIndex": 3}, {"too new": 4 + 5}),
        ({"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 3}, {"too old": 1, "expired": 2 + 3}),
        ({"expiredLogEventEndIndex": 1, "tooOldLogEventEndIndex": 2}, {"expired": 1, "too old": 2}),
        ({"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}, {"too old": 1 + 2, "too new": 5}),
        ({"tooOldLogEventEndIndex": 0, "tooNewLogEventStartIndex": 5}, {}),
    ],
)
def test_rejected_lines_are_counted_once(info: dict[str, int], causes: dict[str, int]) -> None:
    assert rejected_lines(EVENTS, info) == causes
