"""How many lines of a container are in what arrived at the end of a pipeline.

Docker cuts a line of more than 16 KiB into records that say so (`partial_message`, `partial_id`,
`partial_last`); the pieces of one line count as one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable


def count_lines(messages: Iterable[str]) -> int:
    """Return the number of lines in messages of a log router: whole records as JSON, or plain text."""
    lines = 0
    pieces: set[str] = set()
    for record in map(_record, messages):
        piece = record.get("partial_id") if record.get("partial_message") == "true" else None
        if piece is None:
            lines += 1
        else:
            pieces.add(str(piece))
    return lines + len(pieces)


def _record(message: str) -> dict[str, object]:
    if '"partial_message"' not in message:  # nearly always; spares reading the JSON
        return {}
    try:
        record = json.loads(message)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
