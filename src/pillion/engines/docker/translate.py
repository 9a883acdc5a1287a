"""Plan to Docker: the body of a create call. Pure; the golden files in tests/golden/docker show its answers.

What Docker forbids for a container that joins another's network namespace (ports, host name, DNS, extra
hosts) is left out here: it acts on the pause container, as in ECS. Every field of the plan that Docker has
no room for is named in `notices`, so nothing is dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pillion.core.plan.model import (
    JOINED,
    ContainerPlan,
    HealthProbe,
    LogPlan,
    NamespacePlan,
    TaskPlan,
    VolumeKind,
    holder_of,
)
from pillion.engines.docker.labels import container_labels
from pillion.engines.docker.ports import Published
from pillion.ports.engine import EngineError

MEBIBYTE = 1024 * 1024

MEMORY_MIN_BYTES = 6 * MEBIBYTE
"""Docker 20.10 and newer refuse less; ECS itself goes down to 4 MiB."""

CPU_SHARES_MIN = 2
CPU_SHARES_MAX = 262_144
"""The ECS agent keeps shares within what Linux takes."""

BUFFER_SIZE_DEFAULT = "10m"
"""What the ECS agent sets for non-blocking logs without max-buffer-size; Docker's own default is 1m."""

_COPIED_DRIVERS = frozenset({"fluentd", "gelf", "splunk", "syslog"})
"""Drivers that Docker cannot read back: beside them it keeps a copy of the output. While `mode` is not given,
that copy alone is behind a buffer of 1 MB that overflows; saying what holds anyway makes it complete."""

