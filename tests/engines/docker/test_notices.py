"""What an engine cannot do is said for each plan that asks for it, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from engines.docker.making import container, task
from pillion.core.plan.model import HealthProbe, ImagePlan, LimitsPlan, LogPlan, NamespacePlan, PortRequest
from pillion.engines.docker.capabilities import read_capabilities
from pillion.engines.docker.notices import plan_notices
from pillion.ports.engine import Capabilities

PROBE = HealthProbe(command=("CMD", "true"))
MIB = 1024 * 1024
FULL: dict[str, Any] = {
    "name": "docker",
    "version": "27.0",
    "cgroup_version": 1,
    "details": {"MemoryLimit": "true", "SwapLimit": "true"},
}


def codes(plan: dict[str, Any], **engine: Any) -> list[str]:
    notices = plan_notices(task(container("web", **plan)), Capabilities(**FULL | engine))
    assert all(notice.text for notice in notices)
    return [notice.code for notice in notices]


def test_a_plain_task_on_a_full_engine_needs_no_notice() -> None:
    assert codes({}) == []


@pytest.mark.parametrize(
    ("plan", "engine", "code"),
    [
        ({"limits": LimitsPlan(memory_bytes=4 * MIB)}, {}, "memory-raised"),
        (
            {"limits": LimitsPlan(memory_bytes=8 * MIB)},
            {"details": {"MemoryLimit": "false"}},
            "memory-not-enforced",
        ),
        ({"limits": LimitsPlan(memory_swap_bytes=8 * MIB)}, {}, "swap-ignored"),
        (
            {"limits": LimitsPlan(memory_bytes=8 * MIB, memory_swap_bytes=8 * MIB)},
            {"details": {"SwapLimit": "false"}},
            "swap-ignored",
        ),
        ({"limits": LimitsPlan(memory_swappiness=1)}, {"cgroup_version": 2}, "swappiness-ignored"),
        ({"limits": LimitsPlan(gpus=1)}, {}, "no-gpu"),
        ({"log": LogPlan(driver="none")}, {}, "no-output"),
        ({"image": ImagePlan(reference="x", platform="linux/arm64")}, {}, "emulated"),
        ({"ports": (PortRequest(container_port=80, host_port=80),)}, {"rootless": True}, "low-ports"),
        ({}, {"local": False}, "engine-is-remote"),
        ({"health": PROBE}, {"name": "podman", "details": {"systemd": "false"}}, "no-health-checks"),
        ({"limits": LimitsPlan(memory_bytes=8 * MIB)}, {"rootless": True}, "limits-not-enforced"),
    ],
)
def test_what_cannot_be_honoured_is_said(plan: dict[str, Any], engine: dict[str, Any], code: str) -> None:
    assert codes(plan, **engine) == [code]


@pytest.mark.parametrize(
    ("plan", "engine"),
    [
        ({"limits": LimitsPlan(gpus=1)}, {"gpus": True}),
        ({"health": PROBE}, {"name": "podman", "details": {"systemd": "true"}}),
        ({"health": PROBE}, {"details": {"systemd": "false"}}),
        ({"image": ImagePlan(reference="x", platform="linux/amd64")}, {}),
        ({"image": ImagePlan(reference="x", platform="linux/arm64")}, {"architecture": "aarch64"}),
        ({"limits": LimitsPlan(memory_swappiness=1)}, {"cgroup_version": 1}),
        ({"ports": (PortRequest(container_port=80, host_port=8080),)}, {"rootless": True}),
        ({"namespaces": NamespacePlan(network="host")}, {}),
    ],
)
def test_what_can_be_honoured_needs_no_word(plan: dict[str, Any], engine: dict[str, Any]) -> None:
    assert codes(plan, **engine) == []


def test_the_engines_own_words_become_capabilities() -> None:
    info = {
        "ServerVersion": "20.10.24+dfsg1",
        "CgroupVersion": "1",
        "CgroupDriver": "cgroupfs",
        "OSType": "linux",
        "Architecture": "x86_64",
        "SecurityOptions": ["name=seccomp,profile=default"],
        "Runtimes": {"runc": {}, "nvidia": {}},
        "Plugins": {"Log": ["local", "json-file"]},
        "KernelVersion": "6.1",
        "OperatingSystem": "Debian GNU/Linux 12",
        "SwapLimit": False,
        "NCPU": 4,
        "MemTotal": 8_000_000_000,
    }
    assert read_capabilities(info, local=True) == Capabilities(
        name="docker",
        version="20.10.24+dfsg1",
        cgroup_version=1,
        gpus=True,
        cpu_units=4096,
        memory_mib=7629,
        runtimes=("nvidia", "runc"),
        log_drivers=("json-file", "local"),
        details={
            "cgroup_driver": "cgroupfs",
            "kernel": "6.1",
            "operating_system": "Debian GNU/Linux 12",
            "SwapLimit": "false",
        },
    )


def test_a_rootless_engine_says_so() -> None:
    assert read_capabilities({"SecurityOptions": ["name=rootless"]}, local=True).rootless
