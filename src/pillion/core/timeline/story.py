"""What happened to a task, as a list: who did what when, and why.

The reports of the machine in words, without the steps between PENDING and RUNNING and without pause
containers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from pillion.core.lifecycle.commands import (
    Command,
    ReportContainer,
    ReportHealth,
    ReportRestart,
    ReportStopping,
    ReportTask,
)
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus

_TOLD = frozenset({ContainerStatus.PULLED, ContainerStatus.RUNNING, ContainerStatus.STOPPED})

LINES_FIRST = 50
LINES_LAST = 15
"""How many lines of a long story are shown, from its beginning and its end: restarts can go on for hours."""


class Happening(Struct, frozen=True, kw_only=True):
    """One thing that happened: `what` in ECS's word, `why` as a half-sentence. No container: the task."""

    at_s: float
    container: str | None
    what: str
    why: str


def story_of(spec: TaskSpec, commands: Iterable[tuple[float, Command]]) -> tuple[Happening, ...]:
    """Return what happened to the task and its containers, in the order of time.

    Args:
        spec: the task.
        commands: what the machine asked for, with the times.
    """
    names = {item.name for item in spec.containers if item.kind is ContainerKind.NORMAL}
    found = (_happening(at_s, command) for at_s, command in commands)
    return tuple(item for item in found if item and (item.container is None or item.container in names))


def _happening(at_s: float, command: Command) -> Happening | None:
    match command:
        case ReportContainer(container=name, after=after, cause=cause) if after in _TOLD:
            return Happening(at_s=at_s, container=name, what=after.value, why=cause)
        case ReportHealth(container=name, status=status, cause=cause):
            return Happening(at_s=at_s, container=name, what=status.value, why=cause)
        case ReportRestart(container=name, restart_count=count, cause=cause):
            return Happening(at_s=at_s, container=name, what="restarted", why=f"{cause} ({count})")
        case ReportStopping(cause=cause):
            return Happening(at_s=at_s, container=None, what="is to stop", why=cause)
        case ReportTask(last_status=status, cause=cause):
            return Happening(at_s=at_s, container=None, what=status, why=cause)
        case _:
            return None


def story_lines(story: Sequence[Happening]) -> list[str]:
    """Return the story as lines: time, who, what, why. The middle of a very long one is left out."""
    left_out = len(story) - LINES_FIRST - LINES_LAST
    if left_out > 1:
        first, last = story[:LINES_FIRST], story[-LINES_LAST:]
        lines = _lines([*first, *last])
        return [*lines[:LINES_FIRST], f"… {left_out} more …", *lines[LINES_FIRST:]]
    return _lines(story)


def _lines(story: Sequence[Happening]) -> list[str]:
    told = [(f"{item.at_s:.2f} s", item.container or "the task", item) for item in story]
    times = max((len(at) for at, _, _ in told), default=0)
    names = max((len(name) for _, name, _ in told), default=0)
    words = max((len(item.what) for _, _, item in told), default=0)
    return [f"{at:>{times}}  {name:{names}}  {item.what:{words}}  {item.why}" for at, name, item in told]
