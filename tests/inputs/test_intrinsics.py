from __future__ import annotations

from typing import Any

import pytest

from pillion.core.task_view import UNKNOWN
from pillion.inputs.intrinsics import NO_VALUE, Resolver

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Tag": {"Type": "String", "Default": "1.2"},
        "Size": {"Type": "Number", "Default": 512},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/ami"},
        "Open": {"Type": "String"},
    },
    "Mappings": {"Sizes": {"us-east-1": {"cpu": 256}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Tag"}, "1.2"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Maybe": {"Fn::Equals": [{"Ref": "Open"}, "x"]},
        "Loop": {"Condition": "Loop"},
    },
}

CASES: list[tuple[str, object, object]] = [
    ("a parameter has its default", {"Ref": "Tag"}, "1.2"),
    ("a number stays one", {"Ref": "Size"}, 512),
    ("a list parameter is split", {"Ref": "Zones"}, ["a", "b"]),
    ("a parameter that is looked up is not known", {"Ref": "Ami"}, UNKNOWN),
    ("a parameter without a default is not known", {"Ref": "Open"}, UNKNOWN),
    ("a reference to a resource is not known", {"Ref": "Bucket"}, UNKNOWN),
    ("an attribute is not known", {"Fn::GetAtt": ["Role", "Arn"]}, UNKNOWN),
    ("a pseudo parameter has a stand-in", {"Ref": "AWS::Region"}, "us-east-1"),
    ("NoValue is absence", {"Ref": "AWS::NoValue"}, NO_VALUE),
    ("Sub fills in", {"Fn::Sub": "app:${Tag}"}, "app:1.2"),
    ("Sub takes variables of its own", {"Fn::Sub": ["${A}-${Tag}", {"A": {"Ref": "Size"}}]}, "512-1.2"),
    ("Sub keeps literals", {"Fn::Sub": "${!HOME}"}, "${HOME}"),
    ("Sub with something unknown is not known", {"Fn::Sub": "app:${Open}"}, UNKNOWN),
    ("Join joins", {"Fn::Join": [":", ["app", {"Ref": "Tag"}]]}, "app:1.2"),
    ("Join with something unknown is not known", {"Fn::Join": ["", ["a", {"Ref": "Open"}]]}, UNKNOWN),
    ("a true condition chooses the first", {"Fn::If": ["Yes", "a", "b"]}, "a"),
    ("a false condition chooses the second", {"Fn::If": ["No", "a", "b"]}, "b"),
    ("an open condition chooses nothing", {"Fn::If": ["Maybe", "a", "b"]}, UNKNOWN),
    ("a condition that is its own is open", {"Fn::If": ["Loop", "a", "b"]}, UNKNOWN),
    ("a map is looked up", {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "cpu"]}, 256),
    ("a missing entry of a map is not known", {"Fn::FindInMap": ["Sizes", "x", "cpu"]}, UNKNOWN),
    ("Select takes one", {"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
    ("Split splits", {"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
    ("absent entries leave a list", [{"Ref": "AWS::NoValue"}, "x"], ["x"]),
    ("absent members leave an object", {"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
    ("a macro hides what it makes", {"a": 1, "Fn::Transform": {"Name": "X"}}, UNKNOWN),
    ("And is false as soon as one is", {"Fn::If": ["Both", "a", "b"]}, "b"),
]
TEMPLATE["Conditions"]["Both"] = {"Fn::And": [{"Condition": "Maybe"}, {"Condition": "No"}]}


@pytest.mark.parametrize(("value", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_intrinsic_function_is_answered_as_far_as_the_template_goes(
    value: object, expected: object
) -> None:
    assert Resolver(TEMPLATE).resolve(value) == expected


@pytest.mark.parametrize(
    "name", ["Fn::Sub", "Fn::Join", "Fn::If", "Fn::FindInMap", "Fn::Select", "Fn::Split", "Ref", "Fn::New"]
)
@pytest.mark.parametrize("argument", [None, 1, "x", [], [1], [1, 2], [1, 2, 3], {}, [[], {}, None]])
def test_a_function_with_a_wrong_argument_is_not_known(name: str, argument: object) -> None:
    assert Resolver(TEMPLATE).resolve({name: argument}) in (UNKNOWN, "x", [], 3)


def test_bottomless_nesting_is_not_known() -> None:
    value: object = "x"
    for _ in range(5000):
        value = {"Fn::Join": ["", [value]]}
    assert Resolver(TEMPLATE).resolve(value) is UNKNOWN
