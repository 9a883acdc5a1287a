from __future__ import annotations

import pytest

from drilling.definitions import HEALTH_CHECK, SHOP, container, prepared
from pillion.drilling.faults import WORDS, Case, Fault, LeftOut, matrix_of

NO_CHECK = "it has no healthCheck"
NO_VOLUME = "it mounts no volume it could fill"


def test_every_container_gets_every_fault_that_can_happen_to_it_and_the_task_its_network() -> None:
    matrix = matrix_of(SHOP.plan, local=True)
    assert [case.name for case in matrix.cases] == [
        *("loader:kill", "loader:exit-0", "loader:exit-1", "loader:memory", "loader:freeze"),
        *("loader:delay", "loader:volume"),
        *("cache:kill", "cache:exit-0", "cache:exit-1", "cache:memory", "cache:freeze"),
        *("cache:never-healthy", "cache:unhealthy", "cache:delay"),
        *("web:kill", "web:exit-0", "web:exit-1", "web:freeze", "web:delay"),
        "task:network",
    ]


def test_what_does_not_apply_is_left_out_with_the_reason() -> None:
    assert matrix_of(SHOP.plan, local=True).left_out == (
        LeftOut(container="loader", fault=Fault.NEVER_HEALTHY, reason=NO_CHECK),
        LeftOut(container="loader", fault=Fault.UNHEALTHY, reason=NO_CHECK),
        LeftOut(container="cache", fault=Fault.VOLUME, reason=NO_VOLUME),
        LeftOut(container="web", fault=Fault.MEMORY, reason="it has no memory limit of its own"),
        LeftOut(container="web", fault=Fault.NEVER_HEALTHY, reason=NO_CHECK),
        LeftOut(container="web", fault=Fault.UNHEALTHY, reason=NO_CHECK),
        LeftOut(container="web", fault=Fault.VOLUME, reason=NO_VOLUME),
    )


def test_every_case_is_either_made_or_left_out_and_never_both() -> None:
    matrix = matrix_of(SHOP.plan, local=True)
    made = [(item.container, item.fault) for item in matrix.cases]
    pairs = made + [(item.container, item.fault) for item in matrix.left_out]
    assert len(pairs) == len(set(pairs)) == 3 * (len(Fault) - 1) + 1


def reason(value: dict[str, object], fault: Fault, *, local: bool = True, **members: object) -> str | None:
    matrix = matrix_of(prepared(value, **members).plan, local=local)
    return next((item.reason for item in matrix.left_out if item.fault is fault), None)


def test_a_check_without_a_shell_or_on_another_machine_cannot_be_made_to_fail_later() -> None:
    bare = {**HEALTH_CHECK, "command": ["CMD", "/check"]}
    assert reason(container("web", healthCheck=bare), Fault.UNHEALTHY) == (
        "its health check runs without a shell and cannot be made to fail later: see freeze"
    )
    assert reason(container("web", healthCheck=bare), Fault.NEVER_HEALTHY) is None
    there = reason(container("web", healthCheck=HEALTH_CHECK), Fault.UNHEALTHY, local=False)
    assert there == "the engine is on another machine"


def test_the_volumes_that_are_filled_are_those_that_can_be_written() -> None:
    points = [
        {"sourceVolume": "data", "containerPath": "/a"},
        {"sourceVolume": "data", "containerPath": "/b"},
        {"sourceVolume": "conf", "containerPath": "/c", "readOnly": True},
    ]
    task = prepared(container("web", mountPoints=points), volumes=[{"name": "data"}, {"name": "conf"}])
    case = next(item for item in matrix_of(task.plan, local=True).cases if item.fault is Fault.VOLUME)
    assert case == Case(container="web", fault=Fault.VOLUME, volumes=("data",))


def test_outside_awsvpc_mode_a_shared_volume_is_not_filled_and_a_volume_of_one_is() -> None:
    point = [{"sourceVolume": "data", "containerPath": "/data"}]
    both = prepared(
        container("one", mountPoints=point),
        container("two", mountPoints=point),
        networkMode="bridge",
        volumes=[{"name": "data"}],
    )
    alone = prepared(container("one", mountPoints=point), networkMode="bridge", volumes=[{"name": "data"}])
    assert not [item for item in matrix_of(both.plan, local=True).cases if item.fault is Fault.VOLUME]
    assert [item.name for item in matrix_of(alone.plan, local=True).cases if item.fault is Fault.VOLUME] == [
        "one:volume"
    ]


@pytest.mark.parametrize(
    ("mode", "cases", "reasons"),
    [
        ("awsvpc", ["task:network"], []),
        ("bridge", ["web:network", "log:network"], []),
        ("host", [], ["in network mode host it is the machine's own"]),
        ("none", [], ["in network mode none there is none"]),
    ],
)
def test_the_network_is_cut_where_there_is_one_to_cut(
    mode: str, cases: list[str], reasons: list[str]
) -> None:
    task = prepared(container("web"), container("log", essential=False), networkMode=mode)
    matrix = matrix_of(task.plan, local=True)
    assert [item.name for item in matrix.cases if item.fault is Fault.NETWORK] == cases
    assert [item.reason for item in matrix.left_out if item.fault is Fault.NETWORK] == reasons


def test_a_choice_of_containers_and_faults_keeps_what_both_allow() -> None:
    matrix = matrix_of(SHOP.plan, local=True)
    chosen = matrix.only(frozenset({"cache", "task"}), frozenset({Fault.KILL, Fault.NETWORK, Fault.VOLUME}))
    assert [item.name for item in chosen.cases] == ["cache:kill", "task:network"]
    assert [item.fault for item in chosen.left_out] == [Fault.VOLUME]
    assert matrix.only(frozenset(), frozenset()) == matrix


def test_every_fault_has_its_words() -> None:
    assert set(WORDS) == set(Fault)
    assert Case(container=None, fault=Fault.NETWORK).words == "the task loses its network"
