"""The dashboard's screen: three panes, one below the other, and the keys that work in them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, RichLog, Static
from textual.widgets.option_list import Option

from pillion.cli.dashboard.source import Board, Source, TaskOutput
from pillion.cli.names import NameColumn
from pillion.core.monitoring.board import Line, Tone, container_lines, task_lines
from pillion.core.monitoring.course import Courses
from pillion.core.monitoring.figures import TaskFigures
from pillion.ports.engine import LogLine

LOOK_EVERY_S = 1.0
"""How often tasks and containers are looked at."""

READ_EVERY_S = 0.25
"""How often new output is read."""

SHOWN_LINES_MAX = 2000

_STYLES = {
    Tone.PLAIN: "",
    Tone.NAME: "bold",
    Tone.DIM: "dim",
    Tone.GOOD: "green",
    Tone.BUSY: "yellow",
    Tone.BAD: "bold red",
}

_CHOSEN, _OTHER = "▸ ", "  "


class Lines(OptionList):
    """Lines of which one is chosen, by an id that outlives their order."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._ids: list[str] = []
        self._shown: Sequence[Line] = ()
        self.chosen: str | None = None

    @property
    def text_width(self) -> int:
        """Characters that a line may have."""
        return max(10, self.scrollable_content_region.width - len(_CHOSEN))

    def show(self, ids: Sequence[str], lines: Sequence[Line], *, preferred: str | None = None) -> None:
        """Show these lines; the chosen one stays chosen, else `preferred` is, else the first one."""
        self._shown = lines
        if list(ids) != self._ids:
            self._ids = list(ids)
            if self.chosen not in self._ids:
                self.chosen = preferred or next(iter(self._ids), None)
            with self.prevent(OptionList.OptionHighlighted):
                self.clear_options()
                self.add_options([Option(text, id=id_) for id_, text in zip(ids, self._texts(), strict=True)])
                if self.chosen is not None:
                    self.highlighted = self._ids.index(self.chosen)
            return
        self.draw()

    def draw(self) -> None:
        """Draw the lines anew."""
        for place, text in enumerate(self._texts()):
            self.replace_option_prompt_at_index(place, text)

    def _texts(self) -> Iterator[Text]:
        for id_, line in zip(self._ids, self._shown, strict=True):
            text = Text(_CHOSEN if id_ == self.chosen else _OTHER, no_wrap=True, overflow="ellipsis")
            for place, piece in enumerate(line):
                text.append("  " if place else "")
                text.append(piece.text, style=_STYLES[piece.tone])
            yield text


class Question(ModalScreen[bool]):
    """Asks whether something shall be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,escape,q", "dismiss(False)", "no", key_display="n"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Show the question and its keys."""
        yield Static(f"{self._text}\n\ny yes   n no", id="question", markup=False)


class Reading(ModalScreen[None]):
    """Shows a long text until it is put away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,w", "dismiss", "back", key_display="esc")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Show the text."""
        with VerticalScroll(id="reading"):
            yield Static(self._text, markup=False)
        yield Footer()


