"""The last lines of containers that end badly are handed over, within bounds; everything is passed on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pillion.core.lifecycle.commands import Report, ReportContainer, ReportHealth
from pillion.core.lifecycle.events import NamedError
from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.state import ContainerState, TaskState, initial_state
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus, HealthStatus, TaskStatus
from pillion.core.plan.model import Notice
from pillion.ports.engine import LogLine, PullProgress
from pillion.runtime.last_lines import BYTES_MAX, LINES_MAX, LastLines
from pillion.runtime.observer import SilentObserver

SPEC = TaskSpec(
    task_arn="arn",
    containers=(
        ContainerSpec(name="pause", kind=ContainerKind.CNI_PAUSE),
        ContainerSpec(name="app"),
        ContainerSpec(name="side"),
    ),
)
START = initial_state(SPEC)


class Kept:
    """What was handed over last, and how often."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[str, ...]] = {}
        self.times = 0

    def __call__(self, container: str, lines: Sequence[str]) -> None:
        self.lines[container] = tuple(lines)
        self.times += 1


def line(container: str, message: str) -> LogLine:
    return LogLine(container=container, stream="stdout", message=message, at_s=1.0)


def ended(name: str, exit_code: int | None, error: NamedError | None = None) -> TaskState:
    """Return a state in which a container that ran has ended."""
    container = ContainerState(
        known=ContainerStatus.STOPPED, exit_code=exit_code, started_at_s=1.0, error=error
    )
    return replace(START, containers={**START.containers, name: container})


def stop(name: str) -> Report:
    return ReportContainer(
        container=name, cause="x", before=ContainerStatus.RUNNING, after=ContainerStatus.STOPPED
    )


def test_lines_are_handed_over_once_a_container_has_ended_badly_and_so_are_late_ones() -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    observer.log(line("app", "one"))
    observer.settled(START, 1.0)
    assert kept.lines == {}
    observer.reported(stop("app"), ended("app", 1), 2.0)
    observer.settled(ended("app", 1), 2.0)
    assert kept.lines == {"app": ("one",)}
    observer.log(line("app", "two"))
    observer.log(line("side", "quiet"))
    observer.finish()
    observer.finish()
    assert (kept.lines, kept.times) == ({"app": ("one", "two")}, 2)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (ended("app", 1), True),
        (ended("app", 137), True),
        (ended("app", 0), False),
        (ended("app", 143), True),
        (ended("app", None), True),
        (replace(ended("app", 143), desired=TaskStatus.STOPPED), False),
        (replace(ended("app", 0), desired=TaskStatus.STOPPED, ended_by="app"), True),
        (replace(ended("app", 143), desired=TaskStatus.STOPPED, ended_by="app"), True),
        (ended("app", 0, NamedError(name="OutOfMemoryError", text="x")), True),
        (START, False),
    ],
)
def test_which_ends_are_bad(state: TaskState, wanted: bool) -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    observer.reported(stop("app"), state, 1.0)
    observer.finish()
    assert ("app" in kept.lines) is wanted


def test_pause_containers_are_nobodys_business() -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    observer.reported(stop("pause"), ended("pause", 137), 1.0)
    observer.finish()
    assert kept.lines == {}


def test_an_unhealthy_container_is_asked_for_while_it_runs() -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    observer.log(line("side", "busy"))
    observer.reported(ReportHealth(container="side", cause="x", status=HealthStatus.UNHEALTHY), START, 1.0)
    observer.settled(START, 1.0)
    assert kept.lines == {"side": ("busy",)}


def test_only_the_last_lines_are_kept() -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    for number in range(LINES_MAX + 5):
        observer.log(line("app", str(number)))
    observer.reported(stop("app"), ended("app", 1), 1.0)
    observer.finish()
    assert kept.lines["app"] == tuple(str(number) for number in range(5, LINES_MAX + 5))


def test_only_so_many_bytes_are_kept_and_a_longer_line_is_cut_between_characters() -> None:
    kept = Kept()
    observer = LastLines(SilentObserver(), kept)
    observer.log(line("app", "first"))
    observer.log(line("app", "x" + "ü" * BYTES_MAX))
    observer.reported(stop("app"), ended("app", 1), 1.0)
    observer.finish()
    (only,) = kept.lines["app"]
    assert only == "x" + "ü" * (BYTES_MAX // 2 - 1)


class Told(SilentObserver):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def reported(self, report: Report, state: TaskState, at_s: float) -> None:
        self.told.append(report)

    def settled(self, state: TaskState, at_s: float) -> None:
        self.told.append(at_s)

    def log(self, line: LogLine) -> None:
        self.told.append(line)

    def progress(self, progress: PullProgress) -> None:
        self.told.append(progress)

    def notice(self, notice: Notice) -> None:
        self.told.append(notice)

    def trouble(self, text: str) -> None:
        self.told.append(text)


def test_everything_is_passed_on() -> None:
    told = Told()
    observer = LastLines(told, Kept())
    notice = Notice(code="x", text="y")
    progress = PullProgress(container="app", image="a", status="Pulling", current_bytes=0, total_bytes=None)
    observer.reported(stop("app"), START, 1.0)
    observer.settled(START, 2.0)
    observer.log(line("app", "one"))
    observer.progress(progress)
    observer.notice(notice)
    observer.trouble("z")
    assert told.told == [stop("app"), 2.0, line("app", "one"), progress, notice, "z"]
