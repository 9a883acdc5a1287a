"""What of a plan this engine cannot honour, or does differently: said once, beforehand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pillion.core.plan.model import ContainerPlan, Notice, TaskPlan, VolumeKind
from pillion.engines.docker.translate import MEBIBYTE, MEMORY_MIN_BYTES
from pillion.ports.engine import Capabilities

UNPRIVILEGED_PORT_MIN = 1024

SHARES_OF_NONE = 2
"""The cpu shares of a container that asks for none."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}


def plan_notices(task: TaskPlan, engine: Capabilities) -> tuple[Notice, ...]:
    """Compare a plan with what the engine can do."""
    found = [*_about_task(task, engine)]
    for container in task.containers:
        notices = (*_about_limits(container, engine), *_about_running(container, engine))
        found += [Notice(code=code, text=text, container=container.name) for code, text in notices]
    return tuple(found)


def _about_task(task: TaskPlan, engine: Capabilities) -> Iterator[Notice]:
    if not engine.local:
        text = (
            "the engine is on another machine: ports are published there, and folders of the host are its own"
        )
        yield Notice(code="engine-is-remote", text=text)
    if engine.rootless and engine.cgroup_version == 1 and any(_is_limited(item) for item in task.containers):
        text = "a rootless engine on cgroup v1 enforces no cpu and memory limits"
        yield Notice(code="limits-not-enforced", text=text)
    folders = [volume.name for volume in task.volumes if volume.kind is VolumeKind.BIND]
    if folders and engine.rootless:
        text = f"a rootless engine sees the folders of {', '.join(folders)} with your own rights only"
        yield Notice(code="engine-is-rootless", text=text)


def _is_limited(container: ContainerPlan) -> bool:
    return container.limits.memory_bytes is not None or container.limits.cpu_shares > SHARES_OF_NONE


def _about_limits(container: ContainerPlan, engine: Capabilities) -> Iterator[tuple[str, str]]:
    limits = container.limits
    if limits.memory_bytes is not None and limits.memory_bytes < MEMORY_MIN_BYTES:
        asked, least = limits.memory_bytes // MEBIBYTE, MEMORY_MIN_BYTES // MEBIBYTE
        yield "memory-raised", f"memory is {least} MiB instead of {asked}: Docker takes no less"
    if limits.memory_bytes is not None and _lacks(engine, "MemoryLimit"):
        yield "memory-not-enforced", "this machine's kernel does not enforce the memory limit"
    if limits.memory_swap_bytes is not None and limits.memory_bytes is None:
        yield "swap-ignored", "maxSwap has no effect without memory"
    elif limits.memory_swap_bytes is not None and _lacks(engine, "SwapLimit"):
        yield "swap-ignored", "maxSwap has no effect: this machine's kernel does not account for swap"
    if limits.memory_swappiness is not None and engine.cgroup_version == 2:
        yield "swappiness-ignored", "swappiness has no effect: cgroup v2 has none"
    if limits.gpus and not engine.gpus:
        yield "no-gpu", f"{limits.gpus} GPU asked for, and the engine offers none: it runs without"


def _about_running(container: ContainerPlan, engine: Capabilities) -> Iterator[tuple[str, str]]:
    if container.health is not None and engine.name == "podman" and engine.details.get("systemd") == "false":
        yield "no-health-checks", "Podman runs health checks by systemd, which does not run: it stays UNKNOWN"
    driver = container.log.driver
    if driver == "none":
        yield "no-output", "log driver none: the engine keeps no output, so none is shown"
    platform = container.image.platform
    if platform and not platform.endswith("/" + _ARCHITECTURES.get(engine.architecture, engine.architecture)):
        yield "emulated", f"{platform} is not this machine's own: it runs emulated and slowly, if at all"
    if engine.rootless:
        low = [
            port.host_port for port in container.ports if 0 < (port.host_port or 0) < UNPRIVILEGED_PORT_MIN
        ]
        if low:
            names = ", ".join(map(str, low))
            yield "low-ports", f"a rootless engine may not publish on {names}; a free port is used"


def _lacks(engine: Capabilities, flag: str) -> bool:
    return engine.details.get(flag) == "false"