class Dashboard(App[None]):
    """Tasks, containers of the chosen task, output of the chosen container."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "pillion top"

    CSS = """
    #head { height: 1; padding: 0 1; }
    OptionList { border: round $foreground 60%; padding: 0; height: auto; }
    OptionList:focus { border: round $accent; }
    OptionList > .option-list--option { padding: 0; }
    #tasks { max-height: 30%; min-height: 3; }
    #containers { max-height: 40%; min-height: 3; }
    RichLog { border: round $foreground 60%; height: 1fr; min-height: 4; padding: 0; }
    RichLog:focus { border: round $accent; }
    Question { align: center middle; }
    #question { width: auto; max-width: 90%; height: auto; padding: 1 3; border: thick $warning; }
    Reading { align: center middle; }
    #reading { width: 95%; height: 90%; padding: 0 1; border: round $accent; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("tab", "next_pane", "next pane", priority=True),
        Binding("s", "stop", "stop task"),
        Binding("e", "shell", "shell"),
        Binding("w", "why", "why?"),
        Binding("a", "all_output", "output of all"),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._board = Board()
        self._courses = Courses()
        self._output: TaskOutput | None = None
        self._shows_all = False
        self._title = Static("looking…", id="head", markup=False)
        self._tasks = Lines("tasks")
        self._containers = Lines("containers")
        self._pane = RichLog(id="output", max_lines=SHOWN_LINES_MAX, wrap=True, highlight=False, markup=False)

    # What is on the screen

    def compose(self) -> ComposeResult:
        """Make the panes."""
        yield self._title
        yield self._tasks
        yield self._containers
        yield self._pane
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self._tasks.border_title = "tasks"
        self._containers.border_title = "containers"
        # Else the terminal would be left as it is now. SIGHUP ends us at once: there is no terminal any more.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end)
        self.run_worker(self._watch())
        self.set_interval(READ_EVERY_S, self.read_output)

    def _end(self) -> None:
        self.exit(return_code=128 + signal.SIGTERM)

    def on_resize(self, event: Resize) -> None:
        """Lay the lines out for the new width, once it is known to the panes."""
        del event
        self.call_after_refresh(self._show)

    @property
    def chosen_task(self) -> TaskFigures | None:
        """The chosen task."""
        return next((task for task in self._board.tasks if _id(task) == self._tasks.chosen), None)

    async def look(self) -> None:
        """Look at everything now, and show it."""
        self._board = await self._source.look()
        self._courses = self._courses.after(self._board.tasks)
        self._show()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _show(self) -> None:
        board, tasks = self._board, self._tasks
        lines = task_lines(
            board.tasks, self._courses, width=tasks.text_width, unsupervised=board.unsupervised
        )
        tasks.show([_id(task) for task in board.tasks], lines)
        self._title.update(self._head())
        self._show_containers()

    def _show_containers(self) -> None:
        task, containers = self.chosen_task, self._containers
        containers.border_title = f"containers of {_name(task)}" if task else "containers"
        lines = container_lines(task, self._courses, width=containers.text_width) if task else ()
        items = task.containers if task else ()
        running = next((item.name for item in items if item.is_running), None)
        containers.show([item.name for item in items], lines, preferred=running)
        self._choose_output()

    def _head(self) -> Text:
        running = sum(task.state.stopped_at_s is None for task in self._board.tasks)
        text = Text("pillion top", style="bold")
        if not self._board.tasks:
            text.append("   no task runs here, and none is remembered: pillion run FILE", style="")
        else:
            text.append(f"   {running} running, {len(self._board.tasks) - running} ended", style="")
        if self._board.trouble:
            text.append(f"   {self._board.trouble}", style="bold red")
        return text

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Choose a line."""
        lines = event.option_list
        if isinstance(lines, Lines) and event.option_id != lines.chosen:
            lines.chosen = event.option_id
            lines.draw()
            self._show_containers() if lines is self._tasks else self._choose_output(anew=True)

    # Output

    def _choose_output(self, *, anew: bool = False) -> None:
        """Have the output of the chosen task and container on the screen."""
        task = self.chosen_task
        task_id = _id(task) if task else None
        is_other = (self._output.task_id if self._output else None) != task_id
        if is_other:
            if self._output is not None:
                self._output.close()
            self._output = self._source.output(task_id) if task_id else None
        title = f"output of {'all containers' if self._shows_all else self._containers.chosen}"
        if is_other or anew or title != self._pane.border_title:
            self._pane.border_title = title
            self._pane.clear()
            if self._output is not None:
                self._output.read_new()
                self._write(list(self._output.lines))

    def read_output(self) -> None:
        """Show what was written since."""
        if self._output is not None:
            self._write(self._output.read_new())

    def _write(self, lines: Sequence[LogLine]) -> None:
        task = self.chosen_task
        if task is None:
            return
        column = NameColumn([item.name for item in task.containers])
        chosen = self._containers.chosen
        shown = [line for line in lines if self._shows_all or line.container == chosen]
        for line in shown[-SHOWN_LINES_MAX:]:
            text = Text.from_ansi(line.message)
            if self._shows_all:
                style = column.colour_of.get(line.container, "")
                name = line.container.rjust(column.width)
                text = Text.assemble((name, style), " | ", text)
            self._pane.write(text)

    # Keys

    def action_next_pane(self) -> None:
        """Go to the next pane."""
        self.screen.focus_next()

    def action_all_output(self) -> None:
        """Show the output of all containers, or of the chosen one again."""
        self._shows_all = not self._shows_all
        self._choose_output()

    def action_why(self) -> None:
        """Say why the chosen task is where it is."""
        if self.chosen_task is not None:
            self.push_screen(Reading(self._source.why(_id(self.chosen_task))))

    def action_stop(self) -> None:
        """Stop the chosen task, if that is really wanted."""
        task = self.chosen_task
        if task is None or task.state.stopped_at_s is not None:
            self.notify("this task has ended", severity="warning")
            return

        def answered(is_wanted: bool | None) -> None:
            if is_wanted:
                self.run_worker(self._stop(task))

        self.push_screen(Question(f"Stop task {_id(task)[:8]} ({_name(task)})?"), answered)

    async def _stop(self, task: TaskFigures) -> None:
        self.notify(f"{_name(task)}: {await self._source.stop(_id(task))}", markup=False)

    def action_shell(self) -> None:
        """Leave the screen to a shell in the chosen container."""
        task, name = self.chosen_task, self._containers.chosen
        item = next((item for item in task.containers if item.name == name), None) if task else None
        if task is None or item is None or not item.is_running:
            self.notify("a shell needs a container that runs", severity="warning")
            return
        try:
            with self.suspend():
                command = ["exec", "-it", _id(task), item.name, "--", "sh"]
                done = subprocess.run(  # noqa: S603 - pillion itself
                    [sys.executable, "-m", "pillion", *command], check=False
                )
        except SuspendNotSupported:
            self.notify("a shell needs a terminal of its own here", severity="warning")
            return
        if done.returncode in _NO_SHELL:
            self.notify(f"{item.name} has no shell", severity="warning")


_NO_SHELL = (126, 127)


def _id(task: TaskFigures) -> str:
    return task.watched.identity.task_id


def _name(task: TaskFigures) -> str:
    identity = task.watched.identity
    return f"{identity.family}:{identity.revision}"
