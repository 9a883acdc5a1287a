"""`pillion run --detach`: hand a task to the server, which is started if it does not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from pillion.cli.exits import NOT_RUN, UserError
from pillion.control.claims import SERVER, Claimant, find_claimant
from pillion.control.client import ControlClient
from pillion.core.plan.model import Notice
from pillion.ports.control import ControlError
from pillion.ports.store import StoreError
from pillion.preparing import PreparedTask
from pillion.run_settings import RunSettings
from pillion.stores.sqlite import SqliteStore
from pillion.supervision.requests import encode_request

LOG_NAME = "server.log"

IDLE_EXIT = "10m"
"""How long a server that was started for a task stays without one."""


def detach_task(
    prepared: PreparedTask,
    settings: RunSettings,
    notices: Sequence[Notice],
    *,
    source: str | None,
    style: str,
) -> int:
    """Have the server run a task, and print the task's id. Raises UserError."""
    server = find_claimant(settings.state_folder, SERVER) or start_server(settings.state_folder)
    try:
        answer = ControlClient(server).submit(encode_request(prepared, settings, source=source))
    except ControlError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    task_id = str(answer["task_id"])
    told = [*notices, *(Notice(**notice) for notice in answer["notices"])]
    for notice in told:
        subject = f"{notice.container}: " if notice.container else ""
        click.echo(f"pillion: note: {subject}{notice.text}", err=True)
    if style == "json":
        identity = prepared.plan.identity
        click.echo(json.dumps({"taskId": task_id, "taskArn": identity.task_arn, "engine": answer["engine"]}))
    else:
        click.echo(task_id)
    return 0


def start_server(state_folder: Path) -> Claimant:
    """Start `pillion serve` beside the terminal; return when it answers. Raises UserError."""
    log = state_folder / LOG_NAME
    said_before = 0
    try:
        SqliteStore(state_folder).close()  # a folder that cannot be used is said here, and not in a log
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    reading, writing = os.pipe()
    try:
        with log.open("ab") as output:
            said_before = output.tell()
            subprocess.Popen(  # noqa: S603 - our own program
                [
                    sys.executable,
                    "-m",
                    "pillion",
                    "serve",
                    "--exit-when-idle",
                    IDLE_EXIT,
                    "--ready-fd",
                    str(writing),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(writing,),
                start_new_session=True,
                cwd="/",
                env={**os.environ, "PILLION_STATE_DIR": str(state_folder.absolute())},
            )
    except OSError as error:
        os.close(reading)
        raise UserError(
            f"the server cannot be started: {error.filename}: {error.strerror}", exit_code=NOT_RUN
        ) from error
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as ready:
        ready.read()  # ends when the server says that it listens, or dies
    server = find_claimant(state_folder, SERVER)
    if server is None:
        why = _last_words(log, said_before) or f"its log is {log}"
        raise UserError(f"the server did not start: {why}", exit_code=NOT_RUN)
    return server


def _last_words(log: Path, said_before: int) -> str:
    """Return the last line that a server wrote into its log, without the name of the program."""
    with suppress(OSError), log.open("rb") as kept:
        kept.seek(said_before)
        lines = kept.read().decode(errors="replace").splitlines()
        return lines[-1].removeprefix("pillion: ") if lines else ""
    return ""
