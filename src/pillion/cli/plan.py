"""`pillion plan`: what starts when, who waits for whom, what stops when."""

from __future__ import annotations

import json

import click

from pillion.cli.exits import UserError

_FORMATS = ("text", "json", "mermaid", "svg")


@click.command()
@click.argument("file")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option("--mute", multiple=True, metavar="NAME", help="Leave a container out, as `run` does.")
@click.option("--stub", multiple=True, metavar="NAME", help="Replace a container, as `run` does.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
def plan(
    *, file: str, overrides: str | None, mute: tuple[str, ...], stub: tuple[str, ...], style: str
) -> int:
    """Show the start order, the dependencies and the stop order of the task definition in FILE."""
    from pillion.app import prepare_task
    from pillion.cli.definitions import read_definition, read_overrides, run_options, settings_for
    from pillion.core.errors import OverridesError
    from pillion.core.plan.drawing import draw_plan
    from pillion.core.plan.options import OptionError
    from pillion.core.plan.outline import outline_json, outline_mermaid, outline_text

    options = run_options(settings_for(file), mute=mute, stub=stub)
    definition, _ = read_definition(file)
    try:
        made = prepare_task(definition, read_overrides(overrides), options, cluster="default").plan
    except (OptionError, OverridesError) as error:
        raise UserError(str(error)) from error
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
