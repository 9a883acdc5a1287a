"""Events that CloudWatch took the call for and not the event: too old, too new, or past their retention.

Source: RejectedLogEventsInfo in the CloudWatch Logs API reference. Both "end" indices are exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillion.core.awslogs.events import LogEvent


def rejected_lines(events: Sequence[LogEvent], info: Mapping[str, object]) -> dict[str, int]:
    """Return how many lines were rejected, by cause.

    Args:
        events: of the batch, in its order.
        info: `rejectedLogEventsInfo` of the answer; empty when everything was taken.
    """
    ends = {"too old": info.get("tooOldLogEventEndIndex"), "expired": info.get("expiredLogEventEndIndex")}
    causes: dict[str, int] = {}
    start = 0
    for cause, end in sorted(ends.items(), key=lambda item: item[1] if isinstance(item[1], int) else 0):
        if isinstance(end, int) and end > start:
            causes[cause] = sum(event.lines for event in events[start:end])
            start = end
    first_new = info.get("tooNewLogEventStartIndex")
    if isinstance(first_new, int):
        causes["too new"] = sum(event.lines for event in events[max(first_new, start) :])
    return {cause: lines for cause, lines in causes.items() if lines}
