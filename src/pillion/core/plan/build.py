"""Definition and options in, plan out.

The order matters: the definition already has its defaults and the run-time overrides. Whatever of it
cannot be honoured becomes a notice; nothing is dropped in silence.
"""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from pillion.core.inputs.needs import REGISTRY_CREDENTIALS_RESOURCE, resources_of
from pillion.core.lifecycle.spec import (
    RESTART_ATTEMPT_PERIOD_DEFAULT_S,
    STOP_TIMEOUT_DEFAULT_S,
    ContainerSpec,
    ResourceNeed,
    RestartPolicy,
    TaskSpec,
)
from pillion.core.lifecycle.states import ContainerKind, ContainerStatus
from pillion.core.plan.dependencies import dependencies_of
from pillion.core.plan.limits import container_limits, container_security, shared_sysctls, task_limits
from pillion.core.plan.model import (
    CGROUP_RESOURCE,
    NETWORK_RESOURCE,
    ContainerPlan,
    HealthProbe,
    ImagePlan,
    LogPlan,
    NetworkMode,
    Notice,
    SecurityPlan,
    TaskIdentity,
    TaskPlan,
    volume_resource,
)
from pillion.core.plan.network import (
    CNI_PAUSE_NAME,
    NAMESPACE_PAUSE_NAME,
    awsvpc_notices,
    container_namespaces,
    dns_aliases,
    network_mode_of,
    pause_kinds,
    pause_namespaces,
    plan_ports,
)
from pillion.core.plan.options import RunOptions
from pillion.core.plan.storage import plan_mounts, plan_tmpfs, plan_volumes, plan_volumes_from
from pillion.core.plan.stubs import (
    HOLDER_IMAGE,
    HOLDER_PROGRAM,
    check_names,
    mute_notices,
    narrowed,
    stub_container,
    stub_notice,
)
from pillion.core.plan.unhonoured import unhonoured_notices
from pillion.core.taskdef.enums import LogDriver
from pillion.core.taskdef.model import ContainerDefinition, HealthCheck, TaskDefinition

_PAUSE_NAMES = {
    ContainerKind.CNI_PAUSE: CNI_PAUSE_NAME,
    ContainerKind.NAMESPACE_PAUSE: NAMESPACE_PAUSE_NAME,
}

PAUSE_STOP_TIMEOUT_S = 5.0
"""A pause container ends at once when it is told to; this only bounds an engine that is stuck."""


def make_plan(definition: TaskDefinition, identity: TaskIdentity, options: RunOptions) -> TaskPlan:
    """Return the plan of one run.

    Args:
        definition: with overrides applied; it need not have its defaults.
        identity: who the task is.
        options: what the user asked for beside the definition.

    Raises:
        OptionError: an option names a container that the definition does not have.
    """
    check_names(definition, options)
    maker = _Maker(definition, identity, options)
    return maker.plan()


