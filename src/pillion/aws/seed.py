"""What local AWS holds at the start, written in TOML. Pure; `seeding` fills it in.

    log_groups = ["/web/app"]

    [parameters]                                   # SSM Parameter Store, by name or ARN
    "/app/database-url" = "postgres://db/app"
    "/app/key" = { value = "s3cret", type = "SecureString" }

    [secrets]                                      # Secrets Manager, by name or ARN
    token = "s3cret"
    database = { username = "app", password = "s3cret" }   # a table is stored as JSON

    [objects]                                      # S3, by bucket/key; buckets are created
    "config/app.env" = "LEVEL=debug"
    "config/extra.conf" = { file = "fluent/extra.conf" }

In pillion.toml the same stands under `[aws]`: `[aws.parameters]` and so on.

Surprising: with `log_groups` anywhere in a seed, log groups are taken seriously: a container whose group is
not listed does not start, as on AWS. Without it, local AWS creates a missing group and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from pillion.core.inputs.secret import SecretValue

TABLES: Final = ("log_groups", "parameters", "secrets", "objects")
PARAMETER_TYPES: Final = ("String", "StringList", "SecureString")

_ARN: Final = re.compile(r"arn:[^:]+:(ssm|secretsmanager):([^:]*):[^:]*:(?:parameter(?=/)|secret:)(.+)")
_ARN_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}$")


class SeedError(ValueError):
    """A seed that cannot be read. The message says where, and what is expected; it shows no value."""


class ParameterSeed(Struct, frozen=True, kw_only=True):
    """A parameter. `region` None is the task's."""

    name: str
    value: SecretValue
    type: str = "String"
    region: str | None = None


class SecretSeed(Struct, frozen=True, kw_only=True):
    """A secret. `region` None is the task's."""

    name: str
    value: SecretValue
    region: str | None = None


class ObjectSeed(Struct, frozen=True, kw_only=True):
    """An S3 object: its text, or the file that has it (relative to the seed's own file)."""

    bucket: str
    key: str
    text: SecretValue | None = None
    file: str | None = None


class Seed(Struct, frozen=True, kw_only=True):
    """Everything a seed says. `log_groups` None says nothing about groups, which is not the same as none."""

    parameters: tuple[ParameterSeed, ...] = ()
    secrets: tuple[SecretSeed, ...] = ()
    objects: tuple[ObjectSeed, ...] = ()
    log_groups: tuple[str, ...] | None = field(default=None)


def parse_seed(document: Mapping[str, object]) -> Seed:
    """Read a seed, already decoded from TOML.

    Raises:
        SeedError: an unknown table, or an entry of the wrong form.
    """
    for key in document:
        if key not in TABLES:
            raise SeedError(f"{key}: no such table in a seed; there are {', '.join(TABLES)}")
    return Seed(
        parameters=tuple(_parameter(name, value) for name, value in _table(document, "parameters").items()),
        secrets=tuple(_secret(name, value) for name, value in _table(document, "secrets").items()),
        objects=tuple(_object(name, value) for name, value in _table(document, "objects").items()),
        log_groups=_log_groups(document),
    )


def merge_seeds(first: Seed, second: Seed) -> Seed:
    """Return both; what `second` has comes later and therefore wins."""
    groups = None
    if first.log_groups is not None or second.log_groups is not None:
        groups = tuple(dict.fromkeys([*(first.log_groups or ()), *(second.log_groups or ())]))
    return Seed(
        parameters=(*first.parameters, *second.parameters),
        secrets=(*first.secrets, *second.secrets),
        objects=(*first.objects, *second.objects),
        log_groups=groups,
    )


def _table(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = document.get(name, {})
    if not isinstance(table, Mapping):
        raise SeedError(f"{name}: expected a table, as in [{name}]")
    return table


def _parameter(name: str, value: object) -> ParameterSeed:
    where = f"parameters.{json.dumps(name)}"
    plain, type_ = value, "String"
    if isinstance(value, Mapping):
        if value.keys() - {"value", "type"} or "value" not in value:
            raise SeedError(f'{where}: write a text, or {{ value = "...", type = "SecureString" }}')
        plain, type_ = value["value"], value.get("type", "String")
    if not isinstance(plain, str):
        raise SeedError(f"{where}: the value has to be a text")
    if type_ not in PARAMETER_TYPES:
        raise SeedError(f"{where}: the type is one of {', '.join(PARAMETER_TYPES)}")
    if (match := _ARN.fullmatch(name)) is None or match[1] != "ssm":
        return ParameterSeed(name=name, value=SecretValue(plain), type=str(type_))
    path = match[3]
    flat = (
        path.removeprefix("/") if path.count("/") == 1 else path
    )  # the ARN of `name` and `/name` is the same
    return ParameterSeed(name=flat, value=SecretValue(plain), type=str(type_), region=match[2] or None)


def _secret(name: str, value: object) -> SecretSeed:
    where = f"secrets.{json.dumps(name)}"
    if isinstance(value, Mapping):
        try:
            text = json.dumps(value)
        except TypeError:
            raise SeedError(f"{where}: a date has no form in JSON; write it as a text") from None
    elif isinstance(value, str):
        text = value
    else:
        raise SeedError(f"{where}: write a text, or a table, which is stored as JSON")
    match = _ARN.fullmatch(name)
    if match is None or match[1] != "secretsmanager":
        return SecretSeed(name=name, value=SecretValue(text))
    return SecretSeed(name=_ARN_SUFFIX.sub("", match[3]), value=SecretValue(text), region=match[2] or None)


def _object(name: str, value: object) -> ObjectSeed:
    where = f"objects.{json.dumps(name)}"
    bucket, _, key = name.removeprefix("s3://").removeprefix("arn:aws:s3:::").partition("/")
    if not bucket or not key:
        raise SeedError(f"{where}: the name is bucket/key")
    match value:
        case str():
            return ObjectSeed(bucket=bucket, key=key, text=SecretValue(value))
        case {"file": str(file), **rest} if not rest:
            return ObjectSeed(bucket=bucket, key=key, file=file)
        case _:
            raise SeedError(f'{where}: write a text, or {{ file = "path" }}')


def _log_groups(document: Mapping[str, object]) -> tuple[str, ...] | None:
    groups = document.get("log_groups")
    if groups is None:
        return None
    if not isinstance(groups, list) or not all(isinstance(group, str) and group for group in groups):
        raise SeedError('log_groups: expected a list of names, as in ["/web/app"]')
    return tuple(groups)
