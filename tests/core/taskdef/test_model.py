"""The model against AWS's own published description of the API (as botocore ships it)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import botocore.session
import pytest

from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import (
    READ_ONLY_FIELDS,
    ContainerDefinition,
    DockerVolumeConfiguration,
    LogConfiguration,
    StringMap,
    TaskDefinition,
)
from pillion.core.taskdef.shapes import Kind, ValueType, json_name, shape_of

AwsModel = Any
"""A part of botocore's service model, which comes without types."""


class Structure(NamedTuple):
    """A structure as plain data: for each member its type and whether it is required."""

    name: str
    members: dict[str, tuple[object, bool]]


@pytest.fixture(scope="module")
def ecs() -> AwsModel:
    return botocore.session.get_session().get_service_model("ecs")


def aws_type(shape: AwsModel) -> object:
    """A shape of AWS's model as plain data, all the way down."""
    match shape.type_name:
        case "structure":
            return aws_structure(shape)
        case "list":
            return [aws_type(shape.member)]
        case "map":
            return {aws_type(shape.key): aws_type(shape.value)}
        case "string" if shape.enum:
            return (shape.name, frozenset(shape.enum))
        case other:
            return other


def aws_structure(shape: AwsModel) -> Structure:
    return Structure(
        shape.name,
        {name: (aws_type(member), name in shape.required_members) for name, member in shape.members.items()},
    )


def our_type(value: ValueType) -> object:
    """A type of our model in the same words as `aws_type`."""
    match value.kind:
        case Kind.OBJECT:
            assert value.shape is not None
            return our_structure(value.shape)
        case Kind.LIST:
            assert value.item is not None
            return [our_type(value.item)]
        case Kind.MAP:
            return {"string": "string"}
        case Kind.CHOICE:
            assert value.choice is not None
            return (value.choice.__name__, frozenset(value.choice))
        case kind:
            return kind.name.lower()


def our_structure(cls: type) -> Structure:
    return Structure(
        cls.__name__,
        {member.name: (our_type(member.type), member.required) for member in shape_of(cls).members},
    )


def read_only() -> set[str]:
    return {json_name(field) for field in READ_ONLY_FIELDS}


def test_the_model_has_every_member_that_register_task_definition_takes_and_no_other(ecs: AwsModel) -> None:
    theirs = aws_structure(ecs.operation_model("RegisterTaskDefinition").input_shape)
    ours = our_structure(TaskDefinition)

    taken = {name: member for name, member in ours.members.items() if name not in read_only()}
    assert taken == theirs.members


def test_the_model_has_every_member_that_describe_task_definition_prints_and_no_other(ecs: AwsModel) -> None:
    theirs = aws_structure(ecs.shape_for("TaskDefinition"))
    ours = our_structure(TaskDefinition)

    # Tags stand beside a described definition, and nothing is required of what AWS prints.
    printed = {name: kind for name, (kind, _) in ours.members.items() if name != "tags"}
    assert printed == {name: kind for name, (kind, _) in theirs.members.items()}


def test_the_read_only_fields_are_those_that_only_describe_knows(ecs: AwsModel) -> None:
    described = set(ecs.shape_for("TaskDefinition").members)
    registered = set(ecs.operation_model("RegisterTaskDefinition").input_shape.members)

    assert read_only() == described - registered


def test_a_definition_cannot_be_changed() -> None:
    container = ContainerDefinition(name="app")

    with pytest.raises(AttributeError, match="immutable"):
        container.name = "other"  # type: ignore[misc]  # the point of the test


def test_a_map_in_a_definition_is_cut_off_from_the_dictionary_it_was_made_of() -> None:
    labels = {"a": "1"}
    container = ContainerDefinition(docker_labels=labels)
    labels["b"] = "2"

    assert container.docker_labels == {"a": "1"}
    assert not hasattr(container.docker_labels, "__setitem__")


@pytest.mark.parametrize(
    ("made", "maps"),
    [
        (LogConfiguration(log_driver=LogDriver.AWSLOGS, options={"a": "1"}), ["options"]),
        (DockerVolumeConfiguration(driver_opts={"a": "1"}, labels={}), ["driver_opts", "labels"]),
    ],
)
def test_a_shape_with_maps_can_be_hashed(made: object, maps: list[str]) -> None:
    assert hash(made) == hash(made)
    assert [type(getattr(made, name)) for name in maps] == [StringMap] * len(maps)


def test_an_absent_map_is_not_an_empty_one() -> None:
    assert ContainerDefinition() != ContainerDefinition(docker_labels={})


def test_a_string_map_equals_a_dictionary_with_the_same_items_in_any_order() -> None:
    one: Mapping[str, str] = StringMap({"a": "1", "b": "2"})

    assert one == {"b": "2", "a": "1"}
    assert hash(one) == hash(StringMap({"b": "2", "a": "1"}))