_NS_PER_S = 1_000_000_000


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a create call needs beside the plan: what was made or chosen on this engine."""

    image: str
    network: str
    cgroup_parent: str | None = None
    published: tuple[Published, ...] = ()
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    log_options: Mapping[str, str] = field(default_factory=dict)
    gpus: bool = False


def create_parameters(container: ContainerPlan) -> dict[str, str]:
    """Return the query parameters of the create call."""
    parameters = {"name": container.engine_name}
    if container.image.platform:
        parameters["platform"] = container.image.platform
    return parameters


def create_body(task: TaskPlan, container: ContainerPlan, around: Surroundings) -> dict[str, Any]:
    """Return the body of the create call of one container.

    Raises EngineError (HostConfigError) for a mount that names no volume of the task.
    """
    environment = {**container.environment, **around.extra_environment}
    body: dict[str, Any] = {
        "Image": around.image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": container_labels(task, container),
        "Healthcheck": _health(container.health),
        "StopTimeout": math.ceil(container.stop_timeout_s),
        "Tty": container.tty,
        "OpenStdin": container.stdin_open,
        "HostConfig": _host_config(task, container, around),
    }
    if container.command is not None:
        body["Cmd"] = list(container.command)
    if container.entry_point is not None:
        body["Entrypoint"] = list(container.entry_point)
    if container.working_directory is not None:
        body["WorkingDir"] = container.working_directory
    if container.security.user is not None:
        body["User"] = container.security.user
    names = container.namespaces
    if not _is_joined(names):
        if names.hostname is not None:
            body["Hostname"] = names.hostname
        if around.published:
            body["ExposedPorts"] = {port.key: {} for port in around.published}
    if names.network == "own":
        aliases = [*task.dns_aliases, *names.aliases]
        body["NetworkingConfig"] = {"EndpointsConfig": {around.network: {"Aliases": aliases}}}
    return body


def _health(probe: HealthProbe | None) -> dict[str, Any]:
    """ECS knows only the definition's health check, so an image's own HEALTHCHECK is switched off."""
    if probe is None:
        return {"Test": ["NONE"]}
    return {
        "Test": list(probe.command),
        "Interval": round(probe.interval_s * _NS_PER_S),
        "Timeout": round(probe.timeout_s * _NS_PER_S),
        "Retries": probe.retries,
        "StartPeriod": round(probe.start_period_s * _NS_PER_S),
    }


def _host_config(task: TaskPlan, container: ContainerPlan, around: Surroundings) -> dict[str, Any]:
    security = container.security
    config: dict[str, Any] = {
        "NetworkMode": _network_mode(task, container.namespaces, around.network),
        "Binds": [*_mounts(task, container), *_binds(container)],
        "VolumesFrom": [
            task.container(source.container).engine_name + (":ro" if source.read_only else "")
            for source in container.volumes_from
        ],
        "Tmpfs": {
            mount.container_path: ",".join([f"size={mount.size_mib}m", *mount.options])
            for mount in container.tmpfs
        },
        "CapAdd": list(security.capabilities_add),
        "CapDrop": list(security.capabilities_drop),
        "SecurityOpt": list(security.security_options),
        "Sysctls": dict(security.sysctls),
        "Privileged": security.privileged,
        "ReadonlyRootfs": security.readonly_root,
        "Devices": [
            {
                "PathOnHost": device.host_path,
                "PathInContainer": device.container_path,
                "CgroupPermissions": device.permissions,
            }
            for device in security.devices
        ],
        **_limits(container, around),
        **_names(task, container, around),
    }
    if security.init_process:
        config["Init"] = True
    if container.log.driver is not None:
        config["LogConfig"] = {"Type": container.log.driver, "Config": _log_options(container.log, around)}
    if around.cgroup_parent is not None:
        config["CgroupParent"] = around.cgroup_parent
    return config


def _limits(container: ContainerPlan, around: Surroundings) -> dict[str, Any]:
    limits = container.limits
    config: dict[str, Any] = {"CpuShares": min(max(limits.cpu_shares, CPU_SHARES_MIN), CPU_SHARES_MAX)}
    if limits.memory_bytes:
        config["Memory"] = max(limits.memory_bytes, MEMORY_MIN_BYTES)
        if limits.memory_swap_bytes is not None:
            config["MemorySwap"] = max(limits.memory_swap_bytes, config["Memory"])
    if limits.memory_reservation_bytes:
        config["MemoryReservation"] = limits.memory_reservation_bytes
    if limits.memory_swappiness is not None:
        config["MemorySwappiness"] = limits.memory_swappiness
    if limits.shm_bytes:
        config["ShmSize"] = limits.shm_bytes
    if limits.pids is not None:
        config["PidsLimit"] = limits.pids
    if limits.ulimits:
        config["Ulimits"] = [
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard} for limit in limits.ulimits
        ]
    if limits.gpus and around.gpus:
        config["DeviceRequests"] = [{"Driver": "", "Count": limits.gpus, "Capabilities": [["gpu"]]}]
    return config


def _names(task: TaskPlan, container: ContainerPlan, around: Surroundings) -> dict[str, Any]:
    """Everything about namespaces, names and ports that depends on whose network it is."""
    names = container.namespaces
    config: dict[str, Any] = {}
    if names.pid is not None:
        config["PidMode"] = _namespace(task, names.pid)
    if names.ipc is not None:
        config["IpcMode"] = _namespace(task, names.ipc)
    if _is_joined(names):
        return config
    config["Links"] = [f"{task.container(target).engine_name}:{alias}" for target, alias in names.links]
    config["ExtraHosts"] = [f"{host}:{address}" for host, address in names.extra_hosts]
    config["Dns"] = list(names.dns_servers)
    config["DnsSearch"] = list(names.dns_search)
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in around.published:
        host_port = "" if port.host_port is None else str(port.host_port)
        bindings.setdefault(port.key, []).append({"HostIp": port.host_ip, "HostPort": host_port})
    config["PortBindings"] = bindings
    return config


def _is_joined(names: NamespacePlan) -> bool:
    return holder_of(names.network) is not None


def _network_mode(task: TaskPlan, names: NamespacePlan, network: str) -> str:
    return network if names.network == "own" else _namespace(task, names.network)


def _namespace(task: TaskPlan, value: str) -> str:
    """Write `container:<name of ECS>` as Docker knows that container."""
    holder = holder_of(value)
    return value if holder is None else JOINED + task.container(holder).engine_name


def _mounts(task: TaskPlan, container: ContainerPlan) -> list[str]:
    binds = []
    for mount in container.mounts:
        try:
            volume = task.volume(mount.volume)
        except KeyError:
            raise EngineError("HostConfigError", f"Invalid volume referenced: {mount.volume}") from None
        if not mount.container_path or (volume.kind is VolumeKind.BIND and not volume.engine_name):
            text = f"Unable to resolve volume mounts; invalid path: {mount.volume} {volume.engine_name}; "
            raise EngineError("HostConfigError", f"{text}{mount.container_path}")
        binds.append(_bind(volume.engine_name, mount.container_path, read_only=mount.read_only))
    return binds


def _binds(container: ContainerPlan) -> list[str]:
    return [_bind(bind.host_path, bind.container_path, read_only=bind.read_only) for bind in container.binds]


def _bind(source: str, target: str, *, read_only: bool) -> str:
    return f"{source}:{target}:ro" if read_only else f"{source}:{target}"


def _log_options(log: LogPlan, around: Surroundings) -> dict[str, str]:
    options = {**log.options, **around.log_options}
    if options.get("mode") == "non-blocking":
        options.setdefault("max-buffer-size", BUFFER_SIZE_DEFAULT)
    if log.driver in _COPIED_DRIVERS:
        options.setdefault("mode", "blocking")
    return options
