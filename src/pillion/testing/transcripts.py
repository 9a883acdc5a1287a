"""Golden transcripts: what happens to a task, and everything that the state machine answers, as text.

A file holds one promise in several scenes. A scene has a title, a definition, and events with their time;
the indented lines are the machine's full answer and are written by running the scene:

    == an essential container that exits with 0 ends the task
    container web
    container router nonessential
    auto manifest pull create start

    @0 quietly start
      = web RUNNING, router RUNNING; task RUNNING
    @60 exited web 0
      web RUNNING -> STOPPED: exited with code 0
      task stopping: essential container web exited with code 0
      do stop router within 30 s: essential container web exited with code 0

`auto` names the kinds of work that the engine answers by itself, at once and without fault (`all` for every
kind, `none` for no kind, `create!web` for all but web's); such an answer is shown with `>`. `quietly` shows
only where everyone is afterwards. `why` shows what is waited for, `describe` what ECS would show. Events and
definitions: `transcript_lines`.

`rewrite` runs a text and returns it with the answers as they are now. A test compares it with what it was;
whoever changes a rule rewrites the files, and the diff is what gets reviewed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from pillion.core.lifecycle.commands import Command
from pillion.core.lifecycle.events import Event
from pillion.core.lifecycle.explain import waiting
from pillion.core.lifecycle.machine import handle
from pillion.core.lifecycle.spec import TaskSpec
from pillion.core.lifecycle.state import TaskState, initial_state
from pillion.testing.transcript_lines import (
    EMPTY_TASK,
    LineError,
    add_to_spec,
    answer_to,
    command_line,
    description_lines,
    read_event,
    summary_line,
)

WORK = ("prepare", "manifest", "pull", "create", "start", "provision", "stop")
"""The kinds of work that `auto` can name."""

_ANSWERS_MAX = 1000
"""More answers than this to one event mean that the machine goes round in circles."""

_TITLE = "== "
_INDENT = "  "


class TranscriptError(ValueError):
    """A transcript cannot be run. The message says which line and why."""


class Scene(Struct, frozen=True, kw_only=True):
    """One scene of a transcript: its title, and its text with the title line."""

    title: str
    text: str


def scenes(text: str) -> tuple[Scene, ...]:
    """Return the scenes of a transcript, in its order; what stands before the first belongs to none."""
    found = []
    for part in text.split(f"\n{_TITLE}")[1:]:
        title = part.split("\n", 1)[0]
        found.append(Scene(title=title, text=f"{_TITLE}{part.rstrip()}\n"))
    return tuple(found)


def rewrite(text: str) -> str:
    """Run every scene of a text and return it with the answers that the machine gives now.

    Raises:
        TranscriptError: a line is not understood.
    """
    stage = _Stage()
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_INDENT):
            continue  # an answer: written anew
        lines.append(line)
        if line.startswith(_TITLE):
            stage = _Stage()
            continue
        try:
            answers = stage.take(line)
        except (LineError, ValueError) as error:
            raise TranscriptError(f"line {number}: {error}") from error
        lines += [f"{_INDENT}{answer}" for answer in answers]
    return "\n".join(lines).rstrip() + "\n"


class _Stage:
    """One scene being run, line by line."""

    def __init__(self) -> None:
        self._spec: TaskSpec = EMPTY_TASK
        self._state: TaskState | None = None
        self._auto: frozenset[str] = frozenset()
        self._held: frozenset[str] = frozenset()
        self._now_s = 0.0

    def take(self, line: str) -> list[str]:
        """Run one line; return what is to be written below it."""
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return []
        if word.startswith("@"):
            self._now_s = float(word[1:])
            return self._happen(rest)
        if word == "auto":
            self._set_auto(rest.split())
            return []
        if word == "why":
            return [item.text for item in waiting(self._current())] or ["nobody waits for anything"]
        if word == "describe":
            return description_lines(self._current())
        self._spec = add_to_spec(self._spec, line)
        return []

    def _current(self) -> TaskState:
        if self._state is None:
            self._state = initial_state(self._spec)
        return self._state

    def _set_auto(self, words: Iterable[str]) -> None:
        auto: set[str] = set()
        held: set[str] = set()
        for word in words:
            kind, _, name = word.partition("!")
            if kind not in (*WORK, "all", "none"):
                raise LineError(f"{kind!r} is no kind of work; there are all, none, {', '.join(WORK)}")
            auto |= {"all": set(WORK), "none": set()}.get(kind, {kind})
            if name:
                held.add(f"{kind} {name}")
        self._auto, self._held = frozenset(auto), frozenset(held)

    def _happen(self, text: str) -> list[str]:
        quietly = text.startswith("quietly ")
        answers, lines = deque([text.removeprefix("quietly ")]), []
        for count in range(_ANSWERS_MAX):
            if not answers:
                break
            line = answers.popleft()
            commands = self._handle(read_event(line, self._now_s))
            lines += [f"> {line}"] if count else []
            lines += [command_line(command) for command in commands]
            answers += self._answers(commands)
        else:
            raise LineError(f"the engine and the machine have not come to rest after {_ANSWERS_MAX} events")
        if quietly:
            return [f"= {summary_line(self._current())}"]
        return lines or ["nothing"]

    def _handle(self, event: Event) -> tuple[Command, ...]:
        self._state, commands = handle(self._current(), event, self._now_s)
        return commands

    def _answers(self, commands: Iterable[Command]) -> list[str]:
        found = []
        for command in commands:
            answer = answer_to(command)
            if answer is None:
                continue
            kind, line = answer
            if kind in self._auto and f"{kind} {line.split(' ')[1]}" not in self._held:
                found.append(line)
        return found
