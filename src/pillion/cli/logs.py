"""`pillion logs`: what the containers of a task wrote, of any task that the state folder knows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.cli.shown_output import ShownOutput
    from pillion.ports.engine import LogLine
    from pillion.stores.output.lines import End, Gap
    from pillion.stores.output.reader import OutputReader
    from pillion.stores.sqlite import SqliteStore, StoredTask

_FORMATS = ("text", "json")

TAIL_BYTES_MIN = 1 << 16
"""How far before the end the last lines are looked for at first."""

LOOK_EVERY_S = 1.0
"""How often, where nothing comes, it is asked whether anything can come."""


@click.command()
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task's output is over.")
@click.option("--since", metavar="TIME|DURATION", help="Only what was written since then: 10m, or a time.")
@click.option("--container", "containers", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--tail", "last", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("--timestamps", is_flag=True, help="Show the time of each line (text).")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def logs(
    *,
    task: str | None,
    follow: bool,
    since: str | None,
    containers: tuple[str, ...],
    last: int | None,
    timestamps: bool,
    style: str,
) -> None:
    """Show what the containers of TASK wrote, oldest first.

    TASK is the beginning of a task's id, or its family; without it the task that pillion ran last. It does
    not matter who runs the task, or whether it has ended: its output is there for as long as it is known.
    """
    from pillion.cli.known_tasks import known_containers, known_tasks
    from pillion.cli.shown_output import ShownOutput
    from pillion.stores.output.files import output_path
    from pillion.tasks.journals import container_names, find_task

    since_s = _since_s(since)
    with known_tasks() as store:
        stored = find_task(store, task)
        known_containers(stored, containers)
        shown = ShownOutput(
            container_names(stored),
            only=frozenset(containers),
            since_s=since_s,
            timestamps=timestamps,
            style=style,
        )
        try:
            if follow:
                _follow(shown, store, stored, last=last)
            else:
                _show(shown, store, stored, last=last)
        except OSError as error:
            if isinstance(error, BrokenPipeError) or error.filename is None:
                raise  # what is printed cannot be written
            path = output_path(store.folder, stored.task_id)
            raise UserError(f"{path}: {error.strerror}", exit_code=NOT_RUN) from error


def _since_s(since: str | None) -> float | None:
    from pillion.cli.times import parse_moment

    try:
        return parse_moment(since, time.time()) if since is not None else None
    except ValueError as error:
        raise UserError(f"--since: {error}") from error


def _show(shown: ShownOutput, store: SqliteStore, stored: StoredTask, *, last: int | None) -> None:
    reader, entries = _begin(shown, store, stored, last=last)
    with closing(reader):
        is_complete = shown.show(entries)
        if not is_complete and stored.ended_at_s is not None and not reader.is_gone:
            shown.say("the rest of the output is missing: it could not be written to the state folder")


def _follow(shown: ShownOutput, store: SqliteStore, stored: StoredTask, *, last: int | None) -> None:
    from pillion.stores.output.changes import changes_of
    from pillion.stores.output.files import output_path
    from pillion.tasks.journals import supervisor_of

    # Watched before the first look, so that nothing is missed between.
    with closing(changes_of(output_path(store.folder, stored.task_id))) as changes:
        reader, entries = _begin(shown, store, stored, last=last, goes_on=True)
        with closing(reader):
            is_over = shown.show(entries)
            can_come, asked_at_s = True, 0.0
            while not is_over:
                changes.wait(LOOK_EVERY_S)
                if time.monotonic() - asked_at_s >= LOOK_EVERY_S:
                    # Asked before the reading: whoever is gone by now has written all that he wrote.
                    stored, asked_at_s = _again(store, stored), time.monotonic()
                    can_come = supervisor_of(store, stored) is not None
                is_over = shown.show(shown.wanted(reader.read_new()))
                if not can_come and not is_over:
                    shown.show(shown.wanted(reader.read_last()))
                    why = (
                        "nobody runs the task any more" if stored.ended_at_s is None else "the task has ended"
                    )
                    shown.say(f"that is all there is: {why}")
                    return


def _begin(
    shown: ShownOutput, store: SqliteStore, stored: StoredTask, *, last: int | None, goes_on: bool = False
) -> tuple[OutputReader, Iterable[LogLine | Gap | End]]:
    """Return a reader, and what it read first: everything, or the last lines.

    For the last lines it begins near the end, and further back where too few of those there are wanted.
    """
    from pillion.stores.output.reader import OutputReader

    span = TAIL_BYTES_MIN
    while True:
        reader = OutputReader(store.folder, stored.task_id, last_bytes=None if last is None else span)
        found = reader.read_new() if goes_on else chain(reader.read_new(), reader.read_last())
        wanted = shown.wanted(found)
        if last is None:
            return reader, wanted
        entries = tuple(_tail(wanted, last))
        if len(entries) >= last or span >= reader.size_bytes:
            return reader, entries
        reader.close()
        span *= 16


def _tail(entries: Iterable[LogLine | Gap | End], last: int) -> Iterator[LogLine | Gap | End]:
    """Keep the last lines; the end of the output is no line, and stays."""
    from pillion.stores.output.lines import End

    kept: deque[LogLine | Gap | End] = deque(maxlen=last)
    ends: list[LogLine | Gap | End] = []
    for entry in entries:
        (ends if isinstance(entry, End) else kept).append(entry)
    yield from kept
    yield from ends


def _again(store: SqliteStore, stored: StoredTask) -> StoredTask:
    """Return a task as it is known now; another process may have taken it over."""
    from pillion.tasks.journals import HistoryError, find_task

    try:
        return find_task(store, stored.task_id)
    except HistoryError:
        return stored  # it was forgotten meanwhile
