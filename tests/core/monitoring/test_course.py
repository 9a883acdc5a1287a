"""How use went over the last looks, and the picture of it."""

from __future__ import annotations

import pytest

from core.monitoring.making import MIB, figures, sample, watched
from pillion.core.monitoring.course import LOOKS_MAX, Course, Courses, bars

TASK = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("values", "top", "width", "drawn"),
    [
        ((0, 1, 2, 4, 7, 8), 8, 6, "▁▂▃▅██"),
        ((0, 4, 8), 8, 2, "▅█"),
        ((8,), 8, 3, "  █"),
        ((None, 100, -1), 8, 3, " █▁"),
        ((1, 2), 0, 2, "▁▁"),
        ((1, 2), 8, 0, ""),
        ((), 8, 2, "  "),
    ],
)
def test_values_become_bars_of_one_character(
    values: tuple[float | None, ...], top: float, width: int, drawn: str
) -> None:
    assert bars(values, top=top, width=width) == drawn


def test_each_look_adds_a_value_for_the_task_and_for_each_container() -> None:
    gone = {f"id-{name}": sample(70.0, memory_bytes=MIB) for name in ("web",)}
    courses = Courses().after([figures()]).after([figures(70.0, samples=gone)])
    assert courses.of(TASK, "web") == Course(cpu_units=(512, 512), memory_bytes=(100 * MIB, MIB))
    assert courses.of(TASK, "envoy") == Course(cpu_units=(512, None), memory_bytes=(100 * MIB, None))
    assert courses.of(TASK).memory_bytes == (300 * MIB, MIB)
    assert courses.of("other") == Course()


def test_only_the_last_looks_are_remembered_and_only_of_what_is_there() -> None:
    courses = Courses()
    for _ in range(LOOKS_MAX + 2):
        courses = courses.after([figures()])
    assert len(courses.of(TASK, "web").cpu_units) == LOOKS_MAX
    assert courses.after([]) == Courses()
    assert set(courses.after([figures(of=watched())]).by_name) == {
        (TASK, name) for name in ("", "web", "router", "envoy")
    }