class _Maker:
    def __init__(self, definition: TaskDefinition, identity: TaskIdentity, options: RunOptions) -> None:
        self._definition = definition
        self._identity = identity
        self._options = options
        self._mode = network_mode_of(definition)
        self._limits = task_limits(definition)
        self._containers = [
            item for item in definition.container_definitions or () if item.name not in options.mute
        ]
        self._narrowed = narrowed(definition, options)
        self._real = self._narrowed.container_definitions
        self._running = {item.name or "" for item in self._containers}

    def plan(self) -> TaskPlan:
        definition, identity = self._definition, self._identity
        volumes, volume_notices = plan_volumes(
            definition,
            chosen=dict(self._options.volumes),
            engine_prefix=self._prefix(),
            unique=self._unique("volumes"),
        )
        pauses = [self._pause(kind) for kind in pause_kinds(definition)]
        plans = [self._container(item) for item in self._containers]
        specs = [
            *(self._pause_spec(plan) for plan in pauses),
            *(self._spec(item, plan) for item, plan in zip(self._containers, plans, strict=True)),
        ]
        inputs = [name for item in self._real for name in _inputs_of(self._definition, item)]
        resources = [
            *self._shared_resources(),
            *(volume_resource(item.name) for item in volumes),
            *dict.fromkeys(inputs),
        ]
        return TaskPlan(
            identity=identity,
            network_mode=self._mode,
            containers=(*pauses, *plans),
            volumes=volumes,
            limits=self._limits,
            cpu=definition.cpu,
            memory=definition.memory,
            dns_aliases=dns_aliases(definition, None),
            pull_behavior=self._options.pull_behavior,
            notices=(*self._notices(), *volume_notices),
            spec=TaskSpec(
                task_arn=identity.task_arn,
                containers=tuple(specs),
                resources=tuple(resources),
                pull_behavior=self._options.pull_behavior,
                pull_upfront=self._options.pull_upfront,
            ),
        )

    def _notices(self) -> tuple[Notice, ...]:
        stubs = tuple(stub_notice(item) for item in self._containers if item.name in self._options.stub)
        images = {item.image for item in self._containers}
        unused = tuple(
            Notice(code="image-unknown", text=f"--{option} {reference} names no image of the definition")
            for option, given in (("image", self._options.images), ("build", self._options.builds))
            for reference in given
            if reference not in images
        )
        return (
            *mute_notices(self._definition, self._options),
            *stubs,
            *awsvpc_notices(self._definition),
            *unhonoured_notices(self._narrowed),
            *unused,
        )

    def _unique(self, what: str) -> str:
        """Return 20 hex digits for something of this task, the same each time it is asked for."""
        return hashlib.sha256(f"{self._identity.task_id} {what}".encode()).hexdigest()[:20]

    def _engine_name(self, name: str) -> str:
        return f"{self._prefix()}-{_plain(name, '-')}-{self._unique(name)}"

    def _prefix(self) -> str:
        """How names of the task's containers and volumes begin on the engine."""
        return f"ecs-{_plain(self._identity.family, '-_')}-{self._identity.revision}"

    def _arn(self, name: str) -> str:
        digits = hashlib.sha256(f"{self._identity.task_id} arn {name}".encode()).hexdigest()
        uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
        head = self._identity.task_arn.replace(":task/", ":container/", 1)
        return f"{head}/{uuid}"

    def _labels(self, name: str) -> dict[str, str]:
        identity = self._identity
        return {
            "com.amazonaws.ecs.task-arn": identity.task_arn,
            "com.amazonaws.ecs.container-name": name,
            "com.amazonaws.ecs.task-definition-family": identity.family,
            "com.amazonaws.ecs.task-definition-version": str(identity.revision),
            "com.amazonaws.ecs.cluster": identity.cluster,
        }

    def _pause(self, kind: ContainerKind) -> ContainerPlan:
        name = _PAUSE_NAMES[kind]
        ports = [plan_ports(self._definition, item, self._options) for item in self._containers]
        network = kind is ContainerKind.CNI_PAUSE
        return ContainerPlan(
            name=name,
            engine_name=self._engine_name(name.replace("~", "-").strip("-")),
            arn=self._arn(name),
            kind=kind,
            image=ImagePlan(reference=HOLDER_IMAGE, local=True),
            entry_point=(HOLDER_PROGRAM,),
            command=("pause",),
            labels=self._labels(name),
            stop_timeout_s=PAUSE_STOP_TIMEOUT_S,
            security=SecurityPlan(sysctls=shared_sysctls(self._definition)) if network else SecurityPlan(),
            namespaces=pause_namespaces(self._definition, kind),
            ports=tuple(port for single, _ in ports for port in single) if network else (),
            port_ranges=tuple(span for _, spans in ports for span in spans) if network else (),
        )

    def _container(self, item: ContainerDefinition) -> ContainerPlan:
        name = item.name or ""
        shared_network = self._mode is NetworkMode.AWSVPC
        ports, ranges = ((), ()) if shared_network else plan_ports(self._definition, item, self._options)
        plan = ContainerPlan(
            name=name,
            engine_name=self._engine_name(name),
            arn=self._arn(name),
            image=self._image(item),
            command=item.command or None,
            entry_point=item.entry_point or None,
            working_directory=item.working_directory or None,
            environment={entry.name: entry.value or "" for entry in item.environment or () if entry.name},
            labels={**(item.docker_labels or {}), **self._labels(name)},
            stop_timeout_s=float(item.stop_timeout or STOP_TIMEOUT_DEFAULT_S),
            health=_health(item.health_check),
            limits=container_limits(item),
            security=container_security(self._definition, item),
            namespaces=container_namespaces(self._definition, item),
            ports=ports,
            port_ranges=ranges,
            mounts=plan_mounts(item),
            volumes_from=plan_volumes_from(item, self._running),
            tmpfs=plan_tmpfs(item),
            log=_engine_log(item),
            tty=bool(item.pseudo_terminal),
            stdin_open=bool(item.interactive),
            memory_mib=item.memory,
            memory_reservation_mib=item.memory_reservation,
            cpu_units=item.cpu or 0,
        )
        return stub_container(plan, item) if name in self._options.stub else plan

    def _image(self, item: ContainerDefinition) -> ImagePlan:
        reference = item.image or ""
        actual, folder = self._options.images.get(reference), self._options.builds.get(reference)
        credentials = item.repository_credentials if actual is None and folder is None else None
        return ImagePlan(
            reference=reference,
            actual=actual,
            build_folder=folder,
            platform=_platform(self._definition),
            repository_credentials=credentials.credentials_parameter if credentials else None,
        )

    def _shared_resources(self) -> list[str]:
        resources = [NETWORK_RESOURCE] if self._mode in (NetworkMode.AWSVPC, NetworkMode.BRIDGE) else []
        return [*resources, *([CGROUP_RESOURCE] if self._limits else [])]

    def _needs(self, volumes: tuple[str, ...], *, network: bool) -> tuple[ResourceNeed, ...]:
        names = [*(volume_resource(name) for name in volumes), *([CGROUP_RESOURCE] if self._limits else [])]
        needs = [ResourceNeed(resource=name, before=ContainerStatus.PULLED) for name in dict.fromkeys(names)]
        if network:
            needs.append(ResourceNeed(resource=NETWORK_RESOURCE, before=ContainerStatus.CREATED))
        return tuple(needs)

    def _pause_spec(self, plan: ContainerPlan) -> ContainerSpec:
        return ContainerSpec(
            name=plan.name,
            image=plan.image.reference,
            kind=plan.kind,
            stop_timeout_s=plan.stop_timeout_s,
            needs=self._needs((), network=plan.kind is ContainerKind.CNI_PAUSE),
        )

    def _spec(self, item: ContainerDefinition, plan: ContainerPlan) -> ContainerSpec:
        known = {volume.name for volume in self._definition.volumes or ()}
        mounted = tuple(mount.volume for mount in plan.mounts if mount.volume in known)
        return ContainerSpec(
            name=plan.name,
            image=item.image or "",
            essential=item.essential is not False,
            depends_on=dependencies_of(self._definition, item, self._running),
            has_health_check=plan.health is not None,
            health_retries=plan.health.retries if plan.health else 0,
            start_timeout_s=float(item.start_timeout) if item.start_timeout else None,
            stop_timeout_s=plan.stop_timeout_s,
            restart=_restart(item),
            needs=(
                *self._needs(mounted, network=self._mode is NetworkMode.BRIDGE),
                *self._input_needs(plan.name),
            ),
        )

    def _input_needs(self, name: str) -> tuple[ResourceNeed, ...]:
        """What comes from AWS: registry credentials before the image is looked up, the rest before create."""
        item = next(item for item in self._real if item.name == name)
        return tuple(
            ResourceNeed(
                resource=resource,
                before=ContainerStatus.MANIFEST_PULLED
                if resource == REGISTRY_CREDENTIALS_RESOURCE
                else ContainerStatus.CREATED,
            )
            for resource in _inputs_of(self._definition, item)
        )


