"""The lines of a dashboard: what is known of tasks and containers, laid out for a width. Pure.

A line is made of pieces, each with a tone that a terminal may colour; no tone says what the words do not.
Where there is not room enough, the pieces that one misses least are left out first, of all lines alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from pillion.core.columns import format_age
from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.states import HealthStatus
from pillion.core.monitoring.course import Course, Courses, bars
from pillion.core.monitoring.figures import RUNNING, ContainerFigures, TaskFigures
from pillion.core.monitoring.table import format_bytes
from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU

NAME_WIDTH_MAX = 24

BARS_WIDTH = 6
BARS_WIDTH_WIDE = 24
WIDE = 120
"""From this width on there is room for longer pictures."""

PROSE_WIDTH_MIN = 20
"""A reason or a wait is not cut shorter than that while something else can be left out."""

MEMORY_WARNING_PERCENT = 80.0

CPU_TOP_UNITS_MIN = CPU_UNITS_PER_VCPU / 20
"""What fills the picture of an idle container's CPU: a twentieth of a vCPU, so that noise stays small."""

STOPPED = "STOPPED"

_ID_LENGTH = 8
_STATUS_WIDTH = len("RUNNING")
_HEALTH_WIDTH = len("UNHEALTHY")


class Tone(Enum):
    """How a piece of a line is meant."""

    PLAIN = "as it is"
    NAME = "what the line is about"
    DIM = "less important"
    GOOD = "as it should be"
    BUSY = "under way"
    BAD = "somebody should look"


class Piece(Struct, frozen=True, kw_only=True):
    """Some words of a line.

    Attributes:
        text: the words.
        tone: how they are meant.
        rank: 0 stays whatever the width; of the others the highest are left out first.
        is_prose: whether it may be cut short before anything is left out for it.
    """

    text: str
    tone: Tone = Tone.PLAIN
    rank: int = 0
    is_prose: bool = False


Line = tuple[Piece, ...]


def task_lines(
    tasks: Sequence[TaskFigures], courses: Courses, *, width: int, unsupervised: frozenset[str] = frozenset()
) -> tuple[Line, ...]:
    """Return one line for each task.

    Args:
        tasks: what is known of them.
        courses: how their use went.
        width: of the lines, in characters.
        unsupervised: ids of tasks that are not over and that no process runs any more.
    """
    names = [f"{task.watched.identity.family}:{task.watched.identity.revision}" for task in tasks]
    column = min(NAME_WIDTH_MAX, max(map(len, names), default=0))
    return fit(
        [
            (
                Piece(text=task.watched.identity.task_id[:_ID_LENGTH], tone=Tone.DIM, rank=1),
                Piece(text=_cut(name, column).ljust(column), tone=Tone.NAME),
                Piece(text=task.status.ljust(_STATUS_WIDTH), tone=_status_tone(task.status)),
                *_task_words(task, courses, width=width, is_lost=_id(task) in unsupervised),
            )
            for task, name in zip(tasks, names, strict=True)
        ],
        width,
    )


def container_lines(task: TaskFigures, courses: Courses, *, width: int) -> tuple[Line, ...]:
    """Return one line for each container of a task: where it is, what it waits for, what it uses."""
    column = min(NAME_WIDTH_MAX, max((len(item.name) for item in task.containers), default=0))
    waits = {item.container: item.text.removeprefix(f"{item.container} ") for item in waiting(task.state)}
    any_health = any(_is_checked(item) for item in task.containers)
    any_limit = any(item.memory_limit_bytes for item in task.containers)
    return fit(
        [
            (
                Piece(text=_cut(item.name, column).ljust(column), tone=Tone.NAME),
                Piece(text=item.status.ljust(_STATUS_WIDTH), tone=_status_tone(item.status)),
                *_health(item, any_health),
                *_container_words(
                    item,
                    courses.of(_id(task), item.name),
                    width=width,
                    waits=waits.get(item.name),
                    any_limit=any_limit,
                ),
            )
            for item in task.containers
        ],
        width,
    )


def fit(lines: Sequence[Line], width: int) -> tuple[Line, ...]:
    """Leave out the pieces of the highest ranks, of all lines alike, until they fit; cut what is too long."""
    kept = list(lines)
    while any(_width_wanted(line) > width for line in kept):
        rank = max((item.rank for line in kept for item in line), default=0)
        if not rank:
            break
        kept = [tuple(item for item in line if item.rank < rank) for line in kept]
    return tuple(_cut_line(line, width) for line in kept)


def line_text(line: Line) -> str:
    """Return a line without its tones."""
    return "  ".join(piece.text for piece in line).rstrip()


def _width(pieces: Sequence[Piece]) -> int:
    """Return how long a line is; a piece that says nothing is free where the line is long already."""
    return len("  ".join(item.text for item in pieces).rstrip())


def _width_wanted(pieces: Sequence[Piece]) -> int:
    return _width(
        [replace(item, text=item.text[:PROSE_WIDTH_MIN]) if item.is_prose else item for item in pieces]
    )


def _cut_line(line: Line, width: int) -> Line:
    kept = line
    while (over := _width(kept) - width) > 0 and kept:
        *before, last = kept
        words = last.text.rstrip()
        if len(words) > over + 1:
            return (*before, replace(last, text=_cut(words, len(words) - over)))
        kept = tuple(before)
    return kept


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…" if width > 0 else ""


