"""`pillion run`: run a task definition in the foreground."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from pillion.cli.aws_options import aws_options, aws_settings, aws_source
from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.cli.definitions import TaskDocument
    from pillion.core.plan.model import Notice
    from pillion.core.plan.options import RunOptions
    from pillion.preparing import PreparedTask

_FORMATS = ("text", "json")


@click.command()
@click.argument("file")
@click.option("--family", metavar="NAME", help="Which definition of FILE: family, logical id or address.")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option("--image", "images", multiple=True, metavar="REF=OTHER", help="Run another image instead.")
@click.option("--build", "builds", multiple=True, metavar="REF=FOLDER", help="Build an image from a folder.")
@click.option(
    "--publish", multiple=True, metavar="[NAME=][[IP:]HOST:]PORT", help="Choose a port of this machine."
)
@click.option("--volume", "volumes", multiple=True, metavar="NAME=PATH", help="Use a folder as a volume.")
@click.option("--pull", metavar="WHEN", help="default, always, once, prefer-cached (usual here) or never.")
@click.option("--cluster", metavar="NAME", help="The cluster that the task believes in (default).")
@click.option(
    "--mute", multiple=True, metavar="NAME", help="Do not run a container; release who waits for it."
)
@click.option(
    "--stub", multiple=True, metavar="NAME", help="Replace a container by one that is just healthy."
)
@click.option(
    "--stop-after",
    metavar="DURATION",
    help="Stop the task in order this long after its first container's start, e.g. 90s.",
)
@click.option("--keep", is_flag=True, help="Leave containers and volumes behind to be looked at.")
@aws_options
@click.option("--firelens-mode", type=click.Choice(("async", "sync")), help="sync loses no line, may block.")
@click.option("--count-logs", is_flag=True, help="Say at the end how many lines reached their destination.")
@click.option("-d", "--detach", is_flag=True, help="Hand the task to pillion serve, and come back.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option("--timestamps", is_flag=True, help="Show the time of each line (text).")
@click.option("-v", "--verbose", is_flag=True, help="Show every internal status (text).")
@click.option("-q", "--quiet", is_flag=True, help="Show output of containers only (text).")
def run(
    *,
    file: str,
    family: str | None,
    overrides: str | None,
    images: tuple[str, ...],
    builds: tuple[str, ...],
    publish: tuple[str, ...],
    volumes: tuple[str, ...],
    pull: str | None,
    cluster: str | None,
    mute: tuple[str, ...],
    stub: tuple[str, ...],
    stop_after: str | None,
    keep: bool,
    aws_endpoint: str | None,
    aws_state: str | None,
    aws_seed: str | None,
    firelens_mode: str | None,
    count_logs: bool,
    detach: bool,
    style: str,
    timestamps: bool,
    verbose: bool,
    quiet: bool,
) -> int:
    """Run the task definition in FILE, as ECS would.

    FILE is all that `pillion check` reads: ECS JSON or YAML, a CloudFormation template, Terraform's plan or
    state as JSON, a list of containers; - for standard input.

    The exit code is that of the essential container whose exit ended the task; 0 after --stop-after; 130
    after Ctrl-C; 125 when an essential container never ran; 2 for a bad definition or bad usage. The first
    Ctrl-C stops the task in ECS's order, the second kills it. With --detach the task's id is printed and the
    exit code is 0 when the task was taken; pillion ps, logs, wait and stop take it from there.
    """
    from pillion.cli.definitions import keep_history, monitor_settings, run_options, settings_for
    from pillion.run_settings import RunSettings
    from pillion.stores.place import state_folder

    settings = settings_for(file)
    table = settings.table("run")
    options = run_options(
        settings,
        images=images,
        builds=builds,
        volumes=volumes,
        publish=publish,
        mute=mute,
        stub=stub,
        pull=pull,
    )
    source = aws_source(settings, aws_endpoint=aws_endpoint, aws_state=aws_state, aws_seed=aws_seed)
    run_settings = RunSettings(
        state_folder=state_folder(),
        aws=aws_settings(settings, source),
        aws_source=source,
        stop_after_s=_duration_s(stop_after),
        keep=keep or table.get("keep", False),
        keep_history_s=keep_history(settings),
        endpoints=table.get("endpoints", "auto"),
        firelens_asynchronous=(firelens_mode or table.get("firelens_mode", "async")) == "async",
        count_logs=count_logs,
        engine_host=os.environ.get("DOCKER_HOST") or None,
        monitor=monitor_settings(settings),
    )
    task = _read(file, family, overrides, options, cluster=cluster or table.get("cluster", "default"))
    if detach:
        from pillion.cli.detach import detach_task

        return detach_task(task.prepared, run_settings, task.notices(), source=task.source, style=style)
    from pillion.cli.interrupts import Interrupts
    from pillion.connecting import docker_ahead
    from pillion.supervision.task_control import TaskControl

    _check_state_folder(run_settings.state_folder)
    control = TaskControl()
    with Interrupts(control) as interrupts:
        connect = docker_ahead(task.prepared.plan, run_settings.engine_host)
        from pillion.cli.foreground import Foreground, Style, run_in_foreground  # takes a while: asyncio

        told = Style(
            is_json=style == "json",
            timestamps=timestamps or table.get("timestamps", False),
            verbose=verbose,
            quiet=quiet,
        )
        foreground = Foreground(
            prepared=task.prepared,
            settings=run_settings,
            source=task.source,
            notices=task.notices,
            style=told,
            connect=connect,
        )
        return run_in_foreground(foreground, control, interrupts)


class _Task(Struct, frozen=True, kw_only=True):
    """What was read: the task, its document, and the whole path of its file."""

    prepared: PreparedTask
    document: TaskDocument
    source: str | None

    def notices(self) -> tuple[Notice, ...]:
        """Say how the definition was read, and what AWS would refuse of it."""
        from pillion.core.plan.model import Notice

        return (
            *(Notice(code="stand-in", text=text) for text in self.document.notes()),
            *(
                Notice(code="aws-refuses", text=f"AWS would refuse this: {text}")
                for text in self.document.refusals()
            ),
        )


def _duration_s(text: str | None) -> float | None:
    from pillion.core.units import parse_duration_s

    try:
        return parse_duration_s(text) if text else None
    except ValueError as error:
        raise UserError(f"--stop-after: {error}") from error


def _read(
    file: str, family: str | None, overrides: str | None, options: RunOptions, *, cluster: str
) -> _Task:
    from pillion.cli.definitions import read_overrides, read_task
    from pillion.core.errors import OverridesError
    from pillion.core.plan.options import OptionError
    from pillion.preparing import prepare_task

    document = read_task(file, family)
    override = read_overrides(overrides)
    try:
        prepared = prepare_task(document.definition, override, options, cluster=cluster)
    except (OptionError, OverridesError) as error:
        raise UserError(str(error)) from error
    source = None if file == "-" else str(Path(file).absolute())
    return _Task(prepared=prepared, document=document, source=source)


def _check_state_folder(folder: Path) -> None:
    """Say what is wrong with the state folder before an engine is asked for anything."""
    from pillion.ports.store import StoreError
    from pillion.stores.sqlite import SqliteStore

    try:
        SqliteStore(folder).close()
    except StoreError as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
