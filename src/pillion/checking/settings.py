"""What pillion.toml says about checking: the table `[check]`.

[check]
ignore = ["W001", "W805"]
fail_on = "warning"              # error (the default), warning, info, never
launch_types = ["FARGATE"]       # checked for, whatever a definition requires
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from pillion.checking.ignores import parse_codes, unknown_codes
from pillion.core.findings import Severity
from pillion.core.rules.rulebook import LAUNCH_TYPES

FILE_NAME: Final = "pillion.toml"
NEVER: Final = "never"
_KEYS: Final = ("ignore", "fail_on", "launch_types")


class CheckSettingsError(Exception):
    """The table cannot be used; the message says which file, what is wrong, and what to write."""


class CheckSettings(Struct, frozen=True, kw_only=True):
    """The table, or what holds without one.

    Attributes:
        ignore: Codes that are not reported.
        threshold: Mildest severity that makes a check fail; None if nothing does.
        launch_types: Launch types to check for beside those that a definition requires.
    """

    ignore: frozenset[str] = frozenset()
    threshold: Severity | None = Severity.ERROR
    launch_types: frozenset[str] = frozenset()


def settings_for(file: str) -> CheckSettings:
    """The settings for one file: those of the pillion.toml beside it, else of the working directory.

    Raises:
        CheckSettingsError: There is one, and it cannot be used.
    """
    folders = [Path()] if file == "-" else [Path(file).parent, Path()]
    if not any((folder / FILE_NAME).is_file() for folder in folders):
        return CheckSettings()
    from pillion.settings import SettingsError, find_settings  # only where there is a file to read

    try:
        settings = find_settings(file)
    except SettingsError as error:
        raise CheckSettingsError(str(error)) from error
    return _read(settings.table("check"), str(settings.path or FILE_NAME))


def _read(table: Mapping[str, Any], file: str) -> CheckSettings:
    for key in table:
        if key not in _KEYS:
            message = f"{file}: [check] has no key {key}; it has {', '.join(_KEYS)}."
            raise CheckSettingsError(message)
    ignore = parse_codes(_strings(table, "ignore", file))
    if strange := unknown_codes(ignore):
        raise CheckSettingsError(f"{file}: [check] ignore: there is no rule {', '.join(strange)}.")
    launch_types = frozenset(_strings(table, "launch_types", file))
    if strange := sorted(launch_types - LAUNCH_TYPES):
        known = ", ".join(sorted(LAUNCH_TYPES))
        raise CheckSettingsError(f"{file}: [check] launch_types: {strange[0]} is not one of {known}.")
    fail_on = table.get("fail_on", Severity.ERROR.value)
    if fail_on not in (NEVER, *Severity):
        message = f"{file}: [check] fail_on is {fail_on!r}; write error, warning, info or never."
        raise CheckSettingsError(message)
    return CheckSettings(ignore=ignore, threshold=threshold_of(fail_on), launch_types=launch_types)


def threshold_of(word: str) -> Severity | None:
    """The severity that a word means; None for `never`."""
    return None if word == NEVER else Severity(word)


def _strings(table: Mapping[str, Any], key: str, file: str) -> list[str]:
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise CheckSettingsError(f"{file}: [check] {key} must be a list of strings.")
