"""`pillion firelens`: the log router's configuration as ECS would generate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pillion.cli.exits import UserError

if TYPE_CHECKING:
    from pillion.core.plan.model import TaskIdentity
    from pillion.sidecars.firelens.plan import FirelensPlan


@click.command()
@click.argument("file")
@click.option("--family", metavar="NAME", help="Which definition of FILE: family, logical id or address.")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option(
    "--cluster", metavar="NAME", default="default", show_default=True, help="Named in the metadata."
)
@click.option("--core-plugins", is_flag=True, help="Also show the outputs for a router without Go plugins.")
def firelens(
    *, file: str, family: str | None, overrides: str | None, cluster: str, core_plugins: bool
) -> int:
    """Print the configuration that FireLens generates for the task definition in FILE.

    Only the configuration goes to standard output. Remarks go to standard error: outputs that exist only in
    AWS's own image, and what takes their place in other images of Fluent Bit.
    """
    from pillion.cli.definitions import read_overrides, read_task
    from pillion.core.errors import OverridesError
    from pillion.core.plan.network import network_mode_of
    from pillion.core.plan.options import OptionError
    from pillion.core.taskdef.overrides import apply_overrides
    from pillion.preparing import new_identity
    from pillion.sidecars.firelens.errors import FirelensError
    from pillion.sidecars.firelens.plan import FirelensSettings, plan_firelens

    definition = read_task(file, family).definition
    override = read_overrides(overrides)
    try:
        overridden = apply_overrides(definition, override) if override else definition
        identity = new_identity(overridden, cluster=cluster)
        plan = plan_firelens(
            overridden, identity, network_mode_of(overridden), FirelensSettings(folder="/firelens")
        )
    except (FirelensError, OptionError, OverridesError) as error:
        raise UserError(f"{file}: {error}") from error
    if plan is None:
        raise UserError(f"{file}: no container has a firelensConfiguration, so there is no log router")
    click.echo(plan.text, nl=False)
    for remark in _remarks(plan, identity, show=core_plugins):
        click.echo(remark, err=True)
    return 0


def _remarks(plan: FirelensPlan, identity: TaskIdentity, *, show: bool) -> list[str]:
    from pillion.sidecars.firelens.configuration import RouterType
    from pillion.sidecars.firelens.fluentbit import render_output
    from pillion.sidecars.firelens.renaming import CORE_NAMES, RenamingError, needs_go_plugin, rename

    if plan.options.type is not RouterType.FLUENTBIT:
        return []
    remarks: list[str] = []
    for output in plan.configuration.outputs:
        if not needs_go_plugin(output):
            continue
        core = CORE_NAMES[output.plugin.lower()]
        remarks.append(
            f"{output.container}: the output {output.plugin} is in AWS's image of Fluent Bit only; "
            f"any other ends at its start. The core's own is {core}"
        )
        try:
            renaming = rename(output, identity)
        except RenamingError as error:
            remarks.append(f"  cannot be renamed without changing what it does: {error}")
            continue
        remarks += [f"  {note}" for note in renaming.notes]
        if show:
            remarks.append(render_output(renaming.output))
        else:
            remarks.append("  --core-plugins shows it renamed; whole records differ in their bytes only")
    return remarks
