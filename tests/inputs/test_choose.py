from __future__ import annotations

import pytest

from pillion.core.rules.examples import app, task
from pillion.inputs import ChoiceError, choose_definition, require_known

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


def test_a_definition_of_a_template_can_be_run_once_all_is_known() -> None:
    assert require_known(choose_definition(TEMPLATE, "Web")) == {
        "family": "Web",
        "containerDefinitions": [{"name": "app", "image": "web:1", "memory": 64}],
    }


def test_what_only_the_deployment_knows_is_listed() -> None:
    with pytest.raises(
        ChoiceError, match=r"Worker: only the deployment knows containerDefinitions\[0\]\.image\."
    ):
        require_known(choose_definition(TEMPLATE, "Worker"))


def test_a_bare_list_of_containers_leaves_too_much_open() -> None:
    with pytest.raises(ChoiceError, match="and 8 more"):
        require_known(choose_definition([app()]))
