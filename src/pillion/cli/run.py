"""`pillion run`: run a task definition in the foreground."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from pillion.cli.aws_options import aws_options, aws_settings
from pillion.cli.exits import INTERRUPTED, NOT_RUN, UserError

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
    Ctrl-C stops the task in ECS's order, the second kills it.
    """
    from pillion.app import RunOutcome, TaskControl, docker_engine, run_task
    from pillion.cli.definitions import (
        aws_refusals,
        keep_history,
        read_overrides,
        read_task,
        run_options,
        settings_for,
    )
    from pillion.cli.interrupts import Interrupts
    from pillion.cli.json_lines import JsonLines
    from pillion.cli.text_lines import TextLines
    from pillion.core.errors import OverridesError
    from pillion.core.plan.model import Notice
    from pillion.core.plan.options import OptionError
    from pillion.core.units import parse_duration_s
    from pillion.ports.engine import Capabilities, EngineUnreachableError
    from pillion.ports.store import StoreError
    from pillion.preparing import prepare_task
    from pillion.serving import EndpointsSettingError
    from pillion.sidecars.firelens.options import FirelensError
    from pillion.stores.sqlite import state_folder
    from pillion.surroundings import RunSettings

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
    try:
        stop_after_s = parse_duration_s(stop_after) if stop_after else None
    except ValueError as error:
        raise UserError(f"--stop-after: {error}") from error
    keep_history_s = keep_history(settings)
    document = read_task(file, family)
    override = read_overrides(overrides)
    try:
        prepared = prepare_task(
            document.definition, override, options, cluster=cluster or table.get("cluster", "default")
        )
    except (OptionError, OverridesError) as error:
        raise UserError(str(error)) from error

    plan = prepared.plan
    output = (
        JsonLines(plan)
        if style == "json"
        else TextLines(
            plan, timestamps=timestamps or table.get("timestamps", False), verbose=verbose, quiet=quiet
        )
    )

    def observe(notices: tuple[Notice, ...], capabilities: Capabilities) -> JsonLines | TextLines:
        refusals = (
            *(Notice(code="stand-in", text=text) for text in document.notes()),
            *(
                Notice(code="aws-refuses", text=f"AWS would refuse this: {text}")
                for text in aws_refusals(document.findings)
            ),
        )
        where = (
            f"task {plan.identity.task_id[:8]} of {plan.identity.family}:{plan.identity.revision} "
            f"in cluster {plan.identity.cluster}, on {capabilities.name} {capabilities.version}"
        )
        if isinstance(output, TextLines):
            output.begin((*refusals, *notices), where)
        else:
            for notice in (*refusals, *notices):
                output.notice(notice)
        return output

    folder = state_folder()
    run_settings = RunSettings(
        state_folder=folder,
        aws=aws_settings(settings, aws_endpoint=aws_endpoint, aws_state=aws_state, aws_seed=aws_seed),
        aws_folder=settings.folder,
        stop_after_s=stop_after_s,
        keep=keep or table.get("keep", False),
        endpoints=table.get("endpoints", "auto"),
        firelens_asynchronous=(firelens_mode or table.get("firelens_mode", "async")) == "async",
        count_logs=count_logs,
    )
    control = TaskControl()
    source = None if file == "-" else str(Path(file).absolute())

    async def run_here() -> tuple[RunOutcome, int]:
        with Interrupts(control) as interrupts:
            outcome = await run_task(
                prepared,
                run_settings,
                engine=docker_engine(folder),
                observe=observe,
                control=control,
                keep_history_s=keep_history_s,
                source=source,
            )
        return outcome, interrupts.count

    try:
        outcome, interrupts = asyncio.run(run_here())
    except (EngineUnreachableError, StoreError, FirelensError, EndpointsSettingError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    finally:
        if isinstance(output, TextLines):
            output.close()
    exit_code = INTERRUPTED if interrupts else outcome.exit_code
    if isinstance(output, TextLines):
        output.end(exit_code, outcome.task, explainable=keep_history_s > 0)
    else:
        output.result(exit_code, outcome.task)
    return exit_code
