"""Golden bodies of create calls. REWRITE_GOLDEN=1 writes them anew; the difference is the review."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engines.docker.making import PAUSE, container, joined, pause, task
from pillion.core.plan.model import (
    Bind,
    ContainerPlan,
    DeviceMapping,
    HealthProbe,
    ImagePlan,
    LimitsPlan,
    LogPlan,
    Mount,
    NamespacePlan,
    SecurityPlan,
    TaskPlan,
    TmpfsMount,
    UlimitPlan,
    VolumeKind,
    VolumePlan,
    VolumesFrom,
)
from pillion.engines.docker.ports import Published
from pillion.engines.docker.translate import Surroundings, create_body, create_parameters
from pillion.ports.engine import EngineError

GOLDEN = Path(__file__).parents[2] / "golden/docker"
TASK_ID = "0123456789abcdef0123456789abcdef"
MIB = 1024 * 1024
VOLUMES = (
    VolumePlan(name="data", kind=VolumeKind.TASK, engine_name="ecs-shop-1-data-0123"),
    VolumePlan(name="etc", kind=VolumeKind.BIND, engine_name="/srv/etc"),
)

RICH = container(
    "rich",
    image=ImagePlan(reference="registry.test/app:1", actual="app:dev", platform="linux/arm64"),
    command=("serve", "--port", "80"),
    entry_point=("/entry",),
    working_directory="/work",
    environment={"B": "2", "A": "1", "EMPTY": ""},
    labels={"team": "blue", "dev.pillion.task": "forged"},
    stop_timeout_s=7.5,
    health=HealthProbe(
        command=("CMD-SHELL", "true"), interval_s=5, timeout_s=2, retries=4, start_period_s=1.5
    ),
    limits=LimitsPlan(
        cpu_shares=512,
        memory_bytes=256 * MIB,
        memory_reservation_bytes=128 * MIB,
        memory_swap_bytes=300 * MIB,
        memory_swappiness=10,
        shm_bytes=32 * MIB,
        pids=100,
        gpus=1,
        ulimits=(UlimitPlan(name="nofile", soft=1024, hard=4096),),
    ),
    security=SecurityPlan(
        user="1000:1000",
        privileged=True,
        readonly_root=True,
        init_process=True,
        capabilities_add=("SYS_PTRACE",),
        capabilities_drop=("ALL",),
        security_options=("no-new-privileges",),
        devices=(DeviceMapping(host_path="/dev/fuse", container_path="/dev/fuse", permissions="rw"),),
        sysctls={"kernel.shm_rmid_forced": "1"},
    ),
    namespaces=NamespacePlan(
        network="bridge",
        links=(("other", "db"),),
        hostname="rich-host",
        extra_hosts=(("api.test", "10.0.0.1"),),
        dns_servers=("10.0.0.2",),
        dns_search=("test",),
        pid="host",
        ipc="none",
    ),
    mounts=(
        Mount(volume="data", container_path="/data"),
        Mount(volume="etc", container_path="/etc/x", read_only=True),
    ),
    binds=(Bind(host_path="/run/files", container_path="/files", read_only=True),),
    volumes_from=(VolumesFrom(container="other", read_only=True),),
    tmpfs=(TmpfsMount(container_path="/cache", size_mib=16, options=("noexec", "nosuid")),),
    log=LogPlan(driver="json-file", options={"mode": "non-blocking"}),
    tty=True,
    stdin_open=True,
)
PUBLISHED = (
    Published(owner="rich", container_port=80, protocol="tcp", host_ip="127.0.0.1", host_port=8080),
    Published(owner="rich", container_port=53, protocol="udp", host_ip="127.0.0.1", host_port=None),
)


def body_of(plan: TaskPlan, name: str, **around: Any) -> dict[str, Any]:
    item = plan.container(name)
    given: dict[str, Any] = {"image": item.image.used, "network": "pillion-tests"}
    return create_body(plan, item, Surroundings(**given | around))


def plan_of(*containers: ContainerPlan) -> TaskPlan:
    return task(*containers, volumes=VOLUMES, task_id=TASK_ID, dns_aliases=("shop", "web.shop"))


CASES: dict[str, dict[str, Any]] = {
    "smallest": body_of(plan_of(container("web", command=None)), "web"),
    "everything": body_of(
        plan_of(RICH, container("other")),
        "rich",
        published=PUBLISHED,
        extra_environment={"SECRET": "s", "A": "overridden"},
        cgroup_parent="/pillion/0123",
        gpus=True,
    ),
    "pause": body_of(plan_of(pause()), PAUSE, image="pillion/holder:1", published=PUBLISHED),
    "joined": body_of(
        plan_of(pause(), joined("web"), replace(RICH, name="rich")), "web", published=PUBLISHED
    ),
    "shared-processes": body_of(
        plan_of(
            container("holder", namespaces=NamespacePlan(network="none", ipc="shareable")),
            container(
                "web",
                namespaces=NamespacePlan(network="host", pid="container:holder", ipc="container:holder"),
            ),
        ),
        "web",
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_body_of_a_create_call_is_the_golden_one(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    text = json.dumps(CASES[name], indent=2) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_golden_body_has_its_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)


def test_an_image_of_another_platform_is_asked_for_by_platform() -> None:
    assert create_parameters(plan_of(RICH, container("other")).container("rich")) == {
        "name": f"ecs-shop-1-rich-{TASK_ID[:20]}",
        "platform": "linux/arm64",
    }


def test_memory_that_docker_would_refuse_is_raised_to_what_it_takes() -> None:
    small = container("web", limits=LimitsPlan(memory_bytes=4 * MIB, memory_swap_bytes=4 * MIB))
    config = body_of(plan_of(small), "web")["HostConfig"]
    assert (config["Memory"], config["MemorySwap"]) == (6 * MIB, 6 * MIB)


@pytest.mark.parametrize(("asked", "given"), [(0, 2), (1, 2), (1024, 1024), (262_145, 262_144)])
def test_cpu_shares_stay_within_what_the_agent_gives(asked: int, given: int) -> None:
    item = container("web", limits=LimitsPlan(cpu_shares=asked))
    assert body_of(plan_of(item), "web")["HostConfig"]["CpuShares"] == given


def test_gpus_are_asked_for_only_where_the_engine_has_some() -> None:
    assert "DeviceRequests" not in body_of(plan_of(RICH, container("other")), "rich")["HostConfig"]


def test_non_blocking_logs_keep_a_buffer_size_that_was_given() -> None:
    log = LogPlan(driver="json-file", options={"mode": "non-blocking", "max-buffer-size": "1m"})
    config = body_of(plan_of(container("web", log=log)), "web")["HostConfig"]
    assert config["LogConfig"]["Config"] == {"mode": "non-blocking", "max-buffer-size": "1m"}


@pytest.mark.parametrize(
    ("driver", "given", "options"),
    [
        ("fluentd", {}, {"mode": "blocking"}),
        ("syslog", {"mode": "non-blocking"}, {"mode": "non-blocking", "max-buffer-size": "10m"}),
        ("json-file", {}, {}),
    ],
)
def test_dockers_copy_beside_a_driver_is_complete_unless_the_definition_lets_lines_go(
    driver: str, given: dict[str, str], options: dict[str, str]
) -> None:
    log = LogPlan(driver=driver, options=given)
    config = body_of(plan_of(container("web", log=log)), "web")["HostConfig"]
    assert config["LogConfig"] == {"Type": driver, "Config": options}


def test_a_mount_of_an_undefined_volume_has_the_agents_text() -> None:
    item = container("web", mounts=(Mount(volume="ghost", container_path="/x"),))
    with pytest.raises(EngineError) as failure:
        body_of(plan_of(item), "web")
    assert str(failure.value) == "HostConfigError: Invalid volume referenced: ghost"


def test_a_mount_without_a_path_has_the_agents_text() -> None:
    item = container("web", mounts=(Mount(volume="data", container_path=""),))
    with pytest.raises(EngineError, match="HostConfigError: Unable to resolve volume mounts; invalid path: "):
        body_of(plan_of(item), "web")
