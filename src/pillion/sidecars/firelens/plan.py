"""Everything that FireLens adds to a task: files, mounts, variables, Docker's log options.

One log router per task: the first container with a `firelensConfiguration`. Nothing is written here; `files`
and `folders` of the plan say what has to be on the host before the router is created.

Surprising: `${NAME_0}` in the configuration is a *log option's* name and the index of its container, so two
containers may use the same option; and the router's own `/var/run` is hidden behind the socket's folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from pillion.core.plan.model import Bind, LogPlan, NetworkMode, TaskIdentity
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, TaskDefinition
from pillion.sidecars.firelens import fluentbit, fluentd
from pillion.sidecars.firelens.configuration import (
    FORWARD_PORT,
    Configuration,
    Grep,
    GrepAction,
    Interface,
    RouterType,
)
from pillion.sidecars.firelens.errors import FirelensError
from pillion.sidecars.firelens.options import (
    RoutedOptions,
    RouterOptions,
    read_routed_options,
    read_router_options,
    secret_placeholder,
)

SOCKET_PATH_BYTES_MAX: Final = 107
"""Linux's limit on the path of a unix socket, less its closing zero byte."""

MEMORY_BUFFER_DEFAULT_MB: Final = 25

SYNCHRONOUS_OPTIONS: Final = {"fluentd-max-retries": "10", "fluentd-retry-wait": "5ms"}
"""With a dead router Docker's driver, when synchronous, retries for hours: the application blocks, and so do
`docker stop` and `docker rm` on it. With these a line costs 0.6 s at most and is then lost; that is long
enough for a router that is restarted at once, or for whoever takes its place."""

_INTERFACES: Final = {NetworkMode.AWSVPC: Interface.LOOPBACK, NetworkMode.BRIDGE: Interface.ANY}
_FOLDERS: Final = {RouterType.FLUENTBIT: "/fluent-bit/etc", RouterType.FLUENTD: "/fluentd/etc"}
_RENDERERS: Final = {RouterType.FLUENTBIT: fluentbit.render, RouterType.FLUENTD: fluentd.render}
_MAIN_FILES: Final = {RouterType.FLUENTBIT: "fluent-bit.conf", RouterType.FLUENTD: "fluent.conf"}


class FirelensSettings(Struct, frozen=True, kw_only=True):
    """What is not in the definition.

    Attributes:
        folder: absolute path on the engine's host for this task's FireLens files.
        asynchronous: Docker's driver queues and never blocks the app (ECS's default); else lossless.
        async_option: Docker's name for that; `fluentd-async-connect` before Docker 20.10.
        instance_id: EC2 instance that metadata names, if there is one.
    """

    folder: str
    asynchronous: bool = True
    async_option: str = "fluentd-async"
    instance_id: str | None = None


class RouterSecret(Struct, frozen=True, kw_only=True):
    """A secret option of `container`, which the router reads from its variable `variable`."""

    variable: str
    container: str
    option: str


class Owner(Struct, frozen=True, kw_only=True):
    """Numeric owner of the socket's folder; None as group is the group of whoever makes the folder."""

    uid: int
    gid: int | None = None


class RoutedContainer(Struct, frozen=True, kw_only=True):
    """What a container gets that logs through the router.

    `needs_router_address`: in bridge mode FLUENT_HOST is the router's address, which is known only once the
    router runs; it has to be added then.
    """

    log: LogPlan
    environment: Mapping[str, str]
    needs_router_address: bool = False


class FirelensPlan(Struct, frozen=True, kw_only=True):
    """All of FireLens in one task.

    Attributes:
        router: name of the router's container.
        configuration: the generated configuration as values.
        text: the same as the file's text.
        options: the router's own options.
        folder: on the engine's host, for everything below.
        socket_owner: who is given the socket's folder; None leaves it to whoever makes it.
        environment: variables of the router that win over the definition's.
        secrets: variables of the router whose values are secrets.
        routed: what each container gets that logs through the router, by name.
    """

    router: str
    configuration: Configuration
    text: str
    options: RouterOptions
    folder: str
    socket_owner: Owner | None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[RouterSecret, ...] = ()
    routed: Mapping[str, RoutedContainer] = field(default_factory=dict)

    @property
    def config_path(self) -> str:
        """Where on the host the text goes: mode 0644, in one step."""
        return f"{self.folder}/config/fluent.conf"

    @property
    def external_path(self) -> str:
        """Where on the host the user's configuration from S3 goes, if there is one."""
        return f"{self.folder}/config/external.conf"

    @property
    def socket_folder(self) -> str:
        """The folder on the host that becomes the router's /var/run."""
        return f"{self.folder}/socket"

    @property
    def socket_path(self) -> str:
        """The socket on the host, which Docker's log driver writes to."""
        return f"{self.socket_folder}/fluent.sock"

    @property
    def binds(self) -> tuple[Bind, ...]:
        """The router's mounts."""
        type_ = self.options.type
        external = Bind(host_path=self.external_path, container_path=_in_router(type_, "external.conf"))
        return (
            Bind(host_path=self.config_path, container_path=_in_router(type_, _MAIN_FILES[type_])),
            *((external,) if self.options.s3 is not None else ()),
            Bind(host_path=self.socket_folder, container_path="/var/run/"),
        )


