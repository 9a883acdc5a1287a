"""`pillion describe`: tasks as `aws ecs describe-tasks` shows them."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
def describe(*, tasks: tuple[str, ...]) -> None:
    """Show TASK as DescribeTasks shows it, as JSON: statuses, exit codes, reasons, ports, times.

    TASK is the beginning of a task's id, its ARN, or its family; without it the task that pillion ran last.
    """
    from pillion.cli.known_tasks import known_tasks
    from pillion.core.describe import iso_times
    from pillion.tasks.journals import find_task
    from pillion.tasks.known import describe as describe_known

    with known_tasks() as store:
        found = [describe_known(store, find_task(store, name)) for name in tasks or (None,)]
    shape = {"tasks": [iso_times(item) for item in found], "failures": []}
    click.echo(json.dumps(shape, indent=2, ensure_ascii=False))
