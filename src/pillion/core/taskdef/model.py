"""The types of a task definition, one class for each shape of the ECS API.

Here live the shapes that `RegisterTaskDefinition` takes and `DescribeTaskDefinition` prints, with every
member that AWS's service model has; a test compares the two. Class names are AWS's, field names are AWS's in
snake_case. Here do not live: reading and writing JSON (`parse`, `render`), what ECS fills in (`defaults`),
and what AWS would refuse (`core.rules`).

Surprising: None means that the member is absent, which is not the same as empty (`()`), so that a document
can be given back as it was. A member without a default is one that the API itself requires. A container's
name and image are not among those: AWS checks them only after reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import force_setattr

from pillion.core.taskdef.enums import (
    ApplicationProtocol,
    Compatibility,
    ContainerCondition,
    CPUArchitecture,
    DeviceCgroupPermission,
    EFSAuthorizationConfigIAM,
    EFSTransitEncryption,
    EnvironmentFileType,
    FirelensConfigurationType,
    IpcMode,
    IsolationMode,
    LogDriver,
    NetworkMode,
    OSFamily,
    PidMode,
    ProxyConfigurationType,
    ResourceType,
    Scope,
    TargetType,
    TaskDefinitionPlacementConstraintType,
    TaskDefinitionStatus,
    TransportProtocol,
    UlimitName,
    VersionConsistency,
)

Timestamp = str | int | float
"""A point in time as it was written: ISO 8601 (the AWS CLI) or seconds since 1970 (the API itself)."""


class StringMap(Mapping[str, str]):
    """A map of strings that cannot be changed and can be hashed; equal to any mapping with the same items."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> str:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def _freeze(shape: Struct, name: str) -> None:
    value = getattr(shape, name)
    if value is not None and type(value) is not StringMap:
        force_setattr(shape, name, StringMap(value))


class KeyValuePair(Struct, frozen=True, kw_only=True):
    """An environment variable, or a property of a proxy."""

    name: str | None = None
    value: str | None = None


class Secret(Struct, frozen=True, kw_only=True):
    """A value that is fetched when the task starts: an environment variable or a log option."""

    name: str
    value_from: str


class RepositoryCredentials(Struct, frozen=True, kw_only=True):
    """The secret that opens a private registry."""

    credentials_parameter: str


class PortMapping(Struct, frozen=True, kw_only=True):
    """A port, or a range of ports, that a container listens on."""

    container_port: int | None = None
    host_port: int | None = None
    protocol: TransportProtocol | None = None
    name: str | None = None
    app_protocol: ApplicationProtocol | None = None
    container_port_range: str | None = None


class ContainerRestartPolicy(Struct, frozen=True, kw_only=True):
    """Whether a container is restarted in its task; `restart_attempt_period` is in seconds."""

    enabled: bool
    ignored_exit_codes: tuple[int, ...] | None = None
    restart_attempt_period: int | None = None


class EnvironmentFile(Struct, frozen=True, kw_only=True):
    """A file of environment variables; `value` is the ARN of an S3 object."""

    value: str
    type: EnvironmentFileType


class MountPoint(Struct, frozen=True, kw_only=True):
    """Where a volume of the task appears in a container."""

    source_volume: str | None = None
    container_path: str | None = None
    read_only: bool | None = None


class VolumeFrom(Struct, frozen=True, kw_only=True):
    """Mounts everything that another container mounts."""

    source_container: str | None = None
    read_only: bool | None = None


class KernelCapabilities(Struct, frozen=True, kw_only=True):
    """Linux capabilities added to and dropped from the engine's usual set, without the `CAP_` prefix."""

    add: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class Device(Struct, frozen=True, kw_only=True):
    """A device of the host that a container sees."""

    host_path: str
    container_path: str | None = None
    permissions: tuple[DeviceCgroupPermission, ...] | None = None


class Tmpfs(Struct, frozen=True, kw_only=True):
    """A file system in memory; `size` is in MiB."""

    container_path: str
    size: int
    mount_options: tuple[str, ...] | None = None


class LinuxParameters(Struct, frozen=True, kw_only=True):
    """Settings of the Linux kernel for a container; `shared_memory_size` and `max_swap` are in MiB."""

    capabilities: KernelCapabilities | None = None
    devices: tuple[Device, ...] | None = None
    init_process_enabled: bool | None = None
    shared_memory_size: int | None = None
    tmpfs: tuple[Tmpfs, ...] | None = None
    max_swap: int | None = None
    swappiness: int | None = None


class ContainerDependency(Struct, frozen=True, kw_only=True):
    """What another container must have reached before this one is created."""

    container_name: str
    condition: ContainerCondition


class HostEntry(Struct, frozen=True, kw_only=True):
    """A line of the container's /etc/hosts."""

    hostname: str
    ip_address: str


class Ulimit(Struct, frozen=True, kw_only=True):
    """A limit that the kernel holds each process to; -1 is unlimited."""

    name: UlimitName
    soft_limit: int
    hard_limit: int


