"""`pillion rm` and `pillion prune`: forget tasks that have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.stores.sqlite import SqliteStore, StoredTask


@click.command()
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option("--force", is_flag=True, help="Kill a task that still runs, and forget it then.")
def rm(*, tasks: tuple[str, ...], force: bool) -> None:
    """Forget TASK: its journal, its output, and the containers and volumes that --keep left of it.

    TASK is the beginning of a task's id, its ARN, or its family.
    """
    from pillion.cli.known_tasks import known_tasks
    from pillion.cli.stop import supervisor_client
    from pillion.tasks.journals import find_task
    from pillion.tasks.known import wait_for_end

    with known_tasks() as store:
        found = [find_task(store, name) for name in dict.fromkeys(tasks)]
        for stored in found:
            if stored.ended_at_s is None:
                if not force:
                    raise UserError(
                        f"task {stored.task_id} runs: stop it first (pillion stop {stored.task_id[:8]}), "
                        "or use --force"
                    )
                client = supervisor_client(store, stored)
                client.kill(stored.task_id)
                wait_for_end(store, client, stored.task_id)
        _forget(store, [item.task_id for item in found])


@click.command()
def prune() -> None:
    """Forget every task that has ended, and what --keep left of them. Tasks that run are not touched."""
    from pillion.cli.known_tasks import known_tasks

    with known_tasks() as store:
        _forget(store, [item.task_id for item in store.tasks() if item.ended_at_s is not None])


def _forget(store: SqliteStore, task_ids: Sequence[str]) -> None:
    from pillion.ports.engine import EngineError, EngineUnreachableError

    known = {item.task_id: item for item in store.tasks()}
    # A task of which nothing is kept after its end is gone already.
    found = [known[task_id] for task_id in task_ids if task_id in known]
    try:
        asyncio.run(_forget_all(store, found))
    except (EngineError, EngineUnreachableError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    for task_id in task_ids:
        click.echo(task_id)


async def _forget_all(store: SqliteStore, found: Sequence[StoredTask]) -> None:
    from pillion.app import docker_engine
    from pillion.tasks.known import forget

    engine = docker_engine(store.folder)
    try:
        for stored in found:
            await forget(store, stored, engine)
    finally:
        await engine.close()
