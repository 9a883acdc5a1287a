"""The options of commands that say which AWS: over pillion.toml's `[aws]`, checked, with the seed read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from pillion.aws.settings import (
    AwsSettings,
    AwsSettingsError,
    parse_settings,
    read_seed_file,
    with_options,
)
from pillion.cli.exits import UserError
from pillion.settings import Settings

Command = TypeVar("Command", bound=Callable[..., object])


def aws_options(command: Command) -> Command:
    """Give a command the options that say which AWS it uses."""
    for option in (
        click.option("--aws-seed", metavar="FILE", help="TOML with what local AWS holds at the start."),
        click.option("--aws-state", metavar="DIR", help="Keep local AWS across runs, in this folder."),
        click.option("--aws", "aws_endpoint", metavar="AWS", help="local (usual), real, none, or a URL."),
    ):
        command = option(command)
    return command


def aws_settings(
    settings: Settings, *, aws_endpoint: str | None, aws_state: str | None, aws_seed: str | None
) -> AwsSettings:
    """Merge the command line over pillion.toml. Raises UserError."""
    here = Path.cwd()
    try:
        merged = with_options(
            parse_settings(settings.table("aws")),
            endpoint=aws_endpoint,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            state_folder=None if aws_state is None else str(here / aws_state),
            seed_file=None if aws_seed is None else str(here / aws_seed),
        )
        return read_seed_file(merged, settings.folder)
    except AwsSettingsError as error:
        where = f"{settings.path}: " if settings.path and str(error).startswith("[aws]") else ""
        raise UserError(f"{where}{error}") from error
