from __future__ import annotations

import json
from typing import Any

import pytest

from pillion.checking.check import CheckOptions, check_document
from pillion.checking.fixes import edits_of, repaired
from pillion.core.findings import Edit, EditAction
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.rule import Rule
from pillion.documents.load import read_document
from pillion.documents.source import Syntax


def fixed(text: str, syntax: Syntax = Syntax.JSON) -> str:
    document = read_document(text, "task", syntax)
    return repaired(document, edits_of(check_document(document, CheckOptions()))).text


def edited(text: str, edit: Edit, syntax: Syntax = Syntax.JSON) -> str:
    return repaired(read_document(text, "task", syntax), [edit]).text


def test_only_the_value_changes_and_everything_around_it_stays() -> None:
    before = """{
    "family": "web",   "networkMode":"awsvpc",
\t"containerDefinitions": [ {"name": "app" , "image": "a:1", "memory": "64",
      "portMappings": [{"containerPort": 80, "hostPort": 8080}] } ] }
"""
    after = before.replace('"64"', "64").replace("8080", "80")
    assert fixed(before) == after


def test_a_member_is_added_at_the_end_of_its_object_in_the_objects_own_style() -> None:
    before = """{
  "family": "web",
  "requiresCompatibilities": ["FARGATE"],
  "cpu": "256", "memory": "512",
  "containerDefinitions": [{"name": "app", "image": "a:1"}]
}
"""
    after = before.replace("}]\n}", '}],\n  "networkMode": "awsvpc"\n}')
    assert fixed(before) == after


def test_yaml_keeps_its_comments_and_its_quotes() -> None:
    before = """# the web task
family: web
cpu: "256"          # a quarter
memory: '512'
requiresCompatibilities: [FARGATE]
containerDefinitions:
  - name: app       # ours
    image: a:1
    stopTimeout: 300  # too long
    essential: "true"
"""
    after = (
        before.replace("family: web\n", "family: web\nnetworkMode: awsvpc\n")
        .replace("300", "120")
        .replace('"true"', "true")
    )
    assert fixed(before, Syntax.YAML) == after


def test_yaml_in_another_task_keeps_its_line_endings() -> None:
    before = "family: web\r\ncpu: '256'\r\nmemory: '512'\r\nrequiresCompatibilities: [FARGATE]\r\n"
    before += "containerDefinitions: [{name: app, image: 'a:1'}]\r\n"
    after = before.replace("family: web\r\n", "family: web\r\nnetworkMode: awsvpc\r\n")
    assert fixed(before, Syntax.YAML) == after


REMOVALS = [
    ("the first member", '{"a": 1, "b": 2}', ("a",), '{"b": 2}'),
    ("the last member", '{"a": 1, "b": 2}', ("b",), '{"a": 1}'),
    ("a middle member", '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}', ("b",), '{\n  "a": 1,\n  "c": 3\n}'),
    ("the last of many lines", '{\n  "a": 1,\n  "b": [\n 2]\n}', ("b",), '{\n  "a": 1\n}'),
    ("a list item", '{"x": [1, 2, 3]}', ("x", 1), '{"x": [1, 3]}'),
]


@pytest.mark.parametrize(("text", "path", "after"), [c[1:] for c in REMOVALS], ids=[c[0] for c in REMOVALS])
def test_what_is_removed_takes_its_comma_along(text: str, path: tuple[Any, ...], after: str) -> None:
    assert edited(text, Edit(path=path, action=EditAction.REMOVE)) == after


def test_a_removed_member_of_a_block_takes_its_lines_along() -> None:
    before = "a: 1\nb:\n  - x\n  - y\nc: 3\n"
    assert edited(before, Edit(path=("b",), action=EditAction.REMOVE), Syntax.YAML) == "a: 1\nc: 3\n"
    assert (
        edited(before, Edit(path=("c",), action=EditAction.REMOVE), Syntax.YAML) == "a: 1\nb:\n  - x\n  - y\n"
    )


def test_a_renamed_key_keeps_its_quotes() -> None:
    rename = Edit(path=("Family",), action=EditAction.RENAME, value="family")
    assert edited('{"Family" : "web"}', rename) == '{"family" : "web"}'
    assert edited("Family: web\n", rename, Syntax.YAML) == "family: web\n"
    assert edited("'Family': web\n", rename, Syntax.YAML) == "'family': web\n"


def test_a_key_is_not_renamed_to_one_that_is_there() -> None:
    rename = Edit(path=("Family",), action=EditAction.RENAME, value="family")
    assert edited('{"Family": "a", "family": "b"}', rename) == '{"Family": "a", "family": "b"}'


def test_a_value_that_others_share_is_left_alone() -> None:
    before = "one: &x {memory: '1'}\ntwo: *x\n"
    edit = Edit(path=("two", "memory"), action=EditAction.SET, value=2)
    assert edited(before, edit, Syntax.YAML) == before


def test_a_word_that_yaml_would_read_otherwise_gets_quotes() -> None:
    edit = Edit(path=("cpu",), action=EditAction.SET, value="256")
    assert edited("cpu: 256\n", edit, Syntax.YAML) == 'cpu: "256"\n'


def test_a_template_is_not_repaired() -> None:
    properties = {"Family": "web", "ContainerDefinitions": [{"Name": "a", "Image": "a:1", "StopTimeout": 1}]}
    template = {"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}
    text = json.dumps(template)
    assert fixed(text) == text


REPAIRABLE = [
    rule for rule in RULES if any(f.edit and f.code == rule.code for f in check_definition(rule.bad))
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("rule", REPAIRABLE, ids=lambda rule: rule.code)
def test_a_repair_does_away_with_its_finding_and_brings_no_new_error(rule: Rule, indent: int | None) -> None:
    after = json.loads(fixed(json.dumps(rule.bad, indent=indent)))
    before = {finding.code for finding in check_definition(rule.bad) if finding.severity == "error"}
    codes = {finding.code for finding in check_definition(after) if finding.severity == "error"}
    assert codes <= before - {rule.code}
