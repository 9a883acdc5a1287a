"""What an engine is asked for: one task, its containers, its shared resources.

Values are complete: an engine needs nothing but the plan. Sizes are bytes or MiB as the names say,
times seconds. Secrets are not here: `secret_environment` names the variables that a resource fills in
when the container is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from pillion.core.lifecycle.spec import ContainerSpec, TaskSpec
from pillion.core.lifecycle.states import ContainerKind, PullBehavior

NETWORK_RESOURCE = "network"
CGROUP_RESOURCE = "cgroup"


def volume_resource(volume: str) -> str:
    """Return the name of the task resource that prepares a volume."""
    return f"volume {volume}"


class NetworkMode(Enum):
    """The definition's networkMode; bridge where it has none."""

    AWSVPC = "awsvpc"
    BRIDGE = "bridge"
    HOST = "host"
    NONE = "none"


class Notice(Struct, frozen=True, kw_only=True):
    """Something that differs here from ECS, or that the user should know; said once, never in silence.

    `code` is stable (kebab-case); `container` is None where it concerns the whole task.
    """

    code: str
    text: str
    container: str | None = None


class HealthProbe(Struct, frozen=True, kw_only=True):
    """A health check as the engine runs it. `command` begins with CMD or CMD-SHELL."""

    command: tuple[str, ...]
    interval_s: float = 30.0
    timeout_s: float = 5.0
    retries: int = 3
    start_period_s: float = 0.0


class PortRequest(Struct, frozen=True, kw_only=True):
    """A container port to publish.

    `host_port` is what is asked for: None lets the engine's host choose any free one. With `exact` a port
    that is taken is an error; otherwise the nearest free port is used and said.
    """

    container_port: int
    protocol: str = "tcp"
    host_ip: str = "127.0.0.1"
    host_port: int | None = None
    exact: bool = False
    name: str | None = None


class PortRangeRequest(Struct, frozen=True, kw_only=True):
    """A contiguous range of container ports, to be published on as many contiguous host ports."""

    first: int
    last: int
    protocol: str = "tcp"
    host_ip: str = "127.0.0.1"


class Mount(Struct, frozen=True, kw_only=True):
    """One mount point. `volume` names a VolumePlan; `volume_name` of that plan is what is mounted."""

    volume: str
    container_path: str
    read_only: bool = False


class Bind(Struct, frozen=True, kw_only=True):
    """A path of the host mounted into a container (files that we generate, sockets)."""

    host_path: str
    container_path: str
    read_only: bool = False


class VolumesFrom(Struct, frozen=True, kw_only=True):
    """All mounts of another container of the task."""

    container: str
    read_only: bool = False


class TmpfsMount(Struct, frozen=True, kw_only=True):
    """A tmpfs; `size_mib` as in linuxParameters, options as given."""

    container_path: str
    size_mib: int
    options: tuple[str, ...] = ()


class DeviceMapping(Struct, frozen=True, kw_only=True):
    """A device of the host; permissions as letters of `rwm`."""

    host_path: str
    container_path: str
    permissions: str = "rwm"


class UlimitPlan(Struct, frozen=True, kw_only=True):
    """One ulimit."""

    name: str
    soft: int
    hard: int


class LogPlan(Struct, frozen=True, kw_only=True):
    """The engine's log driver for a container; None as driver means the engine's default."""

    driver: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class ImagePlan(Struct, frozen=True, kw_only=True):
    """Which image a container runs.

    `reference` is what the definition says; `actual` what is used instead (`--image`, `--build`, a stub),
    None where it is the same. `build_folder` is built when its content changed. `local` marks an image
    that pillion makes itself and that is never pulled. `platform` is `linux/amd64` and the like.
    `repository_credentials` is the ARN of the registry secret, if the definition names one.
    """

    reference: str
    actual: str | None = None
    build_folder: str | None = None
    local: bool = False
    platform: str | None = None
    repository_credentials: str | None = None

    @property
    def used(self) -> str:
        """The reference that the engine is given."""
        return self.actual or self.reference


class LimitsPlan(Struct, frozen=True, kw_only=True):
    """Resource limits of one container; None means no limit of that kind.

    `cpu_shares` are relative. `memory_swap_bytes` counts memory and swap together, as engines do.
    """

    cpu_shares: int = 2
    memory_bytes: int | None = None
    memory_reservation_bytes: int | None = None
    memory_swap_bytes: int | None = None
    memory_swappiness: int | None = None
    shm_bytes: int | None = None
    pids: int | None = None
    gpus: int | None = None
    ulimits: tuple[UlimitPlan, ...] = ()


