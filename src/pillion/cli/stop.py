"""`pillion stop` and `pillion wait`: the end of tasks, whoever supervises them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import INTERRUPTED, NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.control.client import ControlClient
    from pillion.stores.sqlite import SqliteStore, StoredTask


@click.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--all", "everything", is_flag=True, help="Stop every task that runs here.")
@click.option("--reason", metavar="TEXT", help="What stoppedReason says (Task stopped by user).")
@click.option("--now", is_flag=True, help="Kill every container at once, in no order.")
@click.option("--no-wait", is_flag=True, help="Come back as soon as the task is being stopped.")
def stop(*, tasks: tuple[str, ...], everything: bool, reason: str | None, now: bool, no_wait: bool) -> int:
    """Stop TASK in ECS's order, as `aws ecs stop-task` does, and wait until nothing of it is left.

    TASK is the beginning of a task's id, its ARN, or its family; without it the only one that runs. One whose
    process is gone is taken over first, by a server that is started for it.
    """
    from pillion.cli.known_tasks import known_tasks
    from pillion.ports.control import UnknownTaskError
    from pillion.tasks.known import wait_for_end

    with known_tasks() as store:
        meant = _meant(store, tasks, everything=everything)
        asked = [(stored.task_id, supervisor_client(store, stored)) for stored in meant]
        for task_id, client in asked:
            with suppress(UnknownTaskError):  # it has ended meanwhile, or is not there: the wait says which
                if now:
                    client.kill(task_id)
                else:
                    client.stop(task_id, reason)
        try:
            for task_id, client in asked:
                if not no_wait:
                    wait_for_end(store, client, task_id)
                click.echo(task_id)
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


@click.command()
@click.argument("task", required=False)
def wait(*, task: str | None) -> int:
    """Wait for TASK to end; the exit code is what `pillion run` would have ended with.

    That is the exit code of the essential container whose exit ended the task; 0 where somebody stopped it;
    125 where an essential container never ran.
    """
    from pillion.cli.known_tasks import known_tasks
    from pillion.tasks.journals import find_task
    from pillion.tasks.known import exit_code, wait_for_end

    with known_tasks() as store:
        stored = find_task(store, task)
        if stored.ended_at_s is not None:
            return exit_code(store, stored)
        try:
            code = wait_for_end(store, supervisor_client(store, stored), stored.task_id)
        except KeyboardInterrupt:
            return INTERRUPTED
        if code is None:
            raise UserError(f"task {stored.task_id} has ended, and nothing of it is kept", exit_code=NOT_RUN)
        return code


def supervisor_client(store: SqliteStore, stored: StoredTask) -> ControlClient:
    """Return how to ask whoever supervises a task. One that nobody does is taken over by the server first."""
    from pillion.cli.detach import start_server
    from pillion.control.claims import SERVER, find_claimant
    from pillion.control.client import ControlClient
    from pillion.tasks.known import client_for

    client = client_for(store, stored)
    if client is not None:
        return client
    server = find_claimant(store.folder, SERVER)
    if server is None:
        click.echo("pillion: its process is gone: a server is started, and takes it over", err=True)
        return ControlClient(start_server(store.folder))
    client = ControlClient(server)
    client.adopt()
    return client


def _meant(store: SqliteStore, names: Sequence[str], *, everything: bool) -> list[StoredTask]:
    from pillion.tasks.journals import find_task, listed

    running = [item for item in store.tasks() if item.ended_at_s is None]
    if everything:
        return running
    if names:
        found = [find_task(store, name) for name in names]
        for item in found:
            if item.ended_at_s is not None:
                raise UserError(f"task {item.task_id} has ended already")
        return found
    if not running:
        raise UserError("no task runs here")
    if len(running) > 1:
        raise UserError(f"several tasks run here; say which one, or --all:\n{listed(running)}")
    return running
