"""A report as the object that `--format json` prints for it: the same from a run and from a journal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pillion.core.describe import iso_time
from pillion.core.lifecycle.commands import Report, ReportContainer, ReportHealth, ReportTask


def report_object(report: Report, at_s: float, normal: Collection[str]) -> dict[str, Any] | None:
    """Return a report as a JSON value; None for what is not told.

    Args:
        report: of the machine.
        at_s: when it was made (POSIX seconds).
        normal: the containers that are the task's own; pause containers are ours, and not told.
    """
    at = iso_time(at_s)
    match report:
        case ReportContainer(container=name, before=before, after=after, cause=cause) if name in normal:
            change = {"from": before.value, "to": after.value, "cause": cause}
            return {"type": "container", "at": at, "container": name, **change}
        case ReportHealth(container=name, status=status):
            return {"type": "health", "at": at, "container": name, "status": status.value}
        case ReportTask(last_status=status, cause=cause):
            return {"type": "task", "at": at, "lastStatus": status, "cause": cause}
        case _:
            return None
