"""The lines of the dashboard: what they say, and what is left out first where there is little room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.monitoring.making import BEGAN_S, MIB, figures, identity, running, sample, watched
from pillion.core.lifecycle import events as ev
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.state import initial_state
from pillion.core.monitoring.board import Piece, Tone, container_lines, fit, line_text, task_lines
from pillion.core.monitoring.course import Courses
from pillion.core.monitoring.figures import TaskFigures
from pillion.core.plan.build import make_plan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition

TASK = identity().task_id
PIECES = st.builds(Piece, text=st.text("ab ", max_size=12), rank=st.integers(0, 3), is_prose=st.booleans())


def texts(task: TaskFigures, width: int, *, lost: bool = False) -> list[str]:
    courses = Courses().after([task])
    lines = (
        *task_lines([task], courses, width=width, unsupervised=frozenset([TASK] if lost else [])),
        *container_lines(task, courses, width=width),
    )
    return [line_text(line) for line in lines]


def tight() -> TaskFigures:
    """Return a task one of whose containers is near its memory limit."""
    samples = {f"id-{name}": sample(60.0) for name in ("web", "router")}
    return figures(samples={**samples, "id-envoy": sample(60.0, memory_bytes=120 * MIB)})


def test_a_wide_line_says_everything() -> None:
    assert texts(tight(), 140) == [
        (
            "01234567  shop:3  RUNNING  3/3 run  cpu  150 %                         █  mem  320 MiB"
            "                         ▃   31 %   of  1.0 GiB  up 1m"
        ),
        (
            "web     RUNNING  UNKNOWN    cpu 50.0 %                         █  mem  100 MiB"
            "                         ▂   20 %   of  512 MiB  up 1m"
        ),
        (
            "router  RUNNING             cpu 50.0 %                         █  mem  100 MiB"
            "                         █                       up 1m"
        ),
        (
            "envoy   RUNNING             cpu 50.0 %                         █  mem  120 MiB"
            "                         █   94 %!  of  128 MiB  up 1m"
        ),
    ]


def test_at_eighty_characters_history_and_shares_of_limits_are_there() -> None:
    assert texts(tight(), 76)[1:] == [
        "web     RUNNING  UNKNOWN    cpu 50.0 %       █  mem  100 MiB       ▂   20 %",
        "router  RUNNING             cpu 50.0 %       █  mem  100 MiB       █",
        "envoy   RUNNING             cpu 50.0 %       █  mem  120 MiB       █   94 %!",
    ]


def test_in_a_narrow_terminal_status_and_use_stay() -> None:
    assert texts(tight(), 53) == [
        "shop:3  RUNNING  cpu  150 %  mem  320 MiB   31 %",
        "web     RUNNING  UNKNOWN    cpu 50.0 %  mem  100 MiB",
        "router  RUNNING             cpu 50.0 %  mem  100 MiB",
        "envoy   RUNNING             cpu 50.0 %  mem  120 MiB",
    ]


def test_a_task_that_starts_says_who_waits_for_whom() -> None:
    definition = {
        "containerDefinitions": [
            {"name": "loader", "image": "l", "memory": 64, "essential": False},
            {
                "name": "app",
                "image": "a",
                "memory": 64,
                "dependsOn": [{"containerName": "loader", "condition": "SUCCESS"}],
            },
        ]
    }
    parsed = parse_task_definition({"family": "shop", **definition})
    assert parsed.definition is not None
    state = initial_state(make_plan(parsed.definition, identity(), RunOptions()).spec)
    for event in (ev.StartRequested(), ev.ManifestResolved(container="app"), ev.Pulled(container="app")):
        state = handle(state, event, BEGAN_S).state
    task = figures(state=state, samples={}, before={}, of=watched(**definition))
    assert texts(task, 200) == [
        (
            "01234567  shop:3  PENDING  loader waits for the image to be looked up; app waits for loader to "
            "exit with 0 (SUCCESS)"
        ),
        "loader  PENDING  waits for the image to be looked up",
        "app     PENDING  waits for loader to exit with 0 (SUCCESS)",
    ]
    assert texts(task, 60)[0] == "01234567  shop:3  PENDING  loader waits for the image to be…"


def test_what_has_ended_says_how_and_what_is_bad_is_toned_so() -> None:
    state = running(
        ev.Exited(container="envoy", exit_code=137, at_s=BEGAN_S), ev.Exited(container="web", exit_code=0)
    )
    lines = container_lines(figures(state=state), Courses(), width=80)
    assert [(line_text(line), line[-1].tone) for line in lines[::2]] == [
        ("web     STOPPED  exit code 0", Tone.PLAIN),
        ("envoy   STOPPED  exit code 137", Tone.BAD),
    ]


def test_a_task_that_nobody_supervises_says_so() -> None:
    assert texts(tight(), 140, lost=True)[0].startswith(
        "01234567  shop:3  RUNNING  nobody supervises it  3/3"
    )


@given(st.lists(st.lists(PIECES, max_size=5).map(tuple), max_size=4), st.integers(1, 40))
def test_no_line_is_longer_than_the_width(lines: list[tuple[Piece, ...]], width: int) -> None:
    fitted = fit(lines, width)
    assert len(fitted) == len(lines)
    assert all(len(line_text(line)) <= width for line in fitted)


@pytest.mark.parametrize("width", range(2, 12))
def test_a_single_word_is_cut_with_a_sign_that_it_was(width: int) -> None:
    ((piece,),) = fit([(Piece(text="supervised"),)], width)
    assert piece.text == ("supervised" if width >= 10 else "supervised"[: width - 1] + "…")