class LogConfiguration(Struct, frozen=True, kw_only=True):
    """Where a container's output goes; `secret_options` are options that are fetched at start."""

    log_driver: LogDriver
    options: Mapping[str, str] | None = None
    secret_options: tuple[Secret, ...] | None = None

    def __post_init__(self) -> None:
        _freeze(self, "options")


class HealthCheck(Struct, frozen=True, kw_only=True):
    """A command that says whether a container works; `interval`, `timeout`, `start_period` are in seconds."""

    command: tuple[str, ...]
    interval: int | None = None
    timeout: int | None = None
    retries: int | None = None
    start_period: int | None = None


class SystemControl(Struct, frozen=True, kw_only=True):
    """A kernel setting (sysctl) of the container."""

    namespace: str | None = None
    value: str | None = None


class NvidiaMpsAllocation(Struct, frozen=True, kw_only=True):
    """A container's share of a GPU under NVIDIA's multi-process service; `memory` is in MiB."""

    memory: int
    max_compute_percent: int | None = None


class SharingStrategy(Struct, frozen=True, kw_only=True):
    """How a GPU is shared between containers."""

    nvidia_mps: NvidiaMpsAllocation | None = None


class ResourceRequirement(Struct, frozen=True, kw_only=True):
    """A GPU or another accelerator that a container needs."""

    value: str | None = None
    type: ResourceType
    sharing_strategy: SharingStrategy | None = None


class FirelensConfiguration(Struct, frozen=True, kw_only=True):
    """Marks a container as the log router of its task."""

    type: FirelensConfigurationType
    options: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        _freeze(self, "options")


class ContainerDefinition(Struct, frozen=True, kw_only=True):
    """One container of a task.

    `cpu` is in CPU units (1024 are one vCPU), `memory` and `memory_reservation` are in MiB, `start_timeout`
    and `stop_timeout` are in seconds.
    """

    name: str | None = None
    image: str | None = None
    repository_credentials: RepositoryCredentials | None = None
    cpu: int | None = None
    memory: int | None = None
    memory_reservation: int | None = None
    links: tuple[str, ...] | None = None
    port_mappings: tuple[PortMapping, ...] | None = None
    essential: bool | None = None
    restart_policy: ContainerRestartPolicy | None = None
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[KeyValuePair, ...] | None = None
    environment_files: tuple[EnvironmentFile, ...] | None = None
    mount_points: tuple[MountPoint, ...] | None = None
    volumes_from: tuple[VolumeFrom, ...] | None = None
    linux_parameters: LinuxParameters | None = None
    secrets: tuple[Secret, ...] | None = None
    depends_on: tuple[ContainerDependency, ...] | None = None
    start_timeout: int | None = None
    stop_timeout: int | None = None
    version_consistency: VersionConsistency | None = None
    hostname: str | None = None
    user: str | None = None
    working_directory: str | None = None
    disable_networking: bool | None = None
    privileged: bool | None = None
    readonly_root_filesystem: bool | None = None
    dns_servers: tuple[str, ...] | None = None
    dns_search_domains: tuple[str, ...] | None = None
    extra_hosts: tuple[HostEntry, ...] | None = None
    docker_security_options: tuple[str, ...] | None = None
    interactive: bool | None = None
    pseudo_terminal: bool | None = None
    docker_labels: Mapping[str, str] | None = None
    ulimits: tuple[Ulimit, ...] | None = None
    log_configuration: LogConfiguration | None = None
    health_check: HealthCheck | None = None
    system_controls: tuple[SystemControl, ...] | None = None
    resource_requirements: tuple[ResourceRequirement, ...] | None = None
    firelens_configuration: FirelensConfiguration | None = None
    credential_specs: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _freeze(self, "docker_labels")


class HostVolumeProperties(Struct, frozen=True, kw_only=True):
    """A folder of the host; without `source_path`, a fresh empty one for each task."""

    source_path: str | None = None


class DockerVolumeConfiguration(Struct, frozen=True, kw_only=True):
    """A volume that Docker manages."""

    scope: Scope | None = None
    autoprovision: bool | None = None
    driver: str | None = None
    driver_opts: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        _freeze(self, "driver_opts")
        _freeze(self, "labels")


class EFSAuthorizationConfig(Struct, frozen=True, kw_only=True):
    """How a task proves that it may mount an EFS file system."""

    access_point_id: str | None = None
    iam: EFSAuthorizationConfigIAM | None = None


class EFSVolumeConfiguration(Struct, frozen=True, kw_only=True):
    """A folder of an EFS file system."""

    file_system_id: str
    root_directory: str | None = None
    transit_encryption: EFSTransitEncryption | None = None
    transit_encryption_port: int | None = None
    authorization_config: EFSAuthorizationConfig | None = None


class S3FilesVolumeConfiguration(Struct, frozen=True, kw_only=True):
    """A folder of an S3 Files file system."""

    file_system_arn: str
    root_directory: str | None = None
    transit_encryption_port: int | None = None
    access_point_arn: str | None = None


