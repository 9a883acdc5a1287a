"""`pillion.toml`: what a team wants every run to do, kept beside the definition.

The file is looked for beside the definition and then in the working directory; the first one found counts.
Paths in it are relative to the file. A command line option adds to a table, or wins where there is one
value. What the tables mean belongs to those who use them; here they are found, read and checked for names
and types, so that a misspelt key is an error and not a wish that nobody hears.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from pillion.core.errors import PillionError
from pillion.core.likeness import suggestion

FILE_NAME = "pillion.toml"

_RUN_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "pull": str,
    "pull_upfront": bool,
    "cluster": str,
    "host_ip": str,
    "images": dict,
    "builds": dict,
    "volumes": dict,
    "publish": list,
    "mute": list,
    "stub": list,
    "keep": bool,
    "keep_history": str,
    "timestamps": bool,
    "endpoints": str,
    "firelens_mode": str,
}

_TABLES: Mapping[str, Mapping[str, type | tuple[type, ...]] | None] = {
    "run": _RUN_KEYS,
    "check": None,
    "aws": None,
    "monitor": None,
}
"""The tables of the file; None where whoever uses the table checks it."""

_NAMES = {str: "a string", bool: "true or false", dict: "a table", list: "a list"}


class SettingsError(PillionError):
    """pillion.toml cannot be used. The message says which file, where, and what to do."""


class Settings(Struct, frozen=True, kw_only=True):
    """What pillion.toml says. `folder` is where it was found; paths in it are relative to that."""

    path: Path | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent if self.path else Path.cwd()

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table, empty where the file has none."""
        return self.tables.get(name, {})


def find_settings(document: str) -> Settings:
    """Read the pillion.toml that belongs to a definition (`-` for standard input).

    Raises:
        SettingsError: the file is there and cannot be read, or says something that means nothing.
    """
    folders = [] if document == "-" else [Path(document).absolute().parent]
    for folder in (*folders, Path.cwd()):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            return read_settings(candidate)
    return Settings()


def read_settings(path: Path) -> Settings:
    """Read one pillion.toml. Raises SettingsError."""
    import tomllib

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error
    for name, table in tables.items():
        _check_table(path, name, table)
    return Settings(path=path, tables=tables)


def _check_table(path: Path, name: str, table: object) -> None:
    if name not in _TABLES:
        raise SettingsError(f"{path}: unknown table [{name}]{suggestion(name, _TABLES)}")
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name} has to be a table: write [{name}]")
    keys = _TABLES[name]
    if keys is None:
        return
    for key, value in table.items():
        if key not in keys:
            raise SettingsError(f"{path}: [{name}] has an unknown key {key!r}{suggestion(key, keys)}")
        expected = keys[key]
        if not isinstance(value, expected):
            kind = _NAMES[expected] if isinstance(expected, type) else "something else"
            raise SettingsError(f"{path}: [{name}] {key} has to be {kind}")
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if not all(isinstance(item, str) for item in items):
            raise SettingsError(f"{path}: [{name}] {key} may hold strings only")