def plan_firelens(
    definition: TaskDefinition, identity: TaskIdentity, mode: NetworkMode, settings: FirelensSettings
) -> FirelensPlan | None:
    """Return what FireLens adds to a task, or None for a task without a log router.

    Raises:
        FirelensError: ECS would not start the task; its text where it is known.
    """
    router = next((item for item in definition.container_definitions if item.firelens_configuration), None)
    if router is None or router.firelens_configuration is None:
        return None
    options = read_router_options(
        router.firelens_configuration.type, router.firelens_configuration.options or {}
    )
    secrets = _router_secrets(definition)
    routed = _routed_options(definition, options.type, secrets)
    configuration = Configuration(
        memory_buffer_mb=_memory_buffer_mb(router),
        interface=_INTERFACES.get(mode),
        greps=_greps(routed.values()),
        metadata=_metadata(identity, router, settings) if options.metadata else {},
        include=options.file or (_in_router(options.type, "external.conf") if options.s3 else None),
        outputs=tuple(item.output for item in routed.values() if item.output is not None),
    )
    plan = FirelensPlan(
        router=router.name or "",
        configuration=configuration,
        text=_RENDERERS[options.type](configuration),
        options=options,
        folder=settings.folder,
        socket_owner=parse_owner(router.user),
        environment={"FLUENT_UID": "0"} if options.type is RouterType.FLUENTD else {},
        secrets=secrets,
        routed={
            item.name or "": _routed_container(
                item.name or "", routed[item.name or ""], identity, mode, settings
            )
            for item in definition.container_definitions
            if _logs_through_firelens(item)
        },
    )
    if len(plan.socket_path.encode()) > SOCKET_PATH_BYTES_MAX:
        raise FirelensError(
            f"the path of FireLens's socket is too long for Linux ({SOCKET_PATH_BYTES_MAX} bytes): "
            f"{plan.socket_path}. Choose a state folder with a shorter path"
        )
    return plan


def parse_owner(user: str | None) -> Owner | None:
    """Return who is to own the socket's folder: the router's user, which has to be numeric.

    Raises:
        FirelensError: a user that is not a number; a group by name is passed over, as the agent does.
    """
    if not user:
        return None
    uid, _, gid = user.partition(":")
    if not uid.isdecimal():
        raise FirelensError(f"user {user} of the log router is not numeric: write it as uid or uid:gid")
    return Owner(uid=int(uid), gid=int(gid) if gid.isdecimal() else None)


def _memory_buffer_mb(router: ContainerDefinition) -> int:
    memory_mib = router.memory_reservation or router.memory
    return memory_mib // 2 if memory_mib else MEMORY_BUFFER_DEFAULT_MB


def _in_router(type_: RouterType, file: str) -> str:
    return f"{_FOLDERS[type_]}/{file}"


def _logs_through_firelens(container: ContainerDefinition) -> bool:
    log = container.log_configuration
    return log is not None and log.log_driver == LogDriver.AWSFIRELENS


def _router_secrets(definition: TaskDefinition) -> tuple[RouterSecret, ...]:
    return tuple(
        RouterSecret(variable=f"{secret.name}_{index}", container=item.name or "", option=secret.name)
        for index, item in enumerate(definition.container_definitions)
        if item.log_configuration is not None
        for secret in item.log_configuration.secret_options or ()
    )


def _routed_options(
    definition: TaskDefinition, type_: RouterType, secrets: Iterable[RouterSecret]
) -> dict[str, RoutedOptions]:
    """Sort out the log options of each container, in the order of the definition.

    Containers of another log driver are here too if they have secret options: see the module's docstring of
    `core.inputs.needs` for the agent's habit, which makes the check for an output key fail.
    """
    written: dict[str, dict[str, str]] = {}
    for item in definition.container_definitions:
        if item.log_configuration is not None and _logs_through_firelens(item):
            written[item.name or ""] = dict(item.log_configuration.options or {})
    for secret in secrets:
        placeholder = secret_placeholder(type_, secret.variable)
        written.setdefault(secret.container, {})[secret.option] = placeholder
    return {name: read_routed_options(name, type_, options) for name, options in written.items()}


def _greps(routed: Iterable[RoutedOptions]) -> tuple[Grep, ...]:
    """All containers' keeping filters come before all dropping ones."""
    greps = [grep for item in routed for grep in item.greps]
    return tuple(grep for action in GrepAction for grep in greps if grep.action is action)


def _metadata(
    identity: TaskIdentity, router: ContainerDefinition, settings: FirelensSettings
) -> dict[str, str]:
    fields = {
        "ecs_cluster": identity.cluster,
        "ecs_task_arn": identity.task_arn,
        "ecs_task_definition": f"{identity.family}:{identity.revision}",
    }
    on_ec2 = any(
        pair.name == "AWS_EXECUTION_ENV" and pair.value == "AWS_ECS_EC2" for pair in router.environment or ()
    )
    if on_ec2 and settings.instance_id:
        fields["ec2_instance_id"] = settings.instance_id
    return fields


def _routed_container(
    name: str, options: RoutedOptions, identity: TaskIdentity, mode: NetworkMode, settings: FirelensSettings
) -> RoutedContainer:
    log_options = {
        "fluentd-address": f"unix://{settings.folder}/socket/fluent.sock",
        "tag": f"{name}-firelens-{identity.task_id}",
        settings.async_option: "true" if settings.asynchronous else "false",
        "fluentd-sub-second-precision": "true",
        **({} if settings.asynchronous else SYNCHRONOUS_OPTIONS),
    }
    if options.buffer_limit is not None:
        log_options["fluentd-buffer-limit"] = options.buffer_limit
    port = {"FLUENT_PORT": str(FORWARD_PORT)}
    environments = {
        NetworkMode.AWSVPC: {"FLUENT_HOST": Interface.LOOPBACK.value, **port},
        NetworkMode.BRIDGE: port,
    }
    return RoutedContainer(
        log=LogPlan(driver="fluentd", options=log_options),
        environment=environments.get(mode, {}),
        needs_router_address=mode is NetworkMode.BRIDGE,
    )