class FSxWindowsFileServerAuthorizationConfig(Struct, frozen=True, kw_only=True):
    """The Active Directory account that mounts an FSx share."""

    credentials_parameter: str
    domain: str


class FSxWindowsFileServerVolumeConfiguration(Struct, frozen=True, kw_only=True):
    """A share of FSx for Windows File Server."""

    file_system_id: str
    root_directory: str
    authorization_config: FSxWindowsFileServerAuthorizationConfig


class Volume(Struct, frozen=True, kw_only=True):
    """Storage that the containers of a task can share; with none of the configurations, an empty folder."""

    name: str | None = None
    host: HostVolumeProperties | None = None
    docker_volume_configuration: DockerVolumeConfiguration | None = None
    efs_volume_configuration: EFSVolumeConfiguration | None = None
    s3files_volume_configuration: S3FilesVolumeConfiguration | None = None
    fsx_windows_file_server_volume_configuration: FSxWindowsFileServerVolumeConfiguration | None = None
    configured_at_launch: bool | None = None


class TaskDefinitionPlacementConstraint(Struct, frozen=True, kw_only=True):
    """An expression that the instance of a task has to meet."""

    type: TaskDefinitionPlacementConstraintType | None = None
    expression: str | None = None


class Tag(Struct, frozen=True, kw_only=True):
    """A tag of the definition."""

    key: str | None = None
    value: str | None = None


class ProxyConfiguration(Struct, frozen=True, kw_only=True):
    """The container that the task's traffic is sent through, and how (App Mesh)."""

    type: ProxyConfigurationType | None = None
    container_name: str
    properties: tuple[KeyValuePair, ...] | None = None


class InferenceAccelerator(Struct, frozen=True, kw_only=True):
    """An Elastic Inference accelerator; AWS no longer offers them, the API still knows them."""

    device_name: str
    device_type: str


class EphemeralStorage(Struct, frozen=True, kw_only=True):
    """The task's own disk on Fargate."""

    size_in_gib: int


class RuntimePlatform(Struct, frozen=True, kw_only=True):
    """What the task's images are built for."""

    cpu_architecture: CPUArchitecture | None = None
    operating_system_family: OSFamily | None = None


class TrustedExecutionConfiguration(Struct, frozen=True, kw_only=True):
    """How the task is kept apart from others on its host."""

    isolation_mode: IsolationMode
    attestation_policy: str | None = None


class Attribute(Struct, frozen=True, kw_only=True):
    """Something that an instance must have to run the task; AWS derives it from the definition."""

    name: str
    value: str | None = None
    target_type: TargetType | None = None
    target_id: str | None = None


class TaskDefinition(Struct, frozen=True, kw_only=True):
    """A task definition.

    The fields from `task_definition_arn` on are those of `READ_ONLY_FIELDS`: AWS gives them to a registered
    revision, and they are kept so that what `DescribeTaskDefinition` printed can be given back.

    `cpu` (CPU units, or vCPU) and `memory` (MiB, or GB) are texts, because AWS takes "1 vCPU" and "2 GB";
    `core.units` reads them.
    """

    family: str
    task_role_arn: str | None = None
    execution_role_arn: str | None = None
    network_mode: NetworkMode | None = None
    container_definitions: tuple[ContainerDefinition, ...]
    volumes: tuple[Volume, ...] | None = None
    placement_constraints: tuple[TaskDefinitionPlacementConstraint, ...] | None = None
    requires_compatibilities: tuple[Compatibility, ...] | None = None
    cpu: str | None = None
    memory: str | None = None
    tags: tuple[Tag, ...] | None = None
    pid_mode: PidMode | None = None
    ipc_mode: IpcMode | None = None
    proxy_configuration: ProxyConfiguration | None = None
    inference_accelerators: tuple[InferenceAccelerator, ...] | None = None
    ephemeral_storage: EphemeralStorage | None = None
    runtime_platform: RuntimePlatform | None = None
    enable_fault_injection: bool | None = None
    trusted_execution_configuration: TrustedExecutionConfiguration | None = None

    task_definition_arn: str | None = None
    revision: int | None = None
    status: TaskDefinitionStatus | None = None
    requires_attributes: tuple[Attribute, ...] | None = None
    compatibilities: tuple[Compatibility, ...] | None = None
    registered_at: Timestamp | None = None
    deregistered_at: Timestamp | None = None
    delete_requested_at: Timestamp | None = None
    registered_by: str | None = None


READ_ONLY_FIELDS: Final = frozenset(
    {
        "task_definition_arn",
        "revision",
        "status",
        "requires_attributes",
        "compatibilities",
        "registered_at",
        "deregistered_at",
        "delete_requested_at",
        "registered_by",
    }
)
"""Fields of `TaskDefinition` that AWS sets; `RegisterTaskDefinition` does not take them."""
