"""Nothing of a definition is dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest

from core.plan.plans import container, plan_of
from pillion.core.plan.options import RunOptions


def notices(*containers: dict[str, Any], **task: Any) -> list[tuple[str, str | None, str]]:
    made = plan_of(*(containers or (container("web"),)), **task).notices
    return [(notice.code, notice.container, notice.text) for notice in made]


def test_traffic_that_a_proxy_would_get_is_said() -> None:
    proxy = {
        "type": "APPMESH",
        "containerName": "envoy",
        "properties": [
            {"name": "AppPorts", "value": "8080"},
            {"name": "ProxyIngressPort", "value": "15000"},
            {"name": "ProxyEgressPort", "value": "15001"},
            {"name": "IgnoredUID", "value": "1337"},
        ],
    }
    text = (
        "proxyConfiguration has no effect: no traffic is led through envoy; on ECS what comes for 8080 "
        "passes envoy. App Mesh, which it was made for, ended on 2026-09-30"
    )
    said = notices(container("web"), container("envoy"), proxyConfiguration=proxy)
    assert said == [("no-redirect", None, text)]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("runtimePlatform", {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "no-windows"),
        ("ephemeralStorage", {"sizeInGiB": 30}, "no-storage-limit"),
        (
            "placementConstraints",
            [{"type": "memberOf", "expression": "attribute:disk == ssd"}],
            "no-placement",
        ),
        ("inferenceAccelerators", [{"deviceName": "d", "deviceType": "eia2.medium"}], "no-accelerator"),
        ("enableFaultInjection", True, "no-faults"),
        ("trustedExecutionConfiguration", {"isolationMode": "ISOLATED_SANDBOX"}, "no-isolation"),
    ],
)
def test_a_part_of_the_task_without_effect_is_said_once(member: str, value: object, code: str) -> None:
    assert [found[:2] for found in notices(**{member: value})] == [(code, None)]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("credentialSpecs", ["credentialspec:arn:aws:s3:::b/spec.json"], "no-domain"),
        ("resourceRequirements", [{"type": "InferenceAccelerator", "value": "d"}], "no-accelerator"),
    ],
)
def test_a_part_of_a_container_without_effect_is_said_once(member: str, value: Any, code: str) -> None:
    assert [found[:2] for found in notices(container("web", **{member: value}))] == [(code, "web")]


def test_linux_needs_no_words() -> None:
    assert notices(runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}) == []


def test_a_container_that_does_not_run_gets_no_notice_of_its_own() -> None:
    web, agent = container("web"), container("agent", credentialSpecs=["credentialspec:x"])
    made = plan_of(web, agent, options=RunOptions(mute=frozenset({"agent"})))
    assert [notice.code for notice in made.notices] == ["muted"]
