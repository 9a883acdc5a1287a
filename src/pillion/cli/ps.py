"""`pillion ps`: the tasks of this machine."""

from __future__ import annotations

import json
import time

import click


@click.command()
@click.option("-a", "--all", "over", is_flag=True, help="Also those that have ended and are still kept.")
@click.option("-q", "--quiet", is_flag=True, help="Show ids only, whole.")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True)
def ps(*, over: bool, quiet: bool, style: str) -> None:
    """List the tasks that run, the newest first, whoever supervises them; and what each of them waits for."""
    from pillion.cli.known_tasks import known_tasks
    from pillion.core.roster import roster_shape, roster_text
    from pillion.tasks.known import list_tasks

    with known_tasks() as store:
        entries = list_tasks(store, over=over)
    if quiet:
        for entry in entries:
            click.echo(entry.task_id)
    elif style == "json":
        shape = {"tasks": [roster_shape(entry) for entry in entries]}
        click.echo(json.dumps(shape, indent=2, ensure_ascii=False))
    elif entries:
        click.echo(roster_text(entries, now_s=time.time()))
    else:
        hint = "none is kept, either" if over else "pillion ps -a shows those that have ended"
        click.echo(f"pillion: no task runs here; {hint}", err=True)
