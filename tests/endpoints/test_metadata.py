"""Metadata of whole tasks against golden files. PILLION_REWRITE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from endpoints.making import BEGIN_S, PAUSE, awsvpc_task, bridge_task, running, task_state
from pillion.core.lifecycle.state import ContainerState, HealthState
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, TaskStatus
from pillion.core.plan.facts import ContainerFacts
from pillion.core.plan.model import Bind, NamespacePlan, NetworkMode
from pillion.endpoints.metadata import Version, container_metadata, task_metadata
from pillion.ports.queries import TaskView

GOLDEN = Path(__file__).parent.parent / "golden/metadata"


def check(name: str, shape: dict[str, Any]) -> None:
    text = json.dumps(shape, indent=2, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("PILLION_REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("version", list(Version))
def test_awsvpc_task(version: Version) -> None:
    check(f"awsvpc-task-{version.value}", task_metadata(awsvpc_task(), version))


@pytest.mark.parametrize("version", [Version.V3, Version.V4])
def test_bridge_task(version: Version) -> None:
    check(f"bridge-task-{version.value}", task_metadata(bridge_task(), version))


def test_a_container_is_shown_by_itself_as_in_its_task() -> None:
    task = awsvpc_task()
    for version in Version:
        within = {item["Name"]: item for item in task_metadata(task, version)["Containers"]}
        assert within == {name: container_metadata(task, name, version) for name in (PAUSE, "app", "agent")}


def test_tags_are_shown_only_where_they_are_asked_for() -> None:
    task = awsvpc_task(instance_tags={"rack": "7"})
    plain, tagged = task_metadata(task, Version.V4), task_metadata(task, Version.V4, with_tags=True)
    added = {"TaskTags": {"Cost": "7", "Name": "web"}, "ContainerInstanceTags": {"rack": "7"}}
    assert tagged == plain | added


def names(task: TaskView, version: Version) -> list[str]:
    return [item["Name"] for item in task_metadata(task, version).get("Containers", [])]


def test_containers_are_listed_once_they_exist_and_by_version_4_once_they_are_pulled() -> None:
    task = bridge_task()
    states = {
        "app": ContainerState(known=ContainerStatus.PULLED),
        "init": ContainerState(known=ContainerStatus.MANIFEST_PULLED),
    }
    early = replace(task, state=task_state(task.plan, states, known=TaskStatus.NONE))
    assert (names(early, Version.V3), names(early, Version.V4)) == ([], ["app"])


def test_a_container_that_never_came_to_exist_is_not_listed() -> None:
    task = bridge_task()
    states = {"app": running("app"), "init": ContainerState(known=ContainerStatus.STOPPED)}
    ended = replace(task, state=task_state(task.plan, states))
    assert (names(ended, Version.V3), names(ended, Version.V4)) == (["app"], ["app"])


@pytest.mark.parametrize(
    ("health", "shape"),
    [
        (HealthState(), None),
        (HealthState(since_s=BEGIN_S), {"statusSince": "2026-01-02T03:04:05.6Z"}),
        (
            HealthState(status=HealthStatus.UNHEALTHY, since_s=BEGIN_S + 0.4, exit_code=7, output="no"),
            {"status": "UNHEALTHY", "statusSince": "2026-01-02T03:04:06Z", "exitCode": 7, "output": "no"},
        ),
        (HealthState(status=HealthStatus.HEALTHY, exit_code=0), {"status": "HEALTHY"}),
    ],
)
def test_health_leaves_out_what_is_unknown_zero_or_empty(
    health: HealthState, shape: dict[str, Any] | None
) -> None:
    task = awsvpc_task()
    states = {**task.state.containers, "app": running("app", health=health)}
    task = replace(task, state=task_state(task.plan, states))
    assert container_metadata(task, "app", Version.V4).get("Health") == shape


def test_a_restart_count_is_shown_with_a_restart_policy_only() -> None:
    task = awsvpc_task()
    states = {**task.state.containers, "agent": running("agent", restart_count=3)}
    task = replace(task, state=task_state(task.plan, states))
    counts = [container_metadata(task, name, Version.V4).get("RestartCount") for name in ("agent", "app")]
    assert counts == [3, None]


def test_a_task_without_an_address_yet_shows_no_network() -> None:
    assert "Networks" not in container_metadata(awsvpc_task(facts={}), "app", Version.V4)


@pytest.mark.parametrize("mode", [NetworkMode.HOST, NetworkMode.NONE])
def test_a_container_without_addresses_of_its_own_shows_its_mode(mode: NetworkMode) -> None:
    task = bridge_task(facts={"app": ContainerFacts()})
    task = replace(task, plan=replace(task.plan, network_mode=mode))
    shown = container_metadata(task, "app", Version.V4)["Networks"]
    assert shown == [{"NetworkMode": mode.value, "IPv4Addresses": [""]}]


def test_name_servers_of_the_task_are_shown_with_its_interface() -> None:
    task = awsvpc_task()
    pause, *others = task.plan.containers
    namespaces = NamespacePlan(dns_servers=("10.0.0.2",), dns_search=("shop.test",))
    plan = replace(task.plan, containers=(replace(pause, namespaces=namespaces), *others))
    shown = container_metadata(replace(task, plan=plan), "app", Version.V4)["Networks"][0]
    assert (shown["DomainNameServers"], shown["DomainNameSearchList"]) == (["10.0.0.2"], ["shop.test"])


def test_private_names_outside_us_east_1_have_the_region_in_them() -> None:
    task = awsvpc_task()
    plan = replace(task.plan, identity=replace(task.plan.identity, region="eu-west-1"))
    shown = container_metadata(replace(task, plan=plan), "app", Version.V4)["Networks"][0]
    assert shown["PrivateDNSName"] == "ip-172-19-0-5.eu-west-1.compute.internal"


def test_generated_files_are_volumes_too() -> None:
    task = bridge_task()
    app, *others = task.plan.containers
    bind = Bind(host_path="/run/router.sock", container_path="/var/run/fluent.sock")
    plan = replace(task.plan, containers=(replace(app, binds=(bind,)), *others))
    shown = container_metadata(replace(task, plan=plan), "app", Version.V4)["Volumes"]
    assert shown == [{"Source": "/run/router.sock", "Destination": "/var/run/fluent.sock"}]


def test_a_stopped_task_shows_when_its_execution_stopped() -> None:
    task = bridge_task()
    state = task_state(
        task.plan, task.state.containers, known=TaskStatus.STOPPED, execution_stopped_at_s=BEGIN_S
    )
    shown = task_metadata(replace(task, state=state), Version.V4)
    assert (shown["KnownStatus"], shown["ExecutionStoppedAt"]) == ("STOPPED", "2026-01-02T03:04:05.6Z")
