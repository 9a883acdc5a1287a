"""`pillion serve`: supervise detached tasks, and those whose process is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os

import click

from pillion.cli.exits import NOT_RUN, USAGE, UserError


@click.command()
@click.option("--exit-when-idle", metavar="DURATION", help="End after so long without a task.")
@click.option("--metrics", metavar="[IP:]PORT", help="Serve Prometheus metrics at http://IP:PORT/metrics.")
@click.option("--ready-fd", type=int, hidden=True, help="Closed when the server listens.")
def serve(*, exit_when_idle: str | None, metrics: str | None, ready_fd: int | None) -> int:
    """Supervise tasks in this process: those of `pillion run --detach`, and those that others left.

    Every task of the state folder whose process is gone is picked up where its journal ends: after a crash,
    a kill, a reboot. Ctrl-C ends the server and not its tasks; the next server goes on with them. To stop a
    task: pillion stop.
    """
    from pillion.control.claims import SERVER, Claim, ClaimError
    from pillion.control.metrics import MetricsAddressError, read_address
    from pillion.core.units import parse_duration_s
    from pillion.ports.store import StoreError
    from pillion.stores.sqlite import state_folder
    from pillion.supervision.server import serve as serve_tasks

    try:
        idle_s = parse_duration_s(exit_when_idle) if exit_when_idle else None
    except ValueError as error:
        raise UserError(f"--exit-when-idle: {error}", exit_code=USAGE) from error
    folder = state_folder()
    try:
        address = read_address(metrics) if metrics else None
    except MetricsAddressError as error:
        raise UserError(f"--metrics: {error}", exit_code=USAGE) from error
    try:
        with Claim(folder, SERVER) as claim:
            asyncio.run(
                serve_tasks(folder, claim, idle_s=idle_s, ready=lambda: _say_ready(ready_fd), metrics=address)
            )
    except (ClaimError, StoreError, MetricsAddressError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    return 0


def _say_ready(descriptor: int | None) -> None:
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)
