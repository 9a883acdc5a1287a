"""Rendering gives back what was read."""

import json
from typing import Any

import pytest
from hypothesis import given

from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EphemeralStorage,
    LogConfiguration,
    Tag,
    TaskDefinition,
)
from pillion.core.taskdef.parse import parse_task_definition, read_task_definition
from pillion.core.taskdef.render import render, render_described, render_task_definition
from pillion.testing.strategies import nearly_valid_documents, runnable_definitions, task_definitions


@pytest.mark.slow
@given(task_definitions() | runnable_definitions())
def test_a_definition_survives_being_rendered_as_json_and_read_again(definition: TaskDefinition) -> None:
    text = json.dumps(render_task_definition(definition))

    assert read_task_definition(json.loads(text)) == definition


@pytest.mark.slow
@given(task_definitions())
def test_a_described_definition_survives_being_read_again(definition: TaskDefinition) -> None:
    described = render_described(definition)

    assert described["tags"] == [render(tag) for tag in definition.tags or ()]
    assert render_described(read_task_definition(described)) == described


@pytest.mark.slow
@given(nearly_valid_documents())
def test_a_document_that_is_read_without_notes_is_rendered_the_same(value: Any) -> None:
    result = parse_task_definition(value)

    if result.definition is not None and not result.notes and "taskDefinition" not in value:
        assert render_task_definition(result.definition) == value


def test_absent_members_stay_absent_and_empty_ones_empty() -> None:
    assert render(ContainerDefinition(command=(), docker_labels={}, essential=False, cpu=0)) == {
        "command": [],
        "dockerLabels": {},
        "essential": False,
        "cpu": 0,
    }


def test_words_are_rendered_as_plain_texts_and_maps_as_plain_dictionaries() -> None:
    rendered = render(LogConfiguration(log_driver=LogDriver.AWSLOGS, options={"a": "b"}))

    assert type(rendered["logDriver"]) is str
    assert type(rendered["options"]) is dict
    assert rendered == {"logDriver": "awslogs", "options": {"a": "b"}}


def test_an_irregular_name_is_spelt_as_ecs_spells_it() -> None:
    assert render(EphemeralStorage(size_in_gib=30)) == {"sizeInGiB": 30}


def test_a_described_definition_has_its_tags_beside_it() -> None:
    definition = TaskDefinition(family="web", container_definitions=(), tags=(Tag(key="a", value="b"),))

    assert render_described(definition) == {
        "taskDefinition": {"family": "web", "containerDefinitions": []},
        "tags": [{"key": "a", "value": "b"}],
    }
