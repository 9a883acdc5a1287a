"""`pillion plan`: what starts when, who waits for whom, what stops when."""

from __future__ import annotations

import json

import click

from pillion.cli.exits import UserError

_FORMATS = ("text", "json", "mermaid", "svg")


@click.command()
@click.argument("file")
@click.option("--family", metavar="NAME", help="Which definition of FILE: family, logical id or address.")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option("--mute", multiple=True, metavar="NAME", help="Leave a container out, as `run` does.")
@click.option("--stub", multiple=True, metavar="NAME", help="Replace a container, as `run` does.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def plan(
    *,
    file: str,
    family: str | None,
    overrides: str | None,
    mute: tuple[str, ...],
    stub: tuple[str, ...],
    style: str,
) -> int:
    """Show start order, dependencies, stop order and times of the task definition in FILE.

    FILE is all that `pillion check` reads; - for standard input.
    """
    from pillion.cli.definitions import read_overrides, read_task, run_options, settings_for
    from pillion.core.errors import OverridesError
    from pillion.core.plan.drawing import draw_plan
    from pillion.core.plan.options import OptionError
    from pillion.core.plan.outline import outline_json, outline_mermaid, outline_text
    from pillion.preparing import prepare_task

    options = run_options(settings_for(file), mute=mute, stub=stub)
    document = read_task(file, family, to_run=False)
    try:
        made = prepare_task(document.definition, read_overrides(overrides), options, cluster="default").plan
    except (OptionError, OverridesError) as error:
        raise UserError(str(error)) from error
    for note in document.notes():
        click.echo(f"note: {note}", err=True)
    match style:
        case "json":
            click.echo(json.dumps(outline_json(made), indent=2, ensure_ascii=False))
        case "svg":
            click.echo(draw_plan(made), nl=False)
        case "mermaid":
            click.echo(outline_mermaid(made))
        case _:
            click.echo(outline_text(made))
    return 0
