"""The options of commands that say which AWS: over pillion.toml's `[aws]`, checked, with the seed read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from pillion.aws.settings import AwsSettings, AwsSettingsError
from pillion.cli.exits import UserError
from pillion.run_settings import AwsSource, read_aws_settings
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


def aws_source(
    settings: Settings, *, aws_endpoint: str | None, aws_state: str | None, aws_seed: str | None
) -> AwsSource:
    """Say where the settings of a command's AWS come from."""
    here = Path.cwd()
    return AwsSource(
        folder=str(settings.folder),
        settings_path=None if settings.path is None else str(settings.path),
        endpoint=aws_endpoint,
        state_folder=None if aws_state is None else str(here / aws_state),
        seed_file=None if aws_seed is None else str(here / aws_seed),
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    )


def aws_settings(settings: Settings, source: AwsSource) -> AwsSettings:
    """Merge the command line over pillion.toml. Raises UserError."""
    try:
        return read_aws_settings(source, settings)
    except AwsSettingsError as error:
        raise UserError(str(error)) from error
