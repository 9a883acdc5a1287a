"""Task definitions in CloudFormation templates; SAM templates and the CDK's output are such templates too.

CloudFormation spells members in PascalCase with some whims (`FilesystemId`, `IAM`,
`ProxyConfigurationProperties`), takes "256" for 256 and "true" for true, and makes a family where none is
given. All of that is undone here, guided by the types of the model, so that rules see what the API will see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

from pillion.core.findings import Path
from pillion.core.task_view import UNKNOWN
from pillion.core.taskdef.model import EFSVolumeConfiguration, ProxyConfiguration, TaskDefinition
from pillion.core.taskdef.shapes import Kind, ValueType, shape_of
from pillion.inputs.intrinsics import NO_VALUE_REFERENCE, Resolver, is_intrinsic
from pillion.inputs.subject import Road, Subject

RESOURCE_TYPE: Final = "AWS::ECS::TaskDefinition"
_ALIASES: Final = {"proxyconfigurationproperties": "properties"}


def definitions(template: Mapping[str, Any]) -> Iterator[Subject]:
    """Every task definition of a template, named by its logical id."""
    resources = template.get("Resources")
    if not isinstance(resources, dict):
        return
    resolver = Resolver(template)
    for logical_id, resource in resources.items():
        if isinstance(resource, dict) and resource.get("Type") == RESOURCE_TYPE:
            properties = resource.get("Properties") or {}
            yield _subject(str(logical_id), properties, resolver)


def _subject(logical_id: str, properties: object, resolver: Resolver) -> Subject:
    kind = ValueType(kind=Kind.OBJECT, shape=TaskDefinition)
    resolved = resolver.resolve(properties)
    value = _reshape(resolved, kind) if isinstance(resolved, dict) else {"containerDefinitions": UNKNOWN}
    if isinstance(value, dict):
        value.setdefault("family", UNKNOWN)
    prefix: Path = ("Resources", logical_id, "Properties")
    return Subject(
        name=logical_id,
        road=Road.CLOUDFORMATION,
        value=value if isinstance(value, dict) else {},
        locate=lambda path: prefix + _spelt_path(properties, path, resolver),
        misspelt=tuple(_misspelt(resolved, kind, ())),
    )


@cache
def _members(shape: type) -> dict[str, tuple[str, ValueType]]:
    """Members of a shape by their name in small letters: the API's name, and the type."""
    found = {member.name.lower(): (member.name, member.type) for member in shape_of(shape).members}
    for alias, name in _ALIASES.items():
        if name in found:
            found[alias] = found[name]
    return found


def _reshape(value: object, kind: ValueType) -> object:
    """A resolved value, spelt and typed as the API has it; what does not fit stays as it is."""
    if kind.kind is Kind.OBJECT and kind.shape is not None and isinstance(value, dict):
        return _reshape_object(value, kind.shape)
    if kind.kind is Kind.LIST and kind.item is not None and isinstance(value, list):
        return [_reshape(item, kind.item) for item in value]
    if kind.kind is Kind.MAP and isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if kind.kind is Kind.INTEGER and isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value) if len(value) < 20 else value
    if kind.kind is Kind.BOOLEAN and value in ("true", "false"):
        return value == "true"
    if kind.kind in (Kind.STRING, Kind.CHOICE):
        return _as_text(value)
    return value


def _reshape_object(value: Mapping[Any, object], shape: type) -> dict[str, object]:
    known = _members(shape)
    found: dict[str, object] = {}
    for key, item in value.items():
        member = known.get(str(key).lower())
        if member is None:
            found[str(key)] = item
        else:
            found[member[0]] = _reshape(item, member[1])
    return found


_WHIMS: Final = {
    "efsVolumeConfiguration": "EFSVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration": "FSxWindowsFileServerVolumeConfiguration",
    "s3filesVolumeConfiguration": "S3FilesVolumeConfiguration",
    "iam": "IAM",
}
"""Members whose name in CloudFormation is not simply their PascalCase."""


def pascal_case(name: str, shape: type) -> str:
    """The name that CloudFormation gives to a member of a shape of the API."""
    if shape is ProxyConfiguration and name == "properties":
        return "ProxyConfigurationProperties"
    if shape is EFSVolumeConfiguration and name == "fileSystemId":
        return "FilesystemId"
    return _WHIMS.get(name, name[:1].upper() + name[1:])


def _misspelt(value: object, kind: ValueType, path: Path) -> Iterator[tuple[Path, str]]:
    """Members that begin with a small letter, as the API has them; CloudFormation does not know those."""
    if kind.kind is Kind.LIST and kind.item is not None and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misspelt(item, kind.item, (*path, index))
    elif kind.kind is Kind.OBJECT and kind.shape is not None and isinstance(value, dict):
        known = _members(kind.shape)
        for key, item in value.items():
            if (member := known.get(str(key).lower())) is not None:
                name, inner = member
                if str(key)[:1].islower():
                    yield (*path, name), pascal_case(name, kind.shape)
                yield from _misspelt(item, inner, (*path, name))


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def _spelt_path(value: object, path: Path, resolver: Resolver) -> Path:
    """The path as the template spells it, down to where an intrinsic function hides the rest."""
    found, value = resolver.branch(value)
    for part in path:
        if isinstance(value, dict) and isinstance(part, str) and not is_intrinsic(value):
            names = {part.lower()} | {alias for alias, name in _ALIASES.items() if name == part}
            key = next((key for key in value if str(key).lower() in names), None)
            if key is None:
                break
            inner, value = resolver.branch(value[key])
            found = (*found, key, *inner)
        elif isinstance(value, list) and isinstance(part, int):
            place = _place_in_template(value, part, resolver)
            if place is None:
                break
            inner, value = resolver.branch(value[place])
            found = (*found, place, *inner)
        else:
            break
    return found


def _place_in_template(items: list[object], index: int, resolver: Resolver) -> int | None:
    """Where the template has the entry with this index; entries that become `AWS::NoValue` do not count."""
    left = (place for place, item in enumerate(items) if resolver.branch(item)[1] != NO_VALUE_REFERENCE)
    return next(islice(left, index, None), None)
