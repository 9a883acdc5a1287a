"""The closed sets of words in a task definition, spelled as the ECS API spells them.

Each class has the name and the values that AWS's service model gives it. The members are strings, so
`network_mode == "awsvpc"` holds; what the words mean is for those who use them.
"""

from __future__ import annotations

from enum import StrEnum


class NetworkMode(StrEnum):
    """How the containers of a task are connected; absent means bridge on Linux."""

    BRIDGE = "bridge"
    HOST = "host"
    AWSVPC = "awsvpc"
    NONE = "none"


class Compatibility(StrEnum):
    """A launch type that a definition is checked against."""

    EC2 = "EC2"
    FARGATE = "FARGATE"
    EXTERNAL = "EXTERNAL"
    MANAGED_INSTANCES = "MANAGED_INSTANCES"


class PidMode(StrEnum):
    """Whose process namespace the containers share; absent means that each has its own."""

    HOST = "host"
    TASK = "task"


class IpcMode(StrEnum):
    """Whose IPC namespace the containers share."""

    HOST = "host"
    TASK = "task"
    NONE = "none"


class TaskDefinitionStatus(StrEnum):
    """Status of a registered revision."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"


class CPUArchitecture(StrEnum):
    """Instruction set of the task's images."""

    X86_64 = "X86_64"
    ARM64 = "ARM64"


class OSFamily(StrEnum):
    """Operating system of the task's images."""

    WINDOWS_SERVER_2019_FULL = "WINDOWS_SERVER_2019_FULL"
    WINDOWS_SERVER_2019_CORE = "WINDOWS_SERVER_2019_CORE"
    WINDOWS_SERVER_2016_FULL = "WINDOWS_SERVER_2016_FULL"
    WINDOWS_SERVER_2004_CORE = "WINDOWS_SERVER_2004_CORE"
    WINDOWS_SERVER_2022_CORE = "WINDOWS_SERVER_2022_CORE"
    WINDOWS_SERVER_2022_FULL = "WINDOWS_SERVER_2022_FULL"
    WINDOWS_SERVER_2025_CORE = "WINDOWS_SERVER_2025_CORE"
    WINDOWS_SERVER_2025_FULL = "WINDOWS_SERVER_2025_FULL"
    WINDOWS_SERVER_20H2_CORE = "WINDOWS_SERVER_20H2_CORE"
    LINUX = "LINUX"


class IsolationMode(StrEnum):
    """How strictly a task is kept apart from others on its host."""

    SHARED = "SHARED"
    ISOLATED_SANDBOX = "ISOLATED_SANDBOX"
    CONFIDENTIAL_SANDBOX = "CONFIDENTIAL_SANDBOX"


class TaskDefinitionPlacementConstraintType(StrEnum):
    """Kind of a placement constraint."""

    MEMBER_OF = "memberOf"


class TargetType(StrEnum):
    """What an attribute is attached to."""

    CONTAINER_INSTANCE = "container-instance"


class ProxyConfigurationType(StrEnum):
    """Kind of proxy that traffic is sent through."""

    APPMESH = "APPMESH"


class ContainerCondition(StrEnum):
    """What a dependant waits for.

    `COMPLETE` is met by any exit code; only `SUCCESS` asks for 0.
    """

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


class VersionConsistency(StrEnum):
    """Whether ECS pins the image to the digest that the first task saw; absent means enabled."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class TransportProtocol(StrEnum):
    """Protocol of a port mapping; absent means tcp."""

    TCP = "tcp"
    UDP = "udp"


class ApplicationProtocol(StrEnum):
    """Protocol that Service Connect's proxy speaks on a port; absent means plain TCP."""

    HTTP = "http"
    HTTP2 = "http2"
    GRPC = "grpc"


class EnvironmentFileType(StrEnum):
    """Where an environment file is kept."""

    S3 = "s3"


class DeviceCgroupPermission(StrEnum):
    """What a container may do with a device; absent means all three."""

    READ = "read"
    WRITE = "write"
    MKNOD = "mknod"


class UlimitName(StrEnum):
    """A resource that the kernel limits for each process."""

    CORE = "core"
    CPU = "cpu"
    DATA = "data"
    FSIZE = "fsize"
    LOCKS = "locks"
    MEMLOCK = "memlock"
    MSGQUEUE = "msgqueue"
    NICE = "nice"
    NOFILE = "nofile"
    NPROC = "nproc"
    RSS = "rss"
    RTPRIO = "rtprio"
    RTTIME = "rttime"
    SIGPENDING = "sigpending"
    STACK = "stack"


class LogDriver(StrEnum):
    """Where a container's output goes."""

    JSON_FILE = "json-file"
    SYSLOG = "syslog"
    JOURNALD = "journald"
    GELF = "gelf"
    FLUENTD = "fluentd"
    AWSLOGS = "awslogs"
    SPLUNK = "splunk"
    AWSFIRELENS = "awsfirelens"


class FirelensConfigurationType(StrEnum):
    """Which log router a container runs."""

    FLUENTD = "fluentd"
    FLUENTBIT = "fluentbit"


class ResourceType(StrEnum):
    """An accelerator that a container asks for."""

    GPU = "GPU"
    INFERENCE_ACCELERATOR = "InferenceAccelerator"
    NEURON_DEVICE = "NeuronDevice"


class Scope(StrEnum):
    """Lifetime of a Docker volume: that of the task, or beyond it."""

    TASK = "task"
    SHARED = "shared"


class EFSTransitEncryption(StrEnum):
    """Whether NFS traffic to EFS is encrypted; absent means disabled."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class EFSAuthorizationConfigIAM(StrEnum):
    """Whether the task role authorises an EFS mount; absent means disabled."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