def _id(task: TaskFigures) -> str:
    return task.watched.identity.task_id


def _task_words(task: TaskFigures, courses: Courses, *, width: int, is_lost: bool) -> Line:
    if is_lost:
        return (Piece(text="nobody supervises it", tone=Tone.BAD), *_use_of_task(task, courses, width=width))
    state = task.state
    if state.stopped_at_s is not None:
        code = state.stop_code.value if state.stop_code else ""
        reason = ": ".join(item for item in (code, state.stopped_reason or "") if item)
        return (Piece(text=reason, is_prose=True),)
    if task.status != RUNNING:
        waits = [item for item in waiting(state) if item.container in {c.name for c in task.containers}]
        return (Piece(text="; ".join(item.text for item in waits), tone=Tone.BUSY, is_prose=True),)
    return _use_of_task(task, courses, width=width)


def _use_of_task(task: TaskFigures, courses: Courses, *, width: int) -> Line:
    running = sum(item.is_running for item in task.containers)
    limit = task.watched.memory_mib
    return (
        Piece(text=f"{running}/{len(task.containers)} run", rank=3),
        *_use(
            courses.of(_id(task)),
            cpu_units=task.cpu_units,
            memory_bytes=task.memory_bytes,
            limit_bytes=limit * BYTES_PER_MIB if limit else None,
            width=width,
            any_limit=True,
        ),
        *_age(None if task.state.started_at_s is None else task.at_s - task.state.started_at_s),
    )


def _container_words(
    item: ContainerFigures, course: Course, *, width: int, waits: str | None, any_limit: bool
) -> Line:
    if item.is_running:
        restarts = f"restarted {item.restarts}×" if item.restarts else ""
        return (
            *((Piece(text=waits, tone=Tone.BUSY, is_prose=True),) if waits else ()),
            *_use(
                course,
                cpu_units=None if item.rates is None else item.rates.cpu_units,
                memory_bytes=None if item.sample is None else item.sample.memory_bytes,
                limit_bytes=item.memory_limit_bytes,
                width=width,
                any_limit=any_limit,
            ),
            *((Piece(text=restarts, tone=Tone.BAD, rank=2),) if restarts else ()),
            *_age(item.uptime_s),
        )
    if item.exit_code is not None:
        tone = Tone.PLAIN if item.exit_code == 0 else Tone.BAD
        return (Piece(text=f"exit code {item.exit_code}", tone=tone),)
    if item.status == STOPPED:
        return (Piece(text="never ran"),)
    return (Piece(text=waits or "", tone=Tone.BUSY, is_prose=True),)


def _is_checked(item: ContainerFigures) -> bool:
    return item.watched.has_health_check or item.health is not HealthStatus.UNKNOWN


def _health(item: ContainerFigures, any_health: bool) -> Line:
    if not any_health or not item.is_running:
        return ()
    tones = {HealthStatus.HEALTHY: Tone.GOOD, HealthStatus.UNHEALTHY: Tone.BAD}
    text = item.health.value if _is_checked(item) else ""
    return (Piece(text=text.ljust(_HEALTH_WIDTH), tone=tones.get(item.health, Tone.BUSY)),)


def _use(
    course: Course,
    *,
    cpu_units: float | None,
    memory_bytes: float | None,
    limit_bytes: int | None,
    width: int,
    any_limit: bool,
) -> Line:
    places = BARS_WIDTH_WIDE if width >= WIDE else BARS_WIDTH
    percent = None if cpu_units is None else cpu_units / CPU_UNITS_PER_VCPU * 100
    cpu_top = max([CPU_TOP_UNITS_MIN, *(value for value in course.cpu_units if value is not None)])
    memory_top = limit_bytes or max([1.0, *(value for value in course.memory_bytes if value is not None)])
    share = memory_bytes / limit_bytes * 100 if memory_bytes is not None and limit_bytes else None
    tone = Tone.BAD if share is not None and share >= MEMORY_WARNING_PERCENT else Tone.PLAIN
    used = "…" if memory_bytes is None else format_bytes(memory_bytes)
    return (
        Piece(text=f"cpu {'…' if percent is None else f'{percent:.{percent < 100:d}f}':>4} %"),
        Piece(text=bars(course.cpu_units, top=cpu_top, width=places), tone=Tone.DIM, rank=4),
        Piece(text=f"mem {used:>8}", tone=tone),
        Piece(text=bars(course.memory_bytes, top=memory_top, width=places), tone=Tone.DIM, rank=5),
        *(_share(share, limit_bytes, tone) if any_limit else ()),
    )


def _share(share: float | None, limit_bytes: int | None, tone: Tone) -> Line:
    """Say how much of a limit is in use, in the same width with and without one."""
    if share is None or not limit_bytes:
        return (Piece(text=" " * len("100 %!")), Piece(text=" " * len("of 1000 MiB"), rank=6))
    mark = "!" if tone is Tone.BAD else " "
    return (
        Piece(text=f"{share:3.0f} %{mark}", tone=tone),
        Piece(text=f"of {format_bytes(limit_bytes):>8}", tone=tone, rank=6),
    )


def _age(seconds: float | None) -> Line:
    return () if seconds is None else (Piece(text=f"up {format_age(seconds)}", tone=Tone.DIM, rank=7),)


def _status_tone(status: str) -> Tone:
    return {RUNNING: Tone.GOOD, STOPPED: Tone.PLAIN}.get(status, Tone.BUSY)