class SecurityPlan(Struct, frozen=True, kw_only=True):
    """Who the container's processes are and what they may do."""

    user: str | None = None
    privileged: bool = False
    readonly_root: bool = False
    init_process: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    security_options: tuple[str, ...] = ()
    devices: tuple[DeviceMapping, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)


JOINED = "container:"
"""Before the name of the container of the task whose namespace another one joins."""


def holder_of(space: str | None) -> str | None:
    """Return the container whose namespace is joined; None for a namespace of any other kind."""
    return space.removeprefix(JOINED) if space is not None and space.startswith(JOINED) else None


class NamespacePlan(Struct, frozen=True, kw_only=True):
    """Which namespaces a container lives in.

    `network`: `own` (a namespace on the task's network), `container:<name>` (another container of the
    task), `bridge`, `host` or `none`. `pid` and `ipc`: None (the engine's default), `host`, `none`,
    `shareable` or `container:<name>`.
    """

    network: str = "own"
    aliases: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    hostname: str | None = None
    extra_hosts: tuple[tuple[str, str], ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    pid: str | None = None
    ipc: str | None = None


class ContainerPlan(Struct, frozen=True, kw_only=True):
    """One container, complete. `name` is ECS's name for it, `engine_name` the engine's."""

    name: str
    engine_name: str
    arn: str
    kind: ContainerKind = ContainerKind.NORMAL
    image: ImagePlan
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    working_directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_timeout_s: float = 30.0
    health: HealthProbe | None = None
    limits: LimitsPlan = field(default_factory=LimitsPlan)
    security: SecurityPlan = field(default_factory=SecurityPlan)
    namespaces: NamespacePlan = field(default_factory=NamespacePlan)
    ports: tuple[PortRequest, ...] = ()
    port_ranges: tuple[PortRangeRequest, ...] = ()
    mounts: tuple[Mount, ...] = ()
    binds: tuple[Bind, ...] = ()
    volumes_from: tuple[VolumesFrom, ...] = ()
    tmpfs: tuple[TmpfsMount, ...] = ()
    log: LogPlan = field(default_factory=LogPlan)
    tty: bool = False
    stdin_open: bool = False
    memory_mib: int | None = None
    memory_reservation_mib: int | None = None
    cpu_units: int = 0


class VolumeKind(Enum):
    """Where a volume comes from and whose it is."""

    TASK = "task"  # made for this task, removed with it
    SHARED = "shared"  # by its own name, outlives the task
    BIND = "bind"  # a folder of the host


class VolumePlan(Struct, frozen=True, kw_only=True):
    """One volume of the task. `engine_name` is a volume name, or a host path for BIND.

    A SHARED volume without `autoprovision` has to exist already.
    """

    name: str
    kind: VolumeKind
    engine_name: str
    driver: str | None = None
    driver_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    autoprovision: bool = False
    create_folder: bool = False


class TaskLimits(Struct, frozen=True, kw_only=True):
    """Limits of the task as a whole: a parent cgroup. Both None where the definition sets none."""

    cpu_vcpu: float | None = None
    memory_bytes: int | None = None
    cpu_shares: int | None = None


class TaskIdentity(Struct, frozen=True, kw_only=True):
    """Who a task is: the ids and ARNs that ECS would give it."""

    task_id: str
    task_arn: str
    cluster: str
    cluster_arn: str
    family: str
    revision: int
    definition_arn: str
    region: str
    account: str
    launch_type: str = "EC2"


class TaskPlan(Struct, frozen=True, kw_only=True):
    """One run of a task, complete: what an engine is asked for and what the lifecycle follows.

    `containers` holds pause containers first, then those of the definition in its order, and has the
    same names as `spec.containers`. `cpu` and `memory` are the task's own, as DescribeTasks shows them.
    """

    identity: TaskIdentity
    network_mode: NetworkMode
    containers: tuple[ContainerPlan, ...]
    volumes: tuple[VolumePlan, ...] = ()
    limits: TaskLimits | None = None
    cpu: str | None = None
    memory: str | None = None
    dns_aliases: tuple[str, ...] = ()
    pull_behavior: PullBehavior = PullBehavior.PREFER_CACHED
    notices: tuple[Notice, ...] = ()
    spec: TaskSpec

    def container(self, name: str) -> ContainerPlan:
        """Return the container of that name; KeyError if the task has none."""
        for plan in self.containers:
            if plan.name == name:
                return plan
        raise KeyError(name)

    def volume(self, name: str) -> VolumePlan:
        """Return the volume of that name; KeyError if the task has none."""
        for plan in self.volumes:
            if plan.name == name:
                return plan
        raise KeyError(name)

    def lifecycle_of(self, name: str) -> ContainerSpec:
        """Return what the lifecycle knows of a container."""
        return self.spec.container(name)
