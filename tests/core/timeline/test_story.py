from __future__ import annotations

from pillion.core.lifecycle.commands import (
    Command,
    PullImage,
    ReportContainer,
    ReportHealth,
    ReportRestart,
    ReportStopping,
    ReportTask,
)
from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus
from pillion.core.timeline.story import LINES_FIRST, LINES_LAST, Happening, story_lines, story_of

SPEC = TaskSpec(
    task_arn="arn",
    containers=(ContainerSpec(name="~pause", kind=ContainerKind.CNI_PAUSE), ContainerSpec(name="web")),
)
S = ContainerStatus


def moved(name: str, after: S) -> ReportContainer:
    return ReportContainer(container=name, cause="because", before=S.NONE, after=after)


def test_the_story_tells_what_people_know_of_ecs() -> None:
    commands: list[tuple[float, Command]] = [
        (0.0, ReportTask(cause="started", last_status="PENDING")),
        (0.0, PullImage(container="web", cause="the task was started")),
        (1.0, moved("~pause", S.RUNNING)),
        (2.0, moved("web", S.CREATED)),
        (3.0, moved("web", S.RUNNING)),
        (4.0, ReportHealth(container="web", cause="its health check", status=HealthStatus.HEALTHY)),
        (5.0, ReportRestart(container="web", cause="web exited with code 1", restart_count=2)),
        (60.5, ReportStopping(cause="task stopped by user")),
    ]
    assert story_lines(story_of(SPEC, commands)) == [
        " 0.00 s  the task  PENDING     started",
        " 3.00 s  web       RUNNING     because",
        " 4.00 s  web       HEALTHY     its health check",
        " 5.00 s  web       restarted   web exited with code 1 (2)",
        "60.50 s  the task  is to stop  task stopped by user",
    ]


def test_the_middle_of_a_long_story_is_left_out() -> None:
    story = [
        Happening(at_s=float(at_s), container="web", what="restarted", why="again") for at_s in range(200)
    ]
    lines = story_lines(story)
    assert len(lines) == LINES_FIRST + 1 + LINES_LAST
    assert lines[LINES_FIRST] == f"… {200 - LINES_FIRST - LINES_LAST} more …"
    assert lines[-1] == "199.00 s  web  restarted  again"
