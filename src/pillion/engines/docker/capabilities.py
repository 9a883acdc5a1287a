"""What an engine is and can do: the answer of its `info` call as a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pillion.core.units import BYTES_PER_MIB, CPU_UNITS_PER_VCPU
from pillion.engines.docker.client import PING_DEADLINE_S, DockerClient
from pillion.engines.docker.errors import ApiError, DeadlinePassedError
from pillion.ports.engine import Capabilities, EngineUnreachableError

SYSTEMD = Path("/run/systemd/system")
"""This folder is there while systemd is the first process; it says so itself in sd_booted(3)."""

_FLAGS = ("MemoryLimit", "SwapLimit", "PidsLimit", "CPUShares", "CpuCfsQuota")


async def ask_capabilities(client: DockerClient) -> Capabilities:
    """Ask the engine. Raises EngineUnreachableError."""
    try:
        info = await client.get("info", deadline_s=PING_DEADLINE_S)
    except (ApiError, DeadlinePassedError) as error:
        raise EngineUnreachableError(
            f"The engine at {client.host} does not say what it is: {error}"
        ) from error
    found = read_capabilities(info, name="podman" if client.is_podman else "docker", local=client.is_local)
    if not client.is_local:
        return found
    return replace(found, details={**found.details, "systemd": _word(_systemd_runs())})


def read_capabilities(info: Mapping[str, Any], *, local: bool, name: str = "docker") -> Capabilities:
    """Read the answer of `info` of `docker` or `podman`. `local`: the engine runs on this machine."""
    security = [option for option in info.get("SecurityOptions") or [] if isinstance(option, str)]
    runtimes = tuple(sorted(info.get("Runtimes") or {}))
    plugins = info.get("Plugins") or {}
    return Capabilities(
        name=name,
        version=info.get("ServerVersion", ""),
        cgroup_version=int(info.get("CgroupVersion") or 1),
        os=info.get("OSType", "linux"),
        architecture=info.get("Architecture", ""),
        rootless=any("name=rootless" in option for option in security) or bool(info.get("Rootless")),
        local=local,
        gpus="nvidia" in runtimes or any("nvidia" in str(device) for device in info.get("CDISpecDirs") or []),
        cpu_units=(info.get("NCPU") or 1) * CPU_UNITS_PER_VCPU,
        memory_mib=(info.get("MemTotal") or BYTES_PER_MIB) // BYTES_PER_MIB,
        runtimes=runtimes,
        log_drivers=tuple(sorted(plugins.get("Log") or ())),
        details={
            "cgroup_driver": str(info.get("CgroupDriver", "")),
            "kernel": str(info.get("KernelVersion", "")),
            "operating_system": str(info.get("OperatingSystem", "")),
            **{flag: _word(info[flag]) for flag in _FLAGS if flag in info},
        },
    )


def _systemd_runs() -> bool:
    return SYSTEMD.is_dir()


def _word(flag: object) -> str:
    """Write a flag as `details` has it."""
    return "true" if flag else "false"
