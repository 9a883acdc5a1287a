from __future__ import annotations

import pytest

from pillion.core.rules.examples import task
from pillion.inputs import ChoiceError, choose_definition

TEMPLATE = {
    "Resources": {
        name: {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"ContainerDefinitions": [{"Name": "app", "Image": image, "Memory": 64}]},
        }
        for name, image in (("Web", "web:1"), ("Worker", {"Ref": "Image"}))
    }
}


def test_the_only_definition_needs_no_name() -> None:
    assert choose_definition(task()).value == task()
    assert choose_definition(task(), "web").value == task()


def test_one_of_several_is_chosen_by_its_logical_id() -> None:
    assert choose_definition(TEMPLATE, "Worker").name == "Worker"


def test_several_without_a_name_are_listed() -> None:
    with pytest.raises(ChoiceError, match=r"2 definitions: Web, Worker\. Choose one with --family"):
        choose_definition(TEMPLATE)


def test_a_name_that_none_has_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ChoiceError, match="no single definition 'Db'; it has Web, Worker"):
        choose_definition(TEMPLATE, "Db")


def test_a_document_without_definitions_is_an_error() -> None:
    with pytest.raises(ChoiceError, match="no task definition"):
        choose_definition([])
