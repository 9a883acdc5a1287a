"""A value that is not known yet raises no alarm, wherever it stands."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pillion.core.findings import Path
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.rule import Rule
from pillion.core.task_view import UNKNOWN


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every place inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


def with_unknown(value: Any, path: Path) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = UNKNOWN
    return changed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_no_unknown_value_makes_a_good_definition_wrong(rule: Rule) -> None:
    for path in paths(rule.good):
        if path == ("taskDefinition",):
            continue  # whether a document is wrapped is known before anything else
        refused = [
            (finding.code, path)
            for finding in check_definition(with_unknown(rule.good, path))
            if finding.severity == "error"
        ]
        assert refused == []


def test_a_definition_of_unknown_members_raises_no_alarm() -> None:
    members = {key for rule in RULES for key in rule.good if isinstance(rule.good, dict)}
    assert check_definition(dict.fromkeys(members - {"taskDefinition"}, UNKNOWN)) == []
