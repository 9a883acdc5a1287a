"""Fluent Bit's classic configuration: sections of keys and values, included files, variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_HEADER = re.compile(r"\[(\w+)\]\s*$")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_KINDS = ("SERVICE", "INPUT", "FILTER", "OUTPUT", "PARSER", "CUSTOM")


class ConfigurationError(Exception):
    """A configuration that the router does not start with. `exit_code` is Fluent Bit's own."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass
class Section:
    """One section. Keys are compared without case; a key may come several times."""

    kind: str
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the last value of a key."""
        found = self.all(key)
        return found[-1] if found else default

    def all(self, key: str) -> list[str]:
        """Return every value of a key, in order."""
        return [value for name, value in self.pairs if name.lower() == key.lower()]

    @property
    def name(self) -> str:
        """The plugin's name."""
        name = self.get("Name")
        if name is None:
            raise ConfigurationError(f"[config] section [{self.kind}] has no Name")
        return name.lower()

    def reject_unknown(self, known: frozenset[str], label: str) -> None:
        """Refuse an option that the plugin does not have, and one that is given twice."""
        seen: set[str] = set()
        for key, _ in self.pairs:
            lower = key.lower()
            if lower in ("name", "match", "match_regex", "alias", "log_level", "retry_limit", "workers"):
                continue
            if lower not in known and not lower.startswith(("tls.", "net.", "storage.")):
                raise ConfigurationError(f"[config] {label}: unknown configuration property '{key}'", 255)
            if lower in seen:
                raise ConfigurationError(f"[config] {label}: {key} is set 2 times", 255)
            seen.add(lower)


def load(path: Path, environment: Mapping[str, str], warn: Callable[[str], None]) -> list[Section]:
    """Read a configuration and all that it includes; [SERVICE] sections become one, later keys last.

    Raises:
        ConfigurationError: a file is missing, or a line is not what belongs there.
    """
    sections: list[Section] = []
    for where, line in _lines(path):
        if (header := _HEADER.match(line)) is not None:
            kind = header[1].upper()
            if kind not in _KINDS:
                warn(f"[config] {where}: section [{kind}] is unknown and ignored")
            sections.append(Section(kind))
        elif line[:1] not in (" ", "\t"):
            raise ConfigurationError(
                f"[config] {where}: invalid indentation level, or not a section: {line!r}"
            )
        elif not sections:
            raise ConfigurationError(f"[config] {where}: a key outside of any section")
        else:
            key, _, value = line.strip().partition(" ")
            if not value.strip():
                raise ConfigurationError(f"[config] {where}: undefined value for key {key}")
            sections[-1].pairs.append((key, _expand(value.strip(), environment, warn)))
    service = Section("SERVICE", [pair for item in sections if item.kind == "SERVICE" for pair in item.pairs])
    return [service, *(item for item in sections if item.kind != "SERVICE")]


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigurationError(
            f"[config] could not open configuration file {path}: {error.strerror}"
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.upper().startswith("@INCLUDE "):
            yield from _included(path, line.split(None, 1)[1].strip())
        elif not line.upper().startswith("@SET "):
            yield f"{path}:{number}", line


def _included(path: Path, pattern: str) -> Iterator[tuple[str, str]]:
    place = pattern if pattern.startswith("/") else str(path.parent / pattern)
    found = [Path(place)]
    if any(sign in place for sign in "*?["):
        found = sorted(Path(place).parent.glob(Path(place).name))
    if not found:
        raise ConfigurationError(f"[config] {path}: no file matches {pattern}")
    for each in found:
        yield from _lines(each)


def _expand(value: str, environment: Mapping[str, str], warn: Callable[[str], None]) -> str:
    def fill(match: re.Match[str]) -> str:
        if match[1] not in environment:
            warn(f"[env] variable ${{{match[1]}}} is used but not set")
        return environment.get(match[1], "")

    return _VARIABLE.sub(fill, value)


def is_on(value: str | None, *, default: bool = False) -> bool:
    """Read a boolean as Fluent Bit's core does."""
    return default if value is None else value.lower() in ("on", "true", "yes", "1")
