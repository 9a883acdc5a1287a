"""How the use of containers went over the last looks, and its picture in a line of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from pillion.core.monitoring.figures import TaskFigures

LOOKS_MAX = 60
"""Looks that are remembered of each container; no line of text shows more."""

_BARS = "▁▂▃▄▅▆▇█"


class Course(Struct, frozen=True, kw_only=True):
    """What a container, or a task as a whole, used at each look, the latest last; None where nobody knows."""

    cpu_units: tuple[float | None, ...] = ()
    memory_bytes: tuple[float | None, ...] = ()


class Courses(Struct, frozen=True, kw_only=True):
    """The courses of tasks and containers, by task id and name; the name is empty for a task as a whole."""

    by_name: Mapping[tuple[str, str], Course] = field(default_factory=dict)

    def after(self, tasks: Iterable[TaskFigures]) -> Courses:
        """Return the courses with one more look; tasks that are not in it are forgotten."""
        return Courses(
            by_name={
                key: _longer(self.by_name.get(key, Course()), cpu_units, memory_bytes)
                for task in tasks
                for key, cpu_units, memory_bytes in _values(task)
            }
        )

    def of(self, task_id: str, container: str = "") -> Course:
        """Return the course of a container, or of a whole task; empty for one that was never looked at."""
        return self.by_name.get((task_id, container), Course())


def bars(values: Sequence[float | None], *, top: float, width: int) -> str:
    """Draw the last values as bars of one character each, right-aligned; `top` is what fills a character."""
    shown = values[-width:] if width > 0 else ()
    return "".join(_bar(value, top) for value in shown).rjust(width)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    share = value / top if top > 0 else 0.0
    return _BARS[min(len(_BARS) - 1, max(0, int(share * len(_BARS))))]


def _values(task: TaskFigures) -> Iterable[tuple[tuple[str, str], float | None, float | None]]:
    task_id = task.watched.identity.task_id
    yield (task_id, ""), task.cpu_units, task.memory_bytes
    for item in task.containers:
        cpu_units = None if item.rates is None else item.rates.cpu_units
        memory_bytes = None if item.sample is None else item.sample.memory_bytes
        yield (task_id, item.name), cpu_units, memory_bytes


def _longer(course: Course, cpu_units: float | None, memory_bytes: float | None) -> Course:
    return Course(
        cpu_units=(*course.cpu_units, cpu_units)[-LOOKS_MAX:],
        memory_bytes=(*course.memory_bytes, memory_bytes)[-LOOKS_MAX:],
    )
