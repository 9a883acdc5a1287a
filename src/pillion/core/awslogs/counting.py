"""How many lines of a container are in what arrived at the end of a pipeline.

Docker cuts a line of more than 16 KiB into records that say so (`partial_message`, `partial_id`,
`partial_last`); the pieces of one line count as one line. A log stream is of one container of one task; what
other services hold is of anybody, and only the records say whose they are.
"""

from __future__ import annotations

import json


class Arrivals:
    """Counts the lines of one container in what is read at the end of a pipeline.

    Args:
        container_name: Docker's name of the container. Records of other containers are passed over, and
            those that name none are counted as `nameless`; None takes everything for the container's.
    """

    def __init__(self, container_name: str | None = None) -> None:
        self._name = container_name
        self._whole = 0
        self._pieces: set[str] = set()
        self.nameless = 0

    @property
    def lines(self) -> int:
        """Lines found so far."""
        return self._whole + len(self._pieces)

    def add(self, message: str) -> None:
        """Take a message of a log router: a whole record as JSON, or plain text."""
        # Nearly always a message is whole and in a stream of its own; that spares reading the JSON.
        record = _record(message) if self._name is not None or '"partial_message"' in message else {}
        if self._name is not None:
            named = record.get("container_name")
            if not isinstance(named, str):
                self.nameless += 1
                return
            if named.lstrip("/") != self._name:
                return
        if record.get("partial_message") == "true" and "partial_id" in record:
            self._pieces.add(str(record["partial_id"]))
        else:
            self._whole += 1

    def add_lines(self, content: bytes) -> None:
        """Take many messages, each on a line of its own."""
        for line in content.splitlines():
            if line.strip():
                self.add(line.decode(errors="replace"))


def _record(message: str) -> dict[str, object]:
    try:
        record = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
