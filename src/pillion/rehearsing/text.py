"""A rehearsal in words: the chart, what happened, and the task as DescribeTasks shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pillion.core.timeline.chart import BLOCKS, Alphabet, Paint, chart_lines, plain
from pillion.core.timeline.story import story_lines
from pillion.core.units import format_duration_s
from pillion.rehearsing.rehearsal import HORIZON_S, Outcome, Rehearsal

_MEMBERS = ("lastStatus", "desiredStatus", "healthStatus", "stopCode", "stoppedReason")
_COLUMNS = ("name", "lastStatus", "exitCode", "healthStatus", "reason")


def rehearsal_text(
    rehearsal: Rehearsal, *, columns: int, alphabet: Alphabet = BLOCKS, paint: Paint = plain
) -> str:
    """Return all that a person is told of a rehearsal.

    Args:
        rehearsal: what came of the task.
        columns: how wide the chart may be.
        alphabet: the characters of the chart.
        paint: colours a run of characters of one phase.
    """
    chart = chart_lines(
        rehearsal.tracks, ends_s=rehearsal.ends_s, columns=columns, alphabet=alphabet, paint=paint
    )
    parts = [chart, story_lines(rehearsal.story), task_lines(rehearsal.task), verdict_lines(rehearsal)]
    return "\n\n".join("\n".join(lines) for lines in parts)


def task_lines(task: Mapping[str, Any]) -> list[str]:
    """Return the members of a Task shape that say how it stands, and its containers as a table."""
    width = max(len(member) for member in _MEMBERS)
    rows = [_COLUMNS, *(_row(container) for container in task["containers"])]
    widths = [max(len(row[number]) for row in rows) for number in range(len(_COLUMNS))]
    return [
        *(f"{member:{width}}  {task[member]}" for member in _MEMBERS if member in task),
        *(
            "  ".join(f"{cell:{size}}" for cell, size in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ),
    ]


def _row(container: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(container.get(column, "")) for column in _COLUMNS)


def verdict_lines(rehearsal: Rehearsal) -> list[str]:
    """Return how the rehearsal ended, who waits for ever, and the exit code."""
    lines = []
    if rehearsal.hangs:
        stopped = "would stay" if rehearsal.outcome is Outcome.STOPPED else "stays"
        lines.append(f"The task {stopped} PENDING for ever, as it would on ECS:")
        lines += [f"  {item.text}" for item in rehearsal.hangs]
    elif rehearsal.outcome is Outcome.STEADY:
        lines.append("The task runs on; nothing more happens by itself (--stop-after stops it).")
    elif rehearsal.outcome is Outcome.UNFINISHED:
        lines.append(f"Things still happen after {format_duration_s(HORIZON_S)}; it was followed no longer.")
    return [*lines, f"exit code {rehearsal.exit_code}"]
