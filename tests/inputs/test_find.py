from __future__ import annotations

import json
from pathlib import Path

import pytest

from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, sidecar, task
from pillion.inputs import Road, find_definitions

DATA = Path(__file__).parents[1] / "data"


def test_a_definition_is_found_as_register_takes_it() -> None:
    (subject,) = find_definitions(task())
    assert (subject.name, subject.road, subject.value) == ("web", Road.ECS, task())
    assert subject.locate(("cpu",)) == ("cpu",)


def test_a_definition_is_found_as_describe_prints_it() -> None:
    (subject,) = find_definitions({"taskDefinition": task(), "tags": []})
    assert subject.name == "web"
    findings = check_definition(subject.value)
    assert {finding.path[0] for finding in findings} == {"taskDefinition"}


def test_a_list_of_definitions_holds_each_of_them() -> None:
    first, second = find_definitions([task(), task(family="other")])
    assert (first.name, second.name) == ("web", "other")
    assert second.locate(("cpu",)) == (1, "cpu")


def test_a_bare_list_of_containers_says_nothing_about_the_task() -> None:
    (subject,) = find_definitions([app(memory=None), sidecar("db", mountPoints=[{"sourceVolume": "x"}])])
    assert subject.road is Road.CONTAINERS
    assert [f.code for f in check_definition(subject.value) if f.severity == "error"] == []
    assert subject.locate(("containerDefinitions", 1, "name")) == (1, "name")


def test_a_bare_list_of_containers_is_still_checked() -> None:
    containers = [app(dependsOn=[{"containerName": "nobody", "condition": "START"}])]
    (subject,) = find_definitions(containers)
    assert [f.code for f in check_definition(subject.value) if f.severity == "error"] == ["E101"]


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, {"services": {"web": {"image": "x"}}}])
def test_other_documents_hold_no_definition_unless_somebody_says_so(value: object) -> None:
    assert find_definitions(value, expected=False) == []


TRUE_ALARMS = {"W001", "W901"}
"""The CDK's patterns were given an image without a tag, and one of them uses App Mesh."""


@pytest.mark.parametrize("path", sorted((DATA / "cdk").glob("*.json")), ids=lambda path: path.stem)
def test_what_the_cdk_makes_raises_no_false_alarm(path: Path) -> None:
    (subject,) = find_definitions(json.loads(path.read_text(encoding="utf-8")))
    found = {finding.code for finding in check_definition(subject.value) if finding.severity != "info"}
    assert found <= TRUE_ALARMS


def test_a_mistake_in_what_the_cdk_makes_is_found() -> None:
    template = json.loads((DATA / "cdk" / "FireLens.json").read_text(encoding="utf-8"))
    template["Resources"]["Task79114B6B"]["Properties"]["Cpu"] = "256"
    template["Resources"]["Task79114B6B"]["Properties"]["Memory"] = "4096"
    (subject,) = find_definitions(template)
    assert [f.code for f in check_definition(subject.value) if f.severity == "error"] == ["E205"]
