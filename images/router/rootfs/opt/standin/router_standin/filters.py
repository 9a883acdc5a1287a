"""Filters: what becomes of a record on its way. A filter returns a record, or None to drop it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from router_standin.configuration import ConfigurationError, Section, is_on

Record = dict[str, Any]
Filter = Callable[[Record], Record | None]


def make_filter(section: Section) -> Filter:
    """Make the filter that a section describes. Raises ConfigurationError."""
    makers = {"grep": _grep, "record_modifier": _record_modifier, "parser": _parser}
    if section.name not in makers:
        raise ConfigurationError(
            f"[config] section '{section.name}' tried to instance a plugin name that doesn't exist"
        )
    return makers[section.name](section)


def _grep(section: Section) -> Filter:
    """All `Regex` have to match, no `Exclude` may; a record without the key matches nothing."""
    rules: list[tuple[str, re.Pattern[str], bool]] = []
    for key, value in section.pairs:
        if key.lower() in ("regex", "exclude"):
            name, _, pattern = value.partition(" ")
            try:
                rules.append((name, re.compile(pattern.strip()), key.lower() == "regex"))
            except re.error as error:
                raise ConfigurationError(
                    f"[filter:grep] could not compile {pattern!r}: {error}", 255
                ) from error

    def keep(record: Record) -> Record | None:
        for name, pattern, wanted in rules:
            found = name in record and pattern.search(str(record[name])) is not None
            if found is not wanted:
                return None
        return record

    return keep


def _record_modifier(section: Section) -> Filter:
    added: Record = {}
    for value in section.all("Record"):
        key, _, text = value.partition(" ")
        added[key] = text.strip()
    removed = frozenset(section.all("Remove_key"))

    def modify(record: Record) -> Record:
        if removed:
            record = {key: value for key, value in record.items() if key not in removed}
        return {**record, **added}

    return modify


def _parser(section: Section) -> Filter:
    """JSON in one key becomes keys of the record; what is no JSON object stays as it is."""
    key, parser = section.get("Key_Name"), section.get("Parser")
    if key is None or parser is None or "json" not in parser.lower():
        raise ConfigurationError("[filter:parser] this stand-in knows the json parser only", 255)
    reserve, preserve = is_on(section.get("Reserve_Data")), is_on(section.get("Preserve_Key"))

    def parse(record: Record) -> Record:
        try:
            parsed = json.loads(record[key])
        except (KeyError, TypeError, ValueError):
            return record
        if not isinstance(parsed, dict):
            return record
        rest = {name: value for name, value in record.items() if preserve or name != key} if reserve else {}
        return {**parsed, **rest}

    return parse
