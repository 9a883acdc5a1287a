"""CloudFormation's intrinsic functions, as far as a template answers them by itself.

Parameters count with their defaults, pseudo parameters with stand-ins (AWS's documentation account and the
region us-east-1), conditions as these make them. What only the deployment knows becomes `UNKNOWN`; a text
with one unknown part is unknown as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pillion.core.findings import Path
from pillion.core.task_view import UNKNOWN

NO_VALUE: Final = object()
"""`AWS::NoValue`: the property is as if it were not there."""
NO_VALUE_REFERENCE: Final = {"Ref": "AWS::NoValue"}
"""How a template writes it."""

PSEUDO_PARAMETERS: Final[Mapping[str, object]] = {
    "AWS::AccountId": "111122223333",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::StackId": UNKNOWN,
    "AWS::NotificationARNs": UNKNOWN,
    "AWS::NoValue": NO_VALUE,
}

_DEPTH_MAX: Final = 60
"""Deeper nesting than any template's; below it lies what a hostile one could do to the stack."""
_VARIABLE: Final = re.compile(r"\$\{(!?)([^${}]*)\}")


class Resolver:
    """Answers the intrinsic functions of one template."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self._parameters = _section(template, "Parameters")
        self._mappings = _section(template, "Mappings")
        self._conditions = _section(template, "Conditions")
        self._functions: dict[str, Callable[[Any, int], object]] = {
            "Ref": self._ref,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::ToJsonString": lambda _argument, _depth: UNKNOWN,
        }

    def resolve(self, value: object, depth: int = 0) -> object:
        """The value with every intrinsic function answered, `UNKNOWN` or `NO_VALUE` in its place."""
        if depth > _DEPTH_MAX:
            return UNKNOWN
        if isinstance(value, dict):
            if is_intrinsic(value):
                ((name, argument),) = value.items()
                function = self._functions.get(name)
                return function(argument, depth + 1) if function else UNKNOWN
            return self._object(value, depth)
        if isinstance(value, list):
            resolved = (self.resolve(item, depth + 1) for item in value)
            return [item for item in resolved if item is not NO_VALUE]
        return value

    def branch(self, value: object) -> tuple[Path, object]:
        """Where `Fn::If` leads to, by way of others if need be, and what stands there.

        Returns:
            The path from the value, empty where that is no `Fn::If` or its condition is not known; the value.
        """
        path: Path = ()
        while isinstance(value, dict) and len(value) == 1 and len(path) < _DEPTH_MAX:
            choice = value.get("Fn::If")
            if not isinstance(choice, list) or len(choice) != 3:
                break
            answer = self._condition(choice[0], 0)
            if answer is None:
                break
            place = 1 if answer else 2
            path, value = (*path, "Fn::If", place), choice[place]
        return path, value

    def _object(self, value: Mapping[str, object], depth: int) -> object:
        found = {}
        for key, item in value.items():
            if str(key).startswith("Fn::ForEach") or key == "Fn::Transform":
                return UNKNOWN  # what it makes stands beside the other members, so none of them is certain
            resolved = self.resolve(item, depth + 1)
            if resolved is not NO_VALUE:
                found[key] = resolved
        return found

    def _ref(self, name: object, depth: int) -> object:
        if not isinstance(name, str):
            return UNKNOWN
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        return self._parameter(name)

    def _parameter(self, name: str) -> object:
        parameter = self._parameters.get(name)
        if not isinstance(parameter, dict) or parameter.get("Default") is None:
            return UNKNOWN
        kind, default = str(parameter.get("Type", "String")), parameter["Default"]
        if kind.startswith("AWS::"):
            return UNKNOWN  # the default names something, a Systems Manager parameter for one, to look up
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [item.strip() for item in str(default).split(",")]
        return default

    def _sub(self, argument: object, depth: int) -> object:
        given: object = {}
        if isinstance(argument, list) and len(argument) == 2:
            argument, given = argument
        if not isinstance(argument, str) or not isinstance(given, dict):
            return UNKNOWN
        unknown = False

        def replace(match: re.Match[str]) -> str:
            nonlocal unknown
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{name}}}"
            value = self.resolve(given[name], depth) if name in given else self._ref(name, depth)
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                unknown = True
            return str(value)

        text = _VARIABLE.sub(replace, argument)
        return UNKNOWN if unknown else text

    def _join(self, argument: object, depth: int) -> object:
        if not isinstance(argument, list) or len(argument) != 2:
            return UNKNOWN
        parts = self.resolve(argument[1], depth)
        if not isinstance(parts, list) or not isinstance(argument[0], str):
            return UNKNOWN
        if any(isinstance(part, bool) or not isinstance(part, (str, int, float)) for part in parts):
            return UNKNOWN
        return argument[0].join(str(part) for part in parts)

    def _if(self, argument: object, depth: int) -> object:
        if not isinstance(argument, list) or len(argument) != 3:
            return UNKNOWN
        answer = self._condition(argument[0], depth)
        return UNKNOWN if answer is None else self.resolve(argument[1 if answer else 2], depth)

    def _condition(self, condition: object, depth: int) -> bool | None:
        """Truth of a condition, by name or as an expression; None where it cannot be known."""
        if depth > _DEPTH_MAX:
            return None
        if isinstance(condition, str):
            return self._condition(self._conditions.get(condition), depth + 1)
        if not isinstance(condition, dict) or len(condition) != 1:
            return None
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self._condition(argument, depth + 1) if isinstance(argument, str) else None
        if not isinstance(argument, list):
            return None
        if name == "Fn::Equals" and len(argument) == 2:
            return self._equals(argument, depth)
        answers = [self._condition(item, depth + 1) for item in argument]
        if name == "Fn::Not" and len(answers) == 1:
            return None if answers[0] is None else not answers[0]
        if name == "Fn::And":
            return False if False in answers else None if None in answers else True
        if name == "Fn::Or":
            return True if True in answers else None if None in answers else False
        return None

    def _equals(self, pair: list[object], depth: int) -> bool | None:
        left, right = (self.resolve(item, depth + 1) for item in pair)
        scalar = (str, int, float)
        if not isinstance(left, scalar) or not isinstance(right, scalar):
            return None
        return _spelt(left) == _spelt(right)

    def _find_in_map(self, argument: object, depth: int) -> object:
        keys = self.resolve(argument, depth)
        if not isinstance(keys, list) or len(keys) != 3:
            return UNKNOWN
        found: object = self._mappings
        for key in keys:
            if not isinstance(key, (str, int)) or not isinstance(found, dict):
                return UNKNOWN
            found = found.get(str(key), found.get(key, UNKNOWN))
        return found

    def _select(self, argument: object, depth: int) -> object:
        if not isinstance(argument, list) or len(argument) != 2:
            return UNKNOWN
        index, items = self.resolve(argument[0], depth), self.resolve(argument[1], depth)
        if isinstance(items, list) and isinstance(index, (str, int)) and str(index).isdecimal():
            return items[int(index)] if int(index) < len(items) else UNKNOWN
        return UNKNOWN

    def _split(self, argument: object, depth: int) -> object:
        if not isinstance(argument, list) or len(argument) != 2:
            return UNKNOWN
        delimiter, text = argument[0], self.resolve(argument[1], depth)
        if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
            return UNKNOWN
        return list(text.split(delimiter))


def is_intrinsic(value: Mapping[Any, object]) -> bool:
    """Is the object an intrinsic function, rather than properties?"""
    if len(value) != 1:
        return False
    (name,) = value
    return name in ("Ref", "Condition") or (isinstance(name, str) and name.startswith("Fn::"))


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name)
    return section if isinstance(section, dict) else {}


def _spelt(value: object) -> str:
    """As CloudFormation compares: everything as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
