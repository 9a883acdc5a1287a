"""The dashboard, driven by keys: what is chosen, what is shown of it, and what has to be confirmed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import RichLog, Static

from core.monitoring.making import BEGAN_S, figures, identity, running, watched
from pillion.cli.dashboard import screen
from pillion.cli.dashboard.screen import Dashboard, Lines
from pillion.cli.dashboard.source import Board, TaskOutput
from pillion.cli.exits import UserError
from pillion.cli.top import top
from pillion.core.lifecycle import events as ev
from pillion.core.monitoring.figures import TaskFigures
from pillion.ports.engine import LogLine

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "LOOK_EVERY_S", 3600.0)
    monkeypatch.setattr(screen, "READ_EVERY_S", 3600.0)


def line(container: str, message: str) -> LogLine:
    return LogLine(container=container, stream="stdout", message=message, at_s=1.0)


class Output(TaskOutput):
    """Output that a test writes."""

    def __init__(self, folder: Path, task_id: str, *lines: LogLine) -> None:
        super().__init__(folder, task_id)
        self.coming = deque(lines)

    def read_new(self) -> list[LogLine]:
        found = list(self.coming)
        self.coming.clear()
        self.lines.extend(found)
        return found


class World:
    """A source that shows what a test says."""

    def __init__(self, folder: Path, *tasks: TaskFigures) -> None:
        self._folder = folder
        self.board = Board(tasks=tasks)
        self.stopped: list[str] = []
        self.outputs: dict[str, Output] = {}

    async def look(self) -> Board:
        return self.board

    def output(self, task_id: str) -> TaskOutput:
        lines = (line("web", f"web of {task_id[:2]}"), line("envoy", "envoy"))
        return self.outputs.setdefault(task_id, Output(self._folder, task_id, *lines))

    def why(self, task_id: str) -> str:
        return f"why {task_id[:8]} [is] here"

    async def stop(self, task_id: str) -> str:
        self.stopped.append(task_id)
        return "asked"


def of(task_id: str, family: str, *later: ev.Event) -> TaskFigures:
    who = replace(identity(), task_id=task_id * 16, family=family)
    return figures(state=running(*later), of=replace(watched(), identity=who))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(
        tmp_path,
        of("01", "shop"),
        of("02", "jobs", ev.Exited(container="envoy", exit_code=1, at_s=BEGAN_S)),
    )


def pane(app: Dashboard, name: str) -> list[str]:
    lines = app.screen_stack[0].query_one(f"#{name}", Lines)
    found = [lines.get_option_at_index(place).prompt for place in range(lines.option_count)]
    return [str(item).rstrip() for item in found]


def output(app: Dashboard) -> list[str]:
    shown = app.screen_stack[0].query_one("#output", RichLog)
    return [strip.text.rstrip() for strip in shown.lines]


async def settle(pilot: Pilot[None]) -> None:
    """Have everything done that was asked for, and one more look and one more reading."""
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, Dashboard)
    await app.look()
    app.read_output()
    await pilot.pause()


async def test_tasks_their_containers_and_output_stand_below_one_another(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert [item[:28].rstrip() for item in pane(app, "tasks")] == [
            "▸ 01010101  shop:3  RUNNING",
            "  02020202  jobs:3  RUNNING",
        ]
        assert [item[:18].rstrip() for item in pane(app, "containers")] == [
            "▸ web     RUNNING",
            "  router  RUNNING",
            "  envoy   RUNNING",
        ]
        assert output(app) == ["web of 01"]
        world.outputs["01" * 16].coming.append(line("web", "\x1b[31mmore\x1b[0m"))
        await settle(pilot)
        assert output(app) == ["web of 01", "more"]


async def test_what_is_chosen_stays_chosen_wherever_it_moves(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("down")
        await settle(pilot)
        assert output(app) == ["web of 02"]
        await pilot.press("tab", "down", "down")
        await settle(pilot)
        assert pane(app, "containers")[2].startswith("▸ envoy   STOPPED")
        assert output(app) == ["envoy"]
        world.board = replace(world.board, tasks=(of("03", "new"), *world.board.tasks))
        await settle(pilot)
        assert [item[:19].rstrip() for item in pane(app, "tasks")] == [
            "  03030303  new:3",
            "  01010101  shop:3",
            "▸ 02020202  jobs:3",
        ]
        assert output(app) == ["envoy"]
        await pilot.press("a")
        await settle(pilot)
        assert output(app) == ["    web | web of 02", "  envoy | envoy"]


async def test_a_container_that_runs_is_chosen_before_one_that_has_ended(tmp_path: Path) -> None:
    app = Dashboard(World(tmp_path, of("01", "shop", ev.Exited(container="web", exit_code=0, at_s=BEGAN_S))))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        chosen = [item[2:].split()[:2] for item in pane(app, "containers") if item.startswith("▸")]
        assert chosen == [["router", "RUNNING"]]


async def test_a_signal_ends_it_as_q_does(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
    assert app.return_code == 143


async def test_lines_follow_the_width_of_the_terminal(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(50, 24)) as pilot:
        await settle(pilot)
        assert "up 1m" not in pane(app, "containers")[0]
        assert max(map(len, (*pane(app, "tasks"), *pane(app, "containers")))) <= 48
        await pilot.resize_terminal(150, 24)
        await settle(pilot)
        assert pane(app, "containers")[0].endswith("up 1m")


async def test_a_task_is_stopped_only_after_a_yes(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await pilot.pause()
        assert "Stop task 01010101 (shop:3)?" in str(app.screen.query_one("#question", Static).render())
        await pilot.press("n")
        await settle(pilot)
        assert world.stopped == []
        await pilot.press("s", "y")
        await settle(pilot)
        assert world.stopped == ["01" * 16]


async def test_why_a_task_is_where_it_is_can_be_read_and_put_away(world: World) -> None:
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert str(app.screen.query_one("#reading Static", Static).render()) == "why 01010101 [is] here"
        await pilot.press("escape")
        await settle(pilot)
        assert len(app.screen_stack) == 1


async def test_without_tasks_and_with_trouble_it_is_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.board = Board(trouble="no figures: the engine does not answer")
    app = Dashboard(world)
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("s", "e", "w", "a", "tab", "down")
        await settle(pilot)
        head = str(app.query_one("#head", Static).render())
        assert "no task runs here, and none is remembered: pillion run FILE" in head
        assert "no figures: the engine does not answer" in head


async def test_a_shell_needs_a_container_that_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Dashboard, "notify", lambda self, text, **_: said.append(text))
    app = Dashboard(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("down", "tab", "down", "down", "e")
        await settle(pilot)
        await pilot.press("up", "e")
        await settle(pilot)
    assert said == ["a shell needs a container that runs", "a shell needs a terminal of its own here"]


@pytest.mark.parametrize(
    ("is_there", "words"),
    [
        (False, "pillion top needs Textual: pip install 'pillion[top]'"),
        (True, "pillion top needs a terminal; pillion stats --format json prints the same figures"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, is_there: bool, words: str) -> None:
    if not is_there:
        monkeypatch.setitem(sys.modules, "textual", None)
    done = CliRunner().invoke(top, [], standalone_mode=False)
    assert isinstance(done.exception, UserError)
    assert str(done.exception) == words
