"""How a task is run, beside what is run; and how that is written down, for whoever takes the task over.

Belongs to the composition root. What is written holds no secrets: where the AWS settings come from is kept,
and not what they say, because a seed holds the values of secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from pillion.aws.settings import AwsSettings, AwsSettingsError, parse_settings, read_seed_file, with_options
from pillion.core.codec import CodecError, decode_fields, encode_fields
from pillion.core.monitoring.settings import MonitorSettings
from pillion.core.record import RecordError
from pillion.ports.aws import PipelineReport
from pillion.settings import Settings, read_settings

AUTO, RELAY = "auto", "relay"
"""Values of the setting `endpoints`; the third kind is an address of this machine."""


class AwsSource(Struct, frozen=True, kw_only=True):
    """Where the settings of a task's AWS come from. Paths are absolute.

    Attributes:
        folder: where relative paths in pillion.toml start.
        settings_path: the pillion.toml that was used, if there was one.
        endpoint: `--aws`.
        state_folder: `--aws-state`.
        seed_file: `--aws-seed`.
        region: of the environment.
    """

    folder: str
    settings_path: str | None = None
    endpoint: str | None = None
    state_folder: str | None = None
    seed_file: str | None = None
    region: str | None = None


def read_aws_settings(source: AwsSource, settings: Settings | None = None) -> AwsSettings:
    """Merge the options over pillion.toml's `[aws]`, and read the seed.

    Args:
        source: where everything is.
        settings: the file as it was read already; otherwise it is read here.

    Raises:
        AwsSettingsError: a setting means nothing; the message says which, and where.
        SettingsError: pillion.toml cannot be read any more.
    """
    if settings is None:
        path = source.settings_path
        settings = Settings() if path is None else read_settings(Path(path))
    try:
        merged = with_options(
            parse_settings(settings.table("aws")),
            endpoint=source.endpoint,
            region=source.region,
            state_folder=source.state_folder,
            seed_file=source.seed_file,
        )
        return read_seed_file(merged, Path(source.folder))
    except AwsSettingsError as error:
        where = f"{settings.path}: " if settings.path and str(error).startswith("[aws]") else ""
        raise AwsSettingsError(f"{where}{error}") from error


class How(Struct, frozen=True, kw_only=True):
    """What is written down of how a run is done.

    Attributes:
        aws_source: where the settings of its AWS come from; its folder is where their relative paths start.
        stop_after_s: stop the task in order so many seconds after its first container's start.
        keep: leave containers, volumes and networks for somebody to look at.
        keep_history_s: how long the task's journal is kept after its end, in seconds; 0 forgets it.
        endpoints: `auto`; `relay`, to use one although the task could be entered; or this machine's address
            as the engine's containers reach it.
        firelens_asynchronous: Docker's log driver queues and never blocks the application, as ECS has it.
        count_logs: say at the end how many lines of each container reached the end of their pipeline.
        engine_host: where the engine listens, as DOCKER_HOST says it; None finds it as Docker's command does.
        monitor: how the task is watched.
    """

    aws_source: AwsSource = field(default_factory=lambda: AwsSource(folder=str(Path.cwd())))
    stop_after_s: float | None = None
    keep: bool = False
    keep_history_s: float = 0.0
    endpoints: str = AUTO
    firelens_asynchronous: bool = True
    count_logs: bool = False
    engine_host: str | None = None
    monitor: MonitorSettings = field(default_factory=MonitorSettings)


class RunSettings(How, frozen=True, kw_only=True):
    """How a run is done, beside what is run; complete.

    Attributes:
        state_folder: where its journal and its log router's files are kept.
        aws: which AWS the task talks to.
        counted: told what `count_logs` counted, as values; for this process only.
    """

    state_folder: Path
    aws: AwsSettings = field(default_factory=AwsSettings)
    counted: Callable[[PipelineReport], None] | None = None


_WRITTEN = How.__struct_fields__


def encode_how(settings: RunSettings) -> dict[str, Any]:
    """Return the settings as a JSON value, without a secret."""
    return encode_fields(How(**{name: getattr(settings, name) for name in _WRITTEN}))


def decode_how(value: Mapping[str, Any], state_folder: Path) -> RunSettings:
    """Return the settings that `encode_how` wrote; those of AWS are read anew.

    Raises:
        RecordError: what was written cannot be read.
        AwsSettingsError: the AWS settings cannot be read any more.
        SettingsError: neither can pillion.toml.
    """
    try:
        how = decode_fields(How, value, "how")
    except CodecError as error:
        raise RecordError(str(error)) from error
    return RunSettings(
        state_folder=state_folder,
        aws=read_aws_settings(how.aws_source),
        **{name: getattr(how, name) for name in _WRITTEN},
    )
