"""Whatever a file holds, a check answers with findings or with an error for people."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion.checking.check import check_document
from pillion.checking.fixes import edits_of, repaired
from pillion.checking.formats import to_github, to_json, to_junit, to_sarif
from pillion.checking.text import document_text
from pillion.core.errors import DocumentError
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.task_view import UNKNOWN
from pillion.documents.load import read_document
from pillion.documents.source import Syntax
from pillion.inputs import find_definitions
from pillion.testing.strategies import json_values

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

QUICKLY = settings(
    deadline=None,
    max_examples=int(os.environ.get("PILLION_EXAMPLES", "50")),  # many, by hand and at night
    suppress_health_check=[HealthCheck.too_slow],
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[str | int, ...]] = []
    for key, item in items:
        found += [(*path, key), *paths(item, (*path, key))]
    return found


def replaced(value: Any, path: tuple[str | int, ...], by: object) -> Any:
    copied = json.loads(json.dumps(value))
    place = copied
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = by
    return copied


EXAMPLES = [example for rule in RULES for example in (rule.bad, rule.good) if isinstance(example, dict)]


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """An example of a rule with some of its values replaced by anything."""
    value = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        value = replaced(value, draw(st.sampled_from(paths(value))), draw(json_values()))
    return value


def use_everything(text: str, syntax: Syntax) -> None:
    """Everything that `pillion check` does with a document."""
    try:
        document = read_document(text, "task", syntax)
    except DocumentError:
        return
    checked = check_document(document)
    for line in document_text(checked, budget=True):
        assert not _CONTROL.search(line.removesuffix("\n"))
        line.encode()
    for output in (
        to_sarif([checked], version="0"),
        to_json([checked]),
        to_github([checked]),
        to_junit([checked], threshold=None),
    ):
        output.encode()
    repaired(document, edits_of(checked))


@QUICKLY
@given(mutations())
def test_a_mutated_definition_is_checked(value: object) -> None:
    use_everything(json.dumps(value), Syntax.JSON)


@QUICKLY
@given(json_values())
def test_any_json_is_checked(value: object) -> None:
    check_definition(value)
    use_everything(json.dumps(value), Syntax.JSON)


@QUICKLY
@given(st.text())
def test_any_text_is_checked(text: str) -> None:
    use_everything(text, Syntax.YAML)


@QUICKLY
@given(mutations(), st.data())
def test_a_mutated_template_is_checked(value: Any, data: st.DataObject) -> None:
    properties = {str(key)[:1].upper() + str(key)[1:]: item for key, item in value.items()}
    template: Any = {
        "Parameters": {"A": {"Type": "String", "Default": "x"}},
        "Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}},
    }
    template = replaced(template, data.draw(st.sampled_from(paths(template))), data.draw(json_values()))
    use_everything(json.dumps(template), Syntax.JSON)


@QUICKLY
@given(mutations(), json_values())
def test_a_mutated_plan_is_checked(value: object, values: object) -> None:
    after = {"container_definitions": json.dumps(value), "volume": values, "proxy_configuration": [values]}
    change = {"type": "aws_ecs_task_definition", "change": {"after": after, "after_unknown": values}}
    plan = {"terraform_version": "1", "resource_changes": [change, values]}
    use_everything(json.dumps(plan), Syntax.JSON)


@QUICKLY
@given(mutations(), st.data())
def test_unknown_values_anywhere_are_borne(value: Any, data: st.DataObject) -> None:
    chosen = paths(value)
    if chosen:
        path = data.draw(st.sampled_from(chosen))
        place = value = json.loads(json.dumps(value))
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = UNKNOWN
    for subject in find_definitions(value):
        check_definition(subject.value)
