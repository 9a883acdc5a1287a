"""What ECS fills in when a definition is registered, as `DescribeTaskDefinition` then shows it.

Here is the filling in of absent members and the one spelling that ECS gives to sizes. What a revision gets
besides (ARN, revision, status, attributes) is for whoever registers it.

Surprising:

- A member that is present stays as it is, also when it is empty.
- The host port depends on the network mode: the container's own port where they share an interface (awsvpc,
  host), and 0, "any free one", on a bridge.
- `startPeriod` of a health check is not filled in, although the other three numbers are.
"""

from __future__ import annotations

from typing import Final, TypeVar

from msgspec.structs import replace

from pillion.core.taskdef.enums import NetworkMode, TransportProtocol
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EFSVolumeConfiguration,
    HealthCheck,
    LogConfiguration,
    PortMapping,
    TaskDefinition,
    Volume,
)
from pillion.core.units import parse_cpu_units, parse_memory_mib

T = TypeVar("T")

HEALTH_CHECK_INTERVAL_S: Final = 30
HEALTH_CHECK_TIMEOUT_S: Final = 5
HEALTH_CHECK_RETRIES: Final = 3


def with_defaults(definition: TaskDefinition) -> TaskDefinition:
    """Fill in what ECS fills in; doing it twice changes nothing more.

    Sizes that ECS cannot read stay as they are; the rules report them.
    """
    return replace(
        definition,
        container_definitions=tuple(
            container_with_defaults(container, definition.network_mode)
            for container in definition.container_definitions
        ),
        volumes=tuple(_volume(volume) for volume in definition.volumes or ()),
        placement_constraints=_or(definition.placement_constraints, ()),
        cpu=_size(definition.cpu, parse_cpu_units(definition.cpu)),
        memory=_size(definition.memory, parse_memory_mib(definition.memory)),
    )


def container_with_defaults(
    container: ContainerDefinition, network_mode: NetworkMode | None
) -> ContainerDefinition:
    """Fill in what ECS fills in for one container of a task with that network mode (None is bridge)."""
    return replace(
        container,
        cpu=_or(container.cpu, 0),
        essential=_or(container.essential, True),
        environment=_or(container.environment, ()),
        mount_points=_or(container.mount_points, ()),
        volumes_from=_or(container.volumes_from, ()),
        port_mappings=tuple(
            _port_mapping(mapping, network_mode) for mapping in container.port_mappings or ()
        ),
        system_controls=_or(container.system_controls, ()),
        health_check=_health_check(container.health_check),
        log_configuration=_log_configuration(container.log_configuration),
    )


def _port_mapping(mapping: PortMapping, network_mode: NetworkMode | None) -> PortMapping:
    return replace(
        mapping,
        protocol=_or(mapping.protocol, TransportProtocol.TCP),
        host_port=mapping.host_port if mapping.host_port is not None else _host_port(mapping, network_mode),
    )


def _host_port(mapping: PortMapping, network_mode: NetworkMode | None) -> int | None:
    if mapping.container_port is None:
        return None  # a range; its host ports are chosen when the task starts
    match network_mode:
        case NetworkMode.AWSVPC | NetworkMode.HOST:
            return mapping.container_port
        case NetworkMode.BRIDGE | None:
            return 0
        case NetworkMode.NONE:
            return None


def _health_check(check: HealthCheck | None) -> HealthCheck | None:
    if check is None:
        return None
    return replace(
        check,
        interval=_or(check.interval, HEALTH_CHECK_INTERVAL_S),
        timeout=_or(check.timeout, HEALTH_CHECK_TIMEOUT_S),
        retries=_or(check.retries, HEALTH_CHECK_RETRIES),
    )


def _log_configuration(configuration: LogConfiguration | None) -> LogConfiguration | None:
    if configuration is None:
        return None
    return replace(configuration, secret_options=_or(configuration.secret_options, ()))


def _volume(volume: Volume) -> Volume:
    return replace(volume, efs_volume_configuration=_efs(volume.efs_volume_configuration))


def _efs(configuration: EFSVolumeConfiguration | None) -> EFSVolumeConfiguration | None:
    if configuration is None:
        return None
    return replace(configuration, root_directory=_or(configuration.root_directory, "/"))


def _size(text: str | None, size: int | None) -> str | None:
    return text if size is None else str(size)


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
