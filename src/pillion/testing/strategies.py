"""Hypothesis strategies for task definitions and for documents that are nearly one. Needs `hypothesis`.

Here are three kinds of input: `shapes` makes any class of the model with any members, `runnable_definitions`
makes small definitions that ECS would run, and `nearly_valid_documents` makes documents with one mistake in
them. They are made from the model's own types, so a new member is generated without further work.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, TypeVar, cast

from hypothesis import strategies as st

from pillion.core.findings import Path
from pillion.core.taskdef.enums import ContainerCondition, NetworkMode
from pillion.core.taskdef.model import (
    ContainerDefinition,
    ContainerDependency,
    HealthCheck,
    KeyValuePair,
    StringMap,
    TaskDefinition,
)
from pillion.core.taskdef.render import render
from pillion.core.taskdef.shapes import Kind, Member, ValueType, shape_of

T = TypeVar("T")

_OPTIONAL_MAX: Final = 6
"""Absent members in a shape that are given after all; more make examples large and tell no more."""

_TEXTS: Final = st.text(max_size=8)
_SCALARS: Final[Mapping[Kind, st.SearchStrategy[Any]]] = {
    Kind.STRING: _TEXTS,
    Kind.INTEGER: st.integers(min_value=-(2**31), max_value=2**31 - 1),
    Kind.BOOLEAN: st.booleans(),
    Kind.TIMESTAMP: _TEXTS | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**40),
    Kind.MAP: st.dictionaries(_TEXTS, _TEXTS, max_size=3).map(StringMap),
}


def json_values() -> st.SearchStrategy[Any]:
    """Any small JSON value."""
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    scalars = st.none() | st.booleans() | numbers | st.text()
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    )


@st.composite
def shapes(draw: st.DrawFn, cls: type[T]) -> T:
    """Any value of a class of the model: required members, and some of the others."""
    members = shape_of(cast("Any", cls)).members
    optional = [member.name for member in members if not member.required]
    chosen: set[str] = draw(st.sets(st.sampled_from(optional), max_size=_OPTIONAL_MAX)) if optional else set()

    def given(member: Member) -> bool:
        return member.required or member.name in chosen

    return cls(**{member.field: draw(_values(member.type)) for member in members if given(member)})


def task_definitions() -> st.SearchStrategy[TaskDefinition]:
    """Any task definition that has the right structure; few of them would run."""
    return shapes(TaskDefinition)


def _values(value_type: ValueType) -> st.SearchStrategy[Any]:
    match value_type:
        case ValueType(kind=Kind.OBJECT, shape=type() as cls):
            return shapes(cls)
        case ValueType(kind=Kind.LIST, item=ValueType() as item):
            return st.lists(_values(item), max_size=3).map(tuple)
        case ValueType(kind=Kind.CHOICE, choice=type() as choice):
            return st.sampled_from(choice)
        case ValueType(kind=kind):
            return _SCALARS[kind]


@st.composite
def runnable_definitions(draw: st.DrawFn, *, containers_max: int = 5) -> TaskDefinition:
    """A small definition that ECS would accept and run.

    Containers depend only on earlier ones, so there is no cycle; at least one is essential.
    """
    count = draw(st.integers(1, containers_max))
    essential = [draw(st.booleans()) for _ in range(count - 1)] + [True]
    containers: list[ContainerDefinition] = []
    for index in range(count):
        containers.append(draw(_runnable_containers(index, essential[index], tuple(containers))))
    return TaskDefinition(
        family="generated",
        network_mode=draw(st.none() | st.sampled_from(NetworkMode)),
        container_definitions=tuple(draw(st.permutations(containers))),
    )


@st.composite
def _runnable_containers(
    draw: st.DrawFn, index: int, essential: bool, earlier: tuple[ContainerDefinition, ...]
) -> ContainerDefinition:
    check = HealthCheck(command=("CMD-SHELL", "true"), interval=draw(st.none() | st.integers(5, 300)))
    dependencies = [
        ContainerDependency(
            container_name=str(container.name), condition=draw(st.sampled_from(_conditions(container)))
        )
        for container in earlier
        if draw(st.booleans())
    ]
    return ContainerDefinition(
        name=f"container-{index}",
        image="busybox",
        memory=draw(st.integers(6, 64)),
        essential=essential,
        environment=draw(st.none() | st.just((KeyValuePair(name="INDEX", value=str(index)),))),
        health_check=draw(st.none() | st.just(check)),
        depends_on=tuple(dependencies) or None,
        start_timeout=draw(st.none() | st.integers(2, 120)),
        stop_timeout=draw(st.none() | st.integers(2, 120)),
    )


def _conditions(container: ContainerDefinition) -> list[ContainerCondition]:
    """What others may wait for: ECS refuses SUCCESS of an essential container, for one."""
    conditions = [ContainerCondition.START]
    if not container.essential:
        conditions += [ContainerCondition.COMPLETE, ContainerCondition.SUCCESS]
    if container.health_check is not None:
        conditions.append(ContainerCondition.HEALTHY)
    return conditions


@st.composite
def nearly_valid_documents(draw: st.DrawFn) -> Any:  # noqa: ANN401 - a JSON value can be anything
    """The JSON value of a task definition with one thing in it changed."""
    document = deepcopy(render(draw(task_definitions() | runnable_definitions())))
    path = draw(st.sampled_from(list(_paths(document, ()))))
    if not path:
        return draw(json_values())
    parent: Any = document
    for part in path[:-1]:
        parent = parent[part]
    _change(draw, parent, path[-1])
    return document


def _change(draw: st.DrawFn, parent: Any, part: Any) -> None:  # noqa: ANN401 - dict or list, key or index
    match draw(st.sampled_from(["replace", "remove", "rename", "nest"])):
        case "remove":
            del parent[part]
        case "rename" if isinstance(parent, dict):
            words = [part.upper(), part.title(), part + "s", part[:-1], "networkMode", "memory"]
            parent[draw(st.sampled_from(words) | st.text())] = parent.pop(part)
        case "nest":
            parent[part] = draw(st.sampled_from([[parent[part]], {"value": parent[part]}]))
        case _:
            parent[part] = draw(json_values())


def _paths(value: object, path: Path) -> list[Path]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for part, item in inner for found in _paths(item, (*path, part)))]