def _plain(name: str, others: str) -> str:
    """Leave out of a name what an engine takes in none of its own: all but letters, digits, and `others`."""
    return "".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter in others))


def _inputs_of(definition: TaskDefinition, item: ContainerDefinition) -> tuple[str, ...]:
    registry = (REGISTRY_CREDENTIALS_RESOURCE,) if item.repository_credentials else ()
    return (*registry, *resources_of(definition, item))


_LOGGED_HERE = (None, LogDriver.AWSLOGS, LogDriver.AWSFIRELENS)
"""pillion delivers awslogs itself, and FireLens amends the plan; the engine's default driver keeps both."""


def _engine_log(item: ContainerDefinition) -> LogPlan:
    log = item.log_configuration
    if log is None or log.log_driver in _LOGGED_HERE:
        return LogPlan()
    return LogPlan(driver=log.log_driver, options=dict(log.options or {}))


def _restart(item: ContainerDefinition) -> RestartPolicy | None:
    policy = item.restart_policy
    if policy is None or not policy.enabled:
        return None
    return RestartPolicy(
        ignored_exit_codes=frozenset(policy.ignored_exit_codes or ()),
        attempt_period_s=float(policy.restart_attempt_period or RESTART_ATTEMPT_PERIOD_DEFAULT_S),
    )


def _health(check: HealthCheck | None) -> HealthProbe | None:
    """Return the health check as the engine runs it; a command without CMD or CMD-SHELL is a shell's."""
    if check is None or not check.command or check.command[0] == "NONE":
        return None
    command = check.command
    if command[0] not in ("CMD", "CMD-SHELL"):
        command = ("CMD-SHELL", " ".join(command))
    default = HealthProbe(command=command)
    return replace(
        default,
        interval_s=float(check.interval or default.interval_s),
        timeout_s=float(check.timeout or default.timeout_s),
        retries=check.retries or default.retries,
        start_period_s=float(check.start_period or 0),
    )


_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}


def _platform(definition: TaskDefinition) -> str | None:
    runtime = definition.runtime_platform
    if runtime is None or runtime.cpu_architecture not in _ARCHITECTURES:
        return None
    return f"linux/{_ARCHITECTURES[runtime.cpu_architecture]}"
