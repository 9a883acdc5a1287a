"""`pillion stats`: what the containers of running tasks use, against their limits."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import INTERRUPTED, NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.core.monitoring.figures import TaskFigures
    from pillion.core.monitoring.notes import WatchNotes

_FORMATS = ("text", "json")

FIRST_S = 1.0
"""How long CPU is looked at for a single answer."""

WATCH_S = 2.0
"""How often `--watch` looks."""

_REDRAW = "\x1b[H\x1b[J"
"""Home, and clear to the end: the screen is drawn over, not scrolled."""

_CLEAR = "\x1b[2J"


@click.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C or the tasks have ended.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def stats(*, tasks: tuple[str, ...], watch: bool, style: str) -> int:
    """Show what the containers of TASK use: CPU, memory against limits, network, disk, output.

    TASK is the beginning of a task's id, or its family; without it all tasks that are not over, whichever
    process supervises them. CPU is in percent of one vCPU, as with docker stats.
    """
    from pillion.ports.engine import EngineUnreachableError
    from pillion.ports.store import StoreError
    from pillion.tasks.journals import HistoryError

    try:
        return asyncio.run(_show(tasks, watch=watch, style=style))
    except HistoryError as error:
        raise UserError(str(error)) from error
    except (StoreError, EngineUnreachableError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    except KeyboardInterrupt:
        return 0 if watch else INTERRUPTED


async def _show(names: Sequence[str], *, watch: bool, style: str) -> int:
    from pillion.connecting import docker_engine
    from pillion.stores.sqlite import state_folder
    from pillion.tasks.looking import TaskLooker

    folder = state_folder()
    engine = docker_engine(folder)
    redraw = watch and style == "text" and sys.stdout.isatty()
    try:
        with TaskLooker(folder, engine, now_s=time.time) as looker:
            if not await looker.look(names) and not watch:
                _say_nothing_runs(style)
                return 0
            await asyncio.sleep(FIRST_S)
            if redraw:
                click.echo(_CLEAR, nl=False)
            while True:
                found = await looker.look(names)
                notes = {
                    task.watched.identity.task_id: looker.notes(task.watched.identity.task_id)
                    for task in found
                }
                _print(found, notes, style=style, redraw=redraw, lines=watch)
                if not watch or (names and all(task.state.stopped_at_s is not None for task in found)):
                    return 0
                await asyncio.sleep(WATCH_S)
    finally:
        await engine.close()


def _print(
    found: Sequence[TaskFigures],
    notes: Mapping[str, WatchNotes | None],
    *,
    style: str,
    redraw: bool,
    lines: bool,
) -> None:
    from pillion.core.monitoring.notes import notes_lines, notes_shape
    from pillion.core.monitoring.shape import figures_shape
    from pillion.core.monitoring.table import figures_text

    if style == "json":
        value = {
            "tasks": [
                {**figures_shape(task), **(notes_shape(noted) if noted else {})}
                for task in found
                for noted in [notes[task.watched.identity.task_id]]
            ]
        }
        click.echo(json.dumps(value, ensure_ascii=False, indent=None if lines else 2))
        return
    blocks = []
    for task in found:
        noted = notes[task.watched.identity.task_id]
        blocks.append("\n".join([figures_text([task]), *(notes_lines(noted, task.at_s) if noted else [])]))
    text = "\n\n".join(blocks) or "no task runs here"
    if redraw:
        click.echo(f"{_REDRAW}{text}")
    else:
        click.echo(f"{text}\n" if lines else text)


def _say_nothing_runs(style: str) -> None:
    if style == "json":
        click.echo(json.dumps({"tasks": []}))
    else:
        click.echo("pillion: no task runs here; pillion explain says how the last one ended", err=True)
