"""`pillion rehearse`: a task without containers, in virtual time; or all that can go wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pillion.cli.exits import UserError

if TYPE_CHECKING:
    from pillion.core.timeline.chart import Alphabet, Paint

FOUND = 1
"""Exit code of a drill that found what should not be left like that."""

COLUMNS = 100
"""How wide a chart is where there is no terminal."""

_FORMATS = ("text", "json")


def _explain_keys(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from pillion.rehearsing.rehearsal import KEYS, RUN_KEYS

    for title, keys in (("of a container", KEYS), ("of its process", RUN_KEYS)):
        click.echo(f"{title}:")
        for name, key in keys.items():
            click.echo(f"  {name:16} {key.help}")
    context.exit()


@click.command(
    epilog="Exit codes: those of `pillion run`, and 125 for a task that waits for ever; "
    "with --drill 1 for what should not be left like that; 2 for a bad definition or bad usage."
)
@click.argument("file")
@click.option("--family", metavar="NAME", help="Which definition of FILE: family, logical id or address.")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option(
    "--behave",
    "assignments",
    multiple=True,
    metavar="NAME:KEY=VALUE,…",
    help="How a container behaves, e.g. envoy:pull=40s,healthy-after=never. See --keys.",
)
@click.option("--script", metavar="FILE", help="The same for many containers, as TOML tables.")
@click.option(
    "--stop-after", metavar="DURATION", help="Stop the task in order at this time of the chart, e.g. 90s."
)
@click.option("--drill", is_flag=True, help="Try every container with every mishap.")
@click.option("--mute", multiple=True, metavar="NAME", help="Leave a container out, as `run` does.")
@click.option("--stub", multiple=True, metavar="NAME", help="Replace a container, as `run` does.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option(
    "--keys", is_flag=True, is_eager=True, expose_value=False, callback=_explain_keys, help="List all keys."
)
def rehearse(
    *,
    file: str,
    family: str | None,
    overrides: str | None,
    assignments: tuple[str, ...],
    script: str | None,
    stop_after: str | None,
    drill: bool,
    mute: tuple[str, ...],
    stub: tuple[str, ...],
    style: str,
) -> int:
    """Rehearse the task definition in FILE: what ECS would do with it, at once and without containers.

    FILE is all that `pillion check` reads; - for standard input. Containers are healthy services, and those
    that others wait for to end do so after three seconds, unless --behave or --script says otherwise.
    """
    from pillion.cli.definitions import read_overrides, read_task, run_options, settings_for
    from pillion.core.errors import OverridesError
    from pillion.core.plan.options import OptionError
    from pillion.core.units import parse_duration_s
    from pillion.preparing import prepare_task
    from pillion.rehearsing.rehearsal import (
        ScriptError,
        behaviours_for,
        rehearse_task,
        rehearsed_task_id,
        run_drill,
    )

    if drill and stop_after:
        raise UserError("--drill stops each task by itself: leave --stop-after out")
    try:
        stop_after_s = parse_duration_s(stop_after) if stop_after else None
    except ValueError as error:
        raise UserError(f"--stop-after: {error}") from error
    options = run_options(settings_for(file), mute=mute, stub=stub)
    document = read_task(file, family, to_run=False)
    table = _read_script(script) if script else {}
    try:
        prepared = prepare_task(
            document.definition,
            read_overrides(overrides),
            options,
            cluster="default",
            task_id=rehearsed_task_id(document.definition.family or ""),
        )
        behaviours = behaviours_for(prepared.plan.spec, table, assignments)
    except (OptionError, OverridesError) as error:
        raise UserError(str(error)) from error
    except ScriptError as error:
        raise UserError(f"{error}\n  pillion rehearse --keys lists what can be said.") from error
    for note in document.notes():
        click.echo(f"note: {note}", err=True)
    if drill:
        found = run_drill(prepared, behaviours)
        if style == "json":
            from pillion.rehearsing.values import drill_value

            _print_json(drill_value(found))
        else:
            from pillion.rehearsing.matrix import drill_text

            click.echo(drill_text(found))
        return FOUND if found.dangers else 0
    told = rehearse_task(prepared, behaviours, stop_after_s=stop_after_s)
    if style == "json":
        from pillion.rehearsing.values import rehearsal_value

        _print_json(rehearsal_value(told))
    else:
        from pillion.rehearsing.text import rehearsal_text

        columns = shutil.get_terminal_size((COLUMNS, 24)).columns if sys.stdout.isatty() else COLUMNS
        click.echo(rehearsal_text(told, columns=columns, alphabet=_alphabet(), paint=_paint()))
    return told.exit_code


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _read_script(file: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--script {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--script {file}: this is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"--script {file}: this is not TOML: {error}") from error


def _alphabet() -> Alphabet:
    """Blocks where the output can show them, ASCII elsewhere."""
    from pillion.core.timeline.chart import ASCII, BLOCKS

    try:
        "".join(BLOCKS.phases.values()).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def _paint() -> Paint:
    """Colours for a terminal, unless the user wants none (https://no-color.org)."""
    from pillion.core.timeline.chart import plain
    from pillion.core.timeline.tracks import Phase

    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return plain
    colours = {
        Phase.PULLS: "blue",
        Phase.STARTS: "blue",
        Phase.RUNS: "cyan",
        Phase.HEALTHY: "green",
        Phase.UNHEALTHY: "red",
        Phase.STOPS: "yellow",
    }
    return lambda text, phase: click.style(text, fg=colours.get(phase))
