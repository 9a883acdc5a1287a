"""What somebody meant with a member that the API does not know: another spelling, or another place.

Surprising: a name is compared without case, `_` and `-` first, so that CloudFormation's
`ContainerDefinitions` and Docker Compose's `depends_on` are recognised for certain, before any guess by
likeness is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from pillion.core.findings import Edit, EditAction, Path
from pillion.core.likeness import closest
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition
from pillion.core.taskdef.problem import Problem, ProblemCode, format_path, shown_text
from pillion.core.taskdef.shapes import Kind, Shape, ValueType, shape_of

_LIKENESS_MIN: Final = 0.72
"""As `difflib` counts it: `enviroment` and `command1` are found, `memory` is not taken for `name`."""

_KEY_LENGTH_MAX: Final = 80
"""No member has a longer name, and comparing long texts is slow."""

_OTHER_WORDS: Final = {
    "ports": "portMappings",
    "env": "environment",
    "envfile": "environmentFiles",
    "labels": "dockerLabels",
    "logging": "logConfiguration",
    "mounts": "mountPoints",
    "memlimit": "memory",
    "memreservation": "memoryReservation",
    "restart": "restartPolicy",
    "stopgraceperiod": "stopTimeout",
    "tty": "pseudoTerminal",
    "stdinopen": "interactive",
    "readonly": "readonlyRootFilesystem",
    "dns": "dnsServers",
    "dnssearch": "dnsSearchDomains",
    "workdir": "workingDirectory",
    "workingdir": "workingDirectory",
    "sysctls": "systemControls",
    "securityopt": "dockerSecurityOptions",
    "containers": "containerDefinitions",
    "capadd": "linuxParameters.capabilities.add",
    "capdrop": "linuxParameters.capabilities.drop",
    "shmsize": "linuxParameters.sharedMemorySize",
    "init": "linuxParameters.initProcessEnabled",
}
"""What Docker and its Compose files call things, and what ECS calls them."""


def unknown_member(shape: Shape, name: str, members: Mapping[str, object], path: Path) -> Problem:
    """The problem that `name` is no member of `shape`, with the best hint there is.

    Args:
        shape: The shape in whose object the member stands.
        name: The member's name.
        members: The object, with all its members.
        path: The path to that object.
    """
    message = f"Unknown parameter in {format_path(path)}: {shown_text(name)}."
    here = (*path, name)
    right = _same_word(shape, name)
    if right is not None:
        return Problem(
            path=here,
            code=ProblemCode.WRONG_CASE,
            message=message,
            hint=f'ECS spells it "{right}".',
            edit=Edit(path=here, action=EditAction.RENAME, value=right) if right not in members else None,
        )
    if name in _places():
        return Problem(
            path=here,
            code=ProblemCode.MISPLACED_FIELD,
            message=message,
            hint=_where(shape, name),
        )
    return Problem(path=here, code=ProblemCode.UNKNOWN_FIELD, message=message, hint=_guess(shape, name))


def meant_member(shape: Shape, name: str) -> str | None:
    """The member of `shape` that somebody certainly meant with `name`, written differently."""
    return _same_word(shape, name)


def meant_word(words: tuple[str, ...], word: str) -> str | None:
    """The one of `words` that is meant with `word`, spelt differently; None if there is no such one."""
    plain = _plain(word)
    same = [known for known in words if _plain(known) == plain]
    return same[0] if len(same) == 1 else None


def like_word(words: tuple[str, ...], word: str) -> str | None:
    """The one of `words` that looks most like `word`, if any does."""
    if len(word) > _KEY_LENGTH_MAX:
        return None
    by_plain = {_plain(known): known for known in words}
    close = closest(_plain(word), by_plain, likeness_min=_LIKENESS_MIN)
    return None if close is None else by_plain[close]


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _same_word(shape: Shape, name: str) -> str | None:
    return meant_word(tuple(shape.by_name), name)


def _guess(shape: Shape, name: str) -> str:
    names = tuple(shape.by_name)
    other = _OTHER_WORDS.get(_plain(name))
    if other is not None and other.split(".")[0] in names:
        return f'ECS calls it "{other}".'
    like = like_word(names, name)
    if like is not None:
        return f'Did you mean "{like}"?'
    elsewhere = meant_word(tuple(_places()), name)
    if elsewhere is not None:
        return _where(shape, elsewhere)
    if len(names) <= 12:
        return "Known here: " + ", ".join(names) + "."
    return "ECS has no such field; remove it."


class _Place(NamedTuple):
    """An object that has a certain member: its class, and the words for it."""

    type: type
    words: str


@cache
def _places() -> dict[str, tuple[_Place, ...]]:
    """For each member's name, the objects of a task definition that have it."""
    found: dict[str, list[_Place]] = {}
    _collect(TaskDefinition, "the task definition, beside containerDefinitions", "", found)
    return {name: tuple(places) for name, places in found.items()}


def _collect(cls: type, words: str, prefix: str, found: dict[str, list[_Place]]) -> None:
    for member in shape_of(cls).members:
        found.setdefault(member.name, []).append(_Place(cls, words))
        inner = _object_in(member.type)
        if inner is ContainerDefinition:
            _collect(inner, "a container, in containerDefinitions", "a container's ", found)
        elif inner is not None:
            _collect(inner, f"{prefix}{member.name}", f"{prefix}{member.name}.", found)


def _object_in(value_type: ValueType) -> type | None:
    if value_type.kind is Kind.LIST and value_type.item is not None:
        return _object_in(value_type.item)
    return value_type.shape


def _where(shape: Shape, name: str) -> str:
    """Say where a member belongs: inside the object at hand, else in a task or container, else wherever."""
    places = _places()[name]
    inside = [place for place in places if place.type in _inner_types(shape.type)]
    outermost = [place for place in places if place.type in (TaskDefinition, ContainerDefinition)]
    words = [place.words for place in inside or outermost or places]
    return f'"{name}" belongs in {" or ".join(words)}.'


@cache
def _inner_types(cls: type) -> frozenset[type]:
    members = (_object_in(member.type) for member in shape_of(cls).members)
    return frozenset(inner for inner in members if inner is not None)
