"""`pillion top`: a dashboard in the terminal."""

from __future__ import annotations

import asyncio
import sys

import click

from pillion.cli.exits import NOT_RUN, UserError


@click.command()
def top() -> int:
    """Show tasks, what their containers use and wait for, and their output, on one screen.

    Needs Textual: pip install 'pillion[top]'. The keys stand in the last line; q ends it, and stops nothing.
    """
    try:
        import textual  # noqa: F401 - whether it is there
    except ModuleNotFoundError as error:
        raise UserError("pillion top needs Textual: pip install 'pillion[top]'") from error
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("pillion top needs a terminal; pillion stats --format json prints the same figures")

    from pillion.ports.store import StoreError

    try:
        return asyncio.run(_show())
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error


async def _show() -> int:
    from pillion.cli.dashboard.screen import Dashboard
    from pillion.cli.dashboard.source import StateFolderSource
    from pillion.connecting import docker_engine
    from pillion.stores.place import state_folder

    folder = state_folder()
    engine = docker_engine(folder)
    try:
        with StateFolderSource(folder, engine) as source:
            dashboard = Dashboard(source)
            await dashboard.run_async()
            return dashboard.return_code or 0
    finally:
        await engine.close()
