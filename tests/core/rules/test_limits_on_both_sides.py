"""Every number that AWS limits, on both sides of each limit."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, fargate, health_check, sidecar, task
from pillion.core.rules.health import HEALTH_LIMITS
from pillion.core.rules.sizes import FARGATE_SIZES
from pillion.core.units import parse_cpu_units, parse_memory_mib


def codes(value: object) -> set[str]:
    return {finding.code for finding in check_definition(value) if finding.severity == "error"}


PAIRS = [(cpu, memory) for cpu, sizes in FARGATE_SIZES.items() for memory in sizes]


def test_fargate_has_74_sizes() -> None:
    assert len(PAIRS) == 74


@pytest.mark.parametrize(("cpu", "memory"), PAIRS)
def test_every_fargate_size_is_taken(cpu: int, memory: int) -> None:
    assert codes(fargate(cpu=str(cpu), memory=str(memory))) == set()


@pytest.mark.parametrize(
    ("cpu", "memory"),
    sorted(
        (cpu, memory + step)
        for cpu, memory in PAIRS
        for step in (-1024, -1, 1, 1024)
        if (cpu, memory + step) not in PAIRS and memory + step > 0
    ),
)
def test_no_size_beside_those_is_taken(cpu: int, memory: int) -> None:
    assert codes(fargate(app(memory=None), cpu=str(cpu), memory=str(memory))) == {"E205"}


@pytest.mark.parametrize("cpu", ["128", "255", "257", "1536", "32768"])
def test_no_cpu_beside_the_seven_is_taken(cpu: str) -> None:
    assert codes(fargate(cpu=cpu, memory="2048")) == {"E205"}


@pytest.mark.parametrize(("cpu", "taken"), [("512", False), ("1024", True), ("4096", True), ("8192", False)])
def test_windows_on_fargate_takes_one_to_four_vcpu(cpu: str, *, taken: bool) -> None:
    value = fargate(
        app(memory=None),
        cpu=cpu,
        memory=str(FARGATE_SIZES[int(cpu)][-1]),
        runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
    )
    assert codes(value) == (set() if taken else {"E205"})


@pytest.mark.parametrize(
    ("cpu", "memory"), [("1 vCPU", "2GB"), (".25 vcpu", "0.5 GB"), ("1vcpu", "2 gb"), ("1024", "2048")]
)
def test_sizes_may_be_spelt_in_vcpu_and_gb(cpu: str, memory: str) -> None:
    assert codes(fargate(cpu=cpu, memory=memory)) == set()


SPELLINGS = [
    *("", ".", " 256 ", "00256", "1.0", "256.0", "256.5", "1e3", "+1", "-1", "1_0", "١", "１", "256 units"),
    *("1 vCPU", "1VCPU", ".5 vCPU", "0.1 vCPU", "0.25vcpu", "1 vCPUs", "1GB", "1 gb", ".5 GB", "1.1 GB"),
    *("1GiB", "0.0009765625 GB", "9" * 20, "9" * 21),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_size_is_refused_exactly_where_a_run_could_not_read_it(text: str) -> None:
    refused = {code for code in codes(task(cpu=text, memory=text)) if code in ("E206", "E207")}
    unreadable = {
        *({"E206"} if parse_cpu_units(text) is None else ()),
        *({"E207"} if parse_memory_mib(text) is None else ()),
    }
    assert refused == unreadable


def _container(**members: object) -> dict[str, Any]:
    return task(app(**members))


def _health(key: str, value: int) -> dict[str, Any]:
    return _container(healthCheck={**health_check(), key: value})


LIMITS: list[tuple[str, Any, int | None, int | None]] = [
    *(
        ("E801", lambda value, key=key: _health(key, value), least, most)
        for key, (least, most) in HEALTH_LIMITS.items()
    ),
    ("E025", lambda value: _container(stopTimeout=value), 2, None),
    ("E025", lambda value: _container(startTimeout=value), 2, None),
    ("E231", lambda value: fargate(app(stopTimeout=value)), None, 120),
    ("E232", lambda value: fargate(app(startTimeout=value)), None, 120),
    (
        "E026",
        lambda value: _container(restartPolicy={"enabled": True, "restartAttemptPeriod": value}),
        60,
        1800,
    ),
    (
        "E027",
        lambda value: _container(restartPolicy={"enabled": True, "ignoredExitCodes": [1] * value}),
        None,
        50,
    ),
    ("E213", lambda value: fargate(ephemeralStorage={"sizeInGiB": value}), 21, 200),
    ("E208", lambda value: task(cpu=str(value)), 128, 196_608),
    ("E003", lambda value: task(*(sidecar(f"c{i}") for i in range(value))), None, 10),
    ("E008", lambda value: task(placementConstraints=[{"type": "memberOf"}] * value), None, 10),
    ("E007", lambda value: task(tags=[{"key": f"k{i}", "value": ""} for i in range(value)]), None, 50),
    ("E007", lambda value: task(tags=[{"key": "k" * value, "value": ""}]), None, 128),
    ("E007", lambda value: task(tags=[{"key": "k", "value": "v" * value}]), None, 256),
    ("E306", lambda value: _container(portMappings=[{"containerPort": value}]), 1, 65_535),
    ("E306", lambda value: _container(portMappings=[{"containerPort": 80, "hostPort": value}]), 0, 65_535),
    (
        "E304",
        lambda value: _container(portMappings=[{"containerPortRange": f"{value}-{value + 9}"}]),
        1,
        65_526,
    ),
    ("E308", lambda value: _container(portMappings=[{"containerPort": 80, "name": "n" * value}]), None, 64),
    ("E238", lambda value: _container(linuxParameters={"swappiness": value, "maxSwap": 9}), 0, 100),
    ("E238", lambda value: _container(linuxParameters={"maxSwap": value}), 0, None),
    (
        "E029",
        lambda value: _container(ulimits=[{"name": "core", "softLimit": value, "hardLimit": 9}]),
        None,
        9,
    ),
    ("E202", lambda value: _container(memory=value, memoryReservation=100), 100, None),
    ("E210", lambda value: task(app(memory=value, memoryReservation=64), memory="512"), None, 512),
    ("E209", lambda value: task(app(cpu=value), cpu="256"), None, 256),
    ("E211", lambda value: task(app(memory=None, memoryReservation=value), memory="512"), None, 512),
    ("E212", lambda value: _container(memory=value), 4, None),
    ("E212", lambda value: _container(cpu=value), 0, None),
    ("E001", lambda value: task(family="f" * value), 1, 255),
    ("E022", lambda value: _container(name="n" * value), None, 255),
    ("E024", lambda value: _container(image="i" * value), None, 255),
    ("E405", lambda value: task(volumes=[{"name": "v" * value}]), 1, 255),
    ("E028", lambda value: _container(credentialSpecs=["credentialspec:x"] * value), None, 1),
]

CASES = [
    pytest.param(code, build, value, fits, id=f"{code}-{number}-{value}")
    for number, (code, build, least, most) in enumerate(LIMITS)
    for value, fits in (
        *([(least, True), (least - 1, False)] if least is not None else []),
        *([(most, True), (most + 1, False)] if most is not None else []),
    )
]


@pytest.mark.parametrize(("code", "build", "value", "fits"), CASES)
def test_a_limit_holds_exactly(code: str, build: Any, value: int, *, fits: bool) -> None:
    assert (code in codes(build(value))) is not fits
