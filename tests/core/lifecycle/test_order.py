"""Waves, edges and circles of the dependency graph."""

import pytest

from core.lifecycle.making import container, pause, task
from pillion.core.lifecycle.order import (
    Edge,
    edges_of,
    find_cycles,
    is_resolvable,
    start_waves,
    stop_waves,
)
from pillion.core.lifecycle.spec import ContainerSpec, Dependency
from pillion.core.lifecycle.states import Condition, ContainerKind

DIAMOND = task(
    container("web", waits={"api": "START", "cache": "HEALTHY"}),
    container("api", waits={"db": "HEALTHY"}),
    container("cache", waits={"db": "START"}, has_health_check=True),
    container("db", has_health_check=True),
    container("alone"),
)


def test_start_waves_put_everyone_after_whom_it_waits_for() -> None:
    assert start_waves(DIAMOND) == (("db", "alone"), ("api", "cache"), ("web",))


def test_stop_waves_are_the_reverse_of_the_graph_and_not_of_the_start_waves() -> None:
    assert stop_waves(DIAMOND) == (("web", "alone"), ("api", "cache"), ("db",))


def test_pause_containers_come_first_and_go_last() -> None:
    spec = task(pause(), pause("ns", ContainerKind.NAMESPACE_PAUSE), container("a"), container("b"))
    assert start_waves(spec) == (("pause", "ns"), ("a", "b"))
    assert stop_waves(spec) == (("a", "b"), ("pause", "ns"))


def test_a_task_without_dependencies_is_one_wave() -> None:
    spec = task(container("a"), container("b"))
    assert start_waves(spec) == stop_waves(spec) == (("a", "b"),)


def test_edges_say_where_they_come_from() -> None:
    web = ContainerSpec(
        name="web",
        depends_on=(
            Dependency(container="db", condition=Condition.SUCCESS),
            Dependency(container="log", condition=Condition.START, source="awsfirelens"),
        ),
    )
    assert edges_of(task(pause(), web, container("db"), container("log"))) == (
        Edge(container="web", waits_for="pause", condition=None, source="pause"),
        Edge(container="web", waits_for="db", condition=Condition.SUCCESS, source="dependsOn"),
        Edge(container="web", waits_for="log", condition=Condition.START, source="awsfirelens"),
        Edge(container="db", waits_for="pause", condition=None, source="pause"),
        Edge(container="log", waits_for="pause", condition=None, source="pause"),
    )


def test_a_circle_is_a_path_from_the_first_of_the_definition_back_to_it() -> None:
    spec = task(
        container("a", waits={"b": "START"}),
        container("b", waits={"c": "START"}),
        container("c", waits={"a": "START"}),
    )
    assert find_cycles(spec) == (("a", "b", "c", "a"),)


def test_the_way_to_a_circle_is_no_part_of_it() -> None:
    spec = task(
        container("outside", waits={"x": "START"}),
        container("x", waits={"y": "START", "inside": "START"}),
        container("y", waits={"x": "START"}),
        container("inside"),
    )
    assert find_cycles(spec) == (("x", "y", "x"),)
    assert start_waves(spec) == (("inside",),)
    assert stop_waves(spec) == (("outside",),)


def test_a_container_that_waits_for_itself_is_a_circle() -> None:
    assert find_cycles(task(container("a", waits={"a": "START"}))) == (("a", "a"),)


def test_circles_without_a_common_container_are_all_found() -> None:
    spec = task(
        container("a", waits={"b": "START"}),
        container("b", waits={"a": "START"}),
        container("c", waits={"d": "START"}),
        container("d", waits={"c": "START"}),
    )
    assert find_cycles(spec) == (("a", "b", "a"), ("c", "d", "c"))


def test_a_graph_without_a_circle_has_none() -> None:
    assert find_cycles(DIAMOND) == ()


def test_a_long_chain_is_no_problem() -> None:
    spec = task(container("c0"), *(container(f"c{n}", waits={f"c{n - 1}": "START"}) for n in range(1, 1500)))
    assert find_cycles(spec) == ()


def test_an_edge_to_nobody_holds_nobody_back_in_the_waves() -> None:
    assert start_waves(task(container("a", waits={"ghost": "START"}))) == (("a",),)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([container("a", waits={"b": "HEALTHY"}), container("b", has_health_check=True)], True),
        ([container("a", waits={"b": "HEALTHY"}), container("b")], False),
        ([container("a", waits={"ghost": "START"})], False),
        ([container("a", waits={"b": "START"}), container("b", waits={"a": "START"})], False),
        ([container("a", waits={"b": "SUCCESS"}), container("b")], True),
    ],
)
def test_a_task_is_resolvable_when_every_dependency_can_come_to_hold(
    containers: list[ContainerSpec], expected: bool
) -> None:
    assert is_resolvable(task(*containers)) is expected
