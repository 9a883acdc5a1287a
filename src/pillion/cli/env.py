"""`pillion env`: point the AWS CLI and SDKs of this terminal at the AWS of a run."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pillion.cli.aws_options import aws_options, aws_settings, aws_source
from pillion.cli.exits import NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.aws.backend import AwsBackend

_REMOVED: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")
"""What would win over the variables that are set, or not fit to them."""

Values = Mapping[str, str]


def _sh(values: Values) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([f"unset {' '.join(_REMOVED)}", *lines])


def _fish(values: Values) -> str:
    lines = [f"set -gx {name} {shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*(f"set -e {name}" for name in _REMOVED), *lines])


def _powershell(values: Values) -> str:
    lines = [f"$Env:{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
    return "\n".join([*(f"Remove-Item Env:{name} -ErrorAction Ignore" for name in _REMOVED), *lines])


_STYLES: Final[Mapping[str, Callable[[Values], str]]] = {
    "sh": _sh,
    "fish": _fish,
    "powershell": _powershell,
    "dotenv": lambda values: "\n".join(f"{name}={value}" for name, value in values.items()),
    "json": lambda values: json.dumps(values, indent=2),
}


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@aws_options
@click.option("--shell", type=click.Choice(list(_STYLES)), default="sh", show_default=True)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def env(
    *,
    aws_endpoint: str | None,
    aws_state: str | None,
    aws_seed: str | None,
    shell: str,
    command: tuple[str, ...],
) -> int:
    """Print the variables that point AWS tools at the local AWS of the run that goes on.

    In a POSIX shell: eval "$(pillion env)". With a COMMAND, run that instead, against a local AWS of its own
    that ends with it: pillion env --aws-state .aws -- aws ssm put-parameter ...
    """
    from pillion.aws.local.announce import find_running
    from pillion.aws.settings import AwsMode
    from pillion.settings import SettingsError, find_settings

    try:
        settings = find_settings("-")
    except SettingsError as error:
        raise UserError(str(error)) from error
    source = aws_source(settings, aws_endpoint=aws_endpoint, aws_state=aws_state, aws_seed=aws_seed)
    chosen = aws_settings(settings, source)
    if chosen.mode in (AwsMode.REAL, AwsMode.NONE):
        raise UserError(f"--aws {chosen.mode}: there is no local AWS to point at")
    if command:
        from pillion.aws.backend import AwsBackend

        backend = AwsBackend(chosen, folder=settings.folder)
        return asyncio.run(_run(command, backend))
    if chosen.mode is AwsMode.URL and chosen.url is not None:
        click.echo(_STYLES[shell](variables(chosen.url, chosen.region or "us-east-1")))
        return 0
    running = find_running(announce_folder())
    if not running:
        raise UserError(
            "no run has a local AWS at the moment. It is there while a task runs that uses AWS; "
            "or run a command with one of its own: pillion env --aws-state DIR -- aws s3 ls"
        )
    if len(running) > 1:
        click.echo(f"pillion: {len(running)} runs have a local AWS; this is the youngest", err=True)
    click.echo(_STYLES[shell](variables(running[0].url, running[0].region)))
    return 0


def variables(url: str, region: str) -> dict[str, str]:
    """Return the variables that point AWS tools at an endpoint that checks no keys."""
    from pillion.aws.clients import EMULATOR_KEYS

    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": EMULATOR_KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": EMULATOR_KEYS.secret_access_key.reveal(),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def announce_folder() -> Path:
    """Return where runs write down that they have a local AWS."""
    from pillion.stores.sqlite import state_folder

    return state_folder() / "aws"


async def _run(command: tuple[str, ...], backend: AwsBackend) -> int:
    from pillion.ports.aws import AwsCallError

    async with backend:
        try:
            url = await backend.url()
        except AwsCallError as error:
            raise UserError(str(error), exit_code=NOT_RUN) from error
        kept = {name: value for name, value in os.environ.items() if name not in _REMOVED}
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env={**kept, **variables(url or "", backend.region)}
            )
        except OSError as error:
            raise UserError(f"{command[0]}: {error.strerror}", exit_code=127) from error
        return await process.wait()
