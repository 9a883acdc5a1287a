"""Which AWS a task talks to: the `[aws]` table of pillion.toml and the options of the command line.

[aws]
endpoint = "local"        # local (default), real, none, or the URL of an emulator
region = "eu-west-1"
state = ".pillion/aws"    # keep local AWS across runs; otherwise it is new each time
seed = "aws-seed.toml"    # a file with the tables below
assume_role = true        # real only: assume taskRoleArn instead of lending your own session

[aws.parameters] ...      # see seed.py
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pillion.aws.seed import TABLES, Seed, SeedError, merge_seeds, parse_seed

_URL: Final = re.compile(r"https?://[^/\s]+(/\S*)?")
_KEYS: Final = {"endpoint": str, "region": str, "state": str, "seed": str, "assume_role": bool}


class AwsMode(StrEnum):
    """What answers as AWS."""

    LOCAL = "local"
    """An embedded server, on this machine, without an account."""
    REAL = "real"
    """AWS itself, with the user's credentials."""
    NONE = "none"
    """Nothing: what needs AWS fails."""
    URL = "url"
    """Another emulator."""


class AwsSettingsError(ValueError):
    """A setting that means nothing. The message says which, and what is allowed."""


class AwsSettings(Struct, frozen=True, kw_only=True):
    """The settings, checked. Paths are as written; `url` is set in mode URL only."""

    mode: AwsMode = AwsMode.LOCAL
    url: str | None = None
    region: str | None = None
    state_folder: str | None = None
    seed_file: str | None = None
    assume_role: bool = False
    seed: Seed = field(default_factory=Seed)


def parse_endpoint(text: str) -> tuple[AwsMode, str | None]:
    """Read `--aws`: a mode by name, or the URL of an emulator.

    Raises:
        AwsSettingsError: neither.
    """
    if text in (AwsMode.LOCAL, AwsMode.REAL, AwsMode.NONE):
        return AwsMode(text), None
    if _URL.fullmatch(text):
        return AwsMode.URL, text.rstrip("/")
    raise AwsSettingsError(
        f"{text!r} is no AWS to talk to: write local, real, none, or a URL such as http://localhost:4566"
    )


def parse_settings(table: Mapping[str, object]) -> AwsSettings:
    """Read the `[aws]` table.

    Raises:
        AwsSettingsError: an unknown key, or a value of the wrong kind.
    """
    for key, value in table.items():
        if key in TABLES:
            continue
        if key not in _KEYS:
            known = ", ".join([*_KEYS, *TABLES])
            raise AwsSettingsError(f"[aws] {key}: no such setting; there are {known}")
        if not isinstance(value, _KEYS[key]):
            expected = "true or false" if _KEYS[key] is bool else "a text"
            raise AwsSettingsError(f"[aws] {key}: expected {expected}, found {value!r}")
    mode, url = parse_endpoint(str(table.get("endpoint", "local")))
    try:
        seed = parse_seed({key: value for key, value in table.items() if key in TABLES})
    except SeedError as error:
        raise AwsSettingsError(f"[aws] {error}") from error
    return AwsSettings(
        mode=mode,
        url=url,
        region=_text(table, "region"),
        state_folder=_text(table, "state"),
        seed_file=_text(table, "seed"),
        assume_role=table.get("assume_role") is True,
        seed=seed,
    )


def with_options(
    settings: AwsSettings,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    state_folder: str | None = None,
    seed_file: str | None = None,
) -> AwsSettings:
    """Return settings with the command line's options on top; None leaves a setting as it is.

    Raises:
        AwsSettingsError: `endpoint` is neither a mode nor a URL.
    """
    mode, url = (settings.mode, settings.url) if endpoint is None else parse_endpoint(endpoint)
    return replace(
        settings,
        mode=mode,
        url=url,
        region=region or settings.region,
        state_folder=state_folder or settings.state_folder,
        seed_file=seed_file or settings.seed_file,
    )


def read_seed_file(settings: AwsSettings, folder: Path) -> AwsSettings:
    """Return settings with their seed file read, on top of the seed they have.

    Paths of objects in the file are relative to the file.

    Raises:
        AwsSettingsError: the file cannot be read, or says something that means nothing.
    """
    if settings.seed_file is None:
        return settings
    import tomllib

    path = folder / settings.seed_file
    try:
        seed = parse_seed(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AwsSettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AwsSettingsError(f"{path}: is not TOML: {error}") from error
    except SeedError as error:
        raise AwsSettingsError(f"{path}: {error}") from error
    objects = tuple(
        item if item.file is None else replace(item, file=str(path.parent.absolute() / item.file))
        for item in seed.objects
    )
    return replace(settings, seed=merge_seeds(settings.seed, replace(seed, objects=objects)))


def _text(table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None
