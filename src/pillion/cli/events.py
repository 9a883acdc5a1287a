"""`pillion events`: what happened to a task, out of its journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import INTERRUPTED

if TYPE_CHECKING:
    from pillion.tasks.known import Telling

LOOK_EVERY_S = 1.0
"""How often `-f` looks whether somebody still supervises the task; changes of the journal are told."""


@click.command()
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task is over.")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True)
def events(*, task: str | None, follow: bool, style: str) -> int:
    """Show what happened to TASK, first to last: each change of status and of health, and why.

    As JSON, the lines are those of `pillion run --format json`, without the output of containers.
    """
    from pillion.cli.known_tasks import known_tasks
    from pillion.stores.output.changes import changes_of
    from pillion.stores.sqlite import DATABASE_NAME
    from pillion.tasks.journals import find_task, supervisor_of
    from pillion.tasks.known import Telling

    with known_tasks() as store:
        stored = find_task(store, task)
        telling = Telling(store, stored)
        show = _show_json if style == "json" else _show_text
        changes = changes_of(store.folder / f"{DATABASE_NAME}-wal")
        try:
            show(telling)
            while follow and not telling.is_over:
                is_supervised = supervisor_of(store, find_task(store, stored.task_id)) is not None
                show(telling)
                if not is_supervised and not telling.is_over:
                    click.echo("pillion: that is all there is: nobody supervises the task", err=True)
                    break
                changes.wait(LOOK_EVERY_S)
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            changes.close()
    return 0


def _show_json(telling: Telling) -> None:
    from pillion.core.timeline.lines import report_object

    for at_s, report in telling.new_reports():
        found = report_object(report, at_s, telling.normal)
        if found is not None:
            click.echo(json.dumps(found, ensure_ascii=False, separators=(",", ":")))


def _show_text(telling: Telling) -> None:
    from pillion.cli.times import local_time
    from pillion.core.timeline.story import story_of

    width = max(len("the task"), *(len(name) for name in telling.normal))
    for item in story_of(telling.plan.spec, telling.new_reports()):
        who = item.container or "the task"
        click.echo(f"{local_time(item.at_s)}  {who:{width}}  {item.what}  {item.why}".rstrip())
