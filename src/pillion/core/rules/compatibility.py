"""Rules about what a launch type forbids: Fargate above all, then EC2, external and managed instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pillion.core.findings import Path
from pillion.core.rules.examples import app, fargate, task
from pillion.core.rules.rule import (
    Hit,
    aws_says,
    container_rule,
    guide,
    removing,
    set_to,
    task_rule,
    we_say,
)
from pillion.core.task_view import (
    EC2,
    EXTERNAL,
    FARGATE,
    MANAGED_INSTANCES,
    ContainerView,
    Json,
    TaskView,
    absent,
    is_known,
    mapping,
    members,
    number,
    strings,
    text,
)

_FARGATE = guide("fargate-tasks-services.html")
_MANAGED = guide("managed-instances-tasks-services.html")
_EXTERNAL = guide("ecs-anywhere.html")
_PARAMETERS = guide("task_definition_parameters.html")

FARGATE_TIMEOUT_MAX_S: Final = 120
FARGATE_CAPABILITIES: Final = ("SYS_PTRACE",)

_NOT_ON_MANAGED_TASK = ("ephemeralStorage", "inferenceAccelerators", "ipcMode", "proxyConfiguration")
_NOT_ON_MANAGED_CONTAINER = (
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerLabels",
    "dockerSecurityOptions",
    "extraHosts",
    "hostname",
    "links",
)
_NOT_ON_MANAGED_LINUX = ("maxSwap", "sharedMemorySize", "swappiness", "tmpfs")


def _managed(**members: object) -> dict[str, object]:
    return task(requiresCompatibilities=[MANAGED_INSTANCES], networkMode="awsvpc", **members)


@task_rule(
    code="E221",
    title="Fargate: the network mode is not awsvpc",
    why="On Fargate every task has its own network interface, which is what awsvpc means.",
    fix='Set `"networkMode": "awsvpc"`.',
    source=_FARGATE,
    bad=fargate(networkMode=None),
    good=fargate(),
    launch_type=FARGATE,
)
def fargate_network_mode(task: TaskView) -> Iterator[Hit]:
    """`awsvpc` is given; leaving it out fails too."""
    mode = text(task.raw, "networkMode")
    if (mode is not None and mode != "awsvpc") or absent(task.raw, "networkMode"):
        detail = f"networkMode is {mode!r}." if mode else "networkMode is absent, which means bridge."
        # The curly quotes are AWS's own.
        message = "Fargate only supports network mode ‘awsvpc’."
        yield aws_says(("networkMode",), message, detail, edit=set_to(("networkMode",), "awsvpc"))


@task_rule(
    code="E222",
    title="Ephemeral storage without Fargate",
    why="On instances a task uses the instance's disk; only Fargate gives it one of its own.",
    fix="Take ephemeralStorage away, or require FARGATE.",
    source=guide("fargate-task-storage.html"),
    bad=task(requiresCompatibilities=["EC2"], ephemeralStorage={"sizeInGiB": 30}),
    good=fargate(ephemeralStorage={"sizeInGiB": 30}),
    on="ephemeralStorage",
)
def ephemeral_storage_on_ec2(task: TaskView) -> Iterator[Hit]:
    """`ephemeralStorage` is Fargate's; without any launch type, awsvpc may still mean Fargate."""
    if task.is_fargate or MANAGED_INSTANCES in task.launch_types or not task.launch_types_known:
        return
    if task.launch_types or task.network_mode in ("bridge", "host", "none"):
        path = ("ephemeralStorage",)
        message = "Tasks using the EC2 launch type do not support EphemeralStorage."
        yield aws_says(path, message, edit=removing(path))


@task_rule(
    code="E223",
    title="Fargate: pidMode host",
    why="There is no host of yours whose processes could be shared.",
    fix='Use `"pidMode": "task"`, or leave it out.',
    source=_FARGATE,
    bad=fargate(pidMode="host"),
    good=fargate(pidMode="task"),
    on="pidMode",
    launch_type=FARGATE,
)
def fargate_pid_mode(task: TaskView) -> Iterator[Hit]:
    """`pidMode` is task or absent."""
    if text(task.raw, "pidMode") == "host":
        message = (
            "Tasks using the Fargate launch type do not support pidMode 'host'. "
            "The supported value for pidMode is 'task'."
        )
        yield aws_says(("pidMode",), message)


@task_rule(
    code="E224",
    title="Fargate: ipcMode",
    why="Fargate does not share inter-process communication.",
    fix="Take ipcMode away.",
    source=_FARGATE,
    bad=fargate(ipcMode="task"),
    good=fargate(),
    on="ipcMode",
    launch_type=FARGATE,
)
def fargate_ipc_mode(task: TaskView) -> Iterator[Hit]:
    """`ipcMode` is absent."""
    if text(task.raw, "ipcMode"):
        yield aws_says(("ipcMode",), "Fargate compatible task definitions do not support ipcMode")


@task_rule(
    code="E225",
    title="Fargate: placement constraints",
    why="There are no instances to choose from.",
    fix="Take placementConstraints away.",
    source=_FARGATE,
    bad=fargate(placementConstraints=[{"type": "memberOf", "expression": "attribute:disk == ssd"}]),
    good=fargate(),
    on="placementConstraints",
    launch_type=FARGATE,
)
def fargate_placement(task: TaskView) -> Iterator[Hit]:
    """There are no placement constraints."""
    if task.raw["placementConstraints"] and is_known(task.raw, "placementConstraints"):
        path = ("placementConstraints",)
        message = "Fargate compatible task definitions do not support constraints"
        yield aws_says(path, message, edit=removing(path))


@container_rule(
    code="E226",
    title="Fargate: a privileged container",
    why="A privileged container could leave its sandbox, so Fargate has none.",
    fix="Take privileged away; SYS_PTRACE is the only capability that Fargate adds.",
    source=_FARGATE,
    bad=fargate(app(privileged=True)),
    good=fargate(app(privileged=False)),
    on="privileged",
    launch_type=FARGATE,
)
def fargate_privileged(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`privileged` is false or absent."""
    if container.raw["privileged"] is True:
        # The curly quotes are AWS's own.
        message = "Fargate requires that ‘privileged’ setting be ‘false’ at the container level."
        yield aws_says(container.at("privileged"), message)


@container_rule(
    code="E227",
    title="Fargate: devices, shared memory or swap",
    why="Fargate gives a container no host devices, no larger /dev/shm and no swap.",
    fix="Take the member away.",
    source=_FARGATE,
    bad=fargate(app(linuxParameters={"sharedMemorySize": 256})),
    good=fargate(app(linuxParameters={"initProcessEnabled": True})),
    on="linuxParameters",
    launch_type=FARGATE,
)
def fargate_linux_parameters(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """None of the members that Fargate forbids is given."""
    linux = mapping(container.raw, "linuxParameters")
    for key in ("devices", "sharedMemorySize", "maxSwap", "swappiness"):
        if _is_given(linux, key):
            path = container.at("linuxParameters", key)
            message = f"Fargate compatible task definitions do not support {key}"
            if key == "swappiness":  # not observed on the wire, unlike the other three
                yield we_say(path, f"{message}.")
            else:
                yield aws_says(path, message)


@container_rule(
    code="E228",
    title="Fargate: dockerSecurityOptions",
    why="The options are for the host's SELinux and AppArmor, and on Fargate the host is AWS's.",
    fix="Take dockerSecurityOptions away.",
    source=_FARGATE,
    bad=fargate(app(dockerSecurityOptions=["no-new-privileges"])),
    good=fargate(),
    on="dockerSecurityOptions",
    launch_type=FARGATE,
)
def fargate_security_options(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """There are no security options."""
    if _is_given(container.raw, "dockerSecurityOptions"):
        message = "Fargate compatible task definitions do not support dockerSecurityOptions"
        yield aws_says(container.at("dockerSecurityOptions"), message)


@container_rule(
    code="E229",
    title="Fargate: a capability that cannot be added",
    why="SYS_PTRACE is the only capability that Fargate adds; any may be dropped.",
    fix="Take the capability away, or use EC2.",
    source=_FARGATE,
    bad=fargate(app(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}})),
    good=fargate(app(linuxParameters={"capabilities": {"add": ["SYS_PTRACE"]}})),
    on="linuxParameters",
    launch_type=FARGATE,
)
def fargate_capabilities(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Added capabilities are ones that Fargate has."""
    capabilities = mapping(mapping(container.raw, "linuxParameters"), "capabilities")
    for index, name in strings(capabilities, "add"):
        if name not in FARGATE_CAPABILITIES:
            path = container.at("linuxParameters", "capabilities", "add", index)
            yield aws_says(path, f"{name} is not allowed on Fargate.")


@container_rule(
    code="E230",
    title="Fargate: a GPU",
    why="Fargate has no instances with GPUs.",
    fix="Use EC2 or Managed Instances.",
    source=_FARGATE,
    bad=fargate(app(resourceRequirements=[{"type": "GPU", "value": "1"}])),
    good=fargate(),
    on="resourceRequirements",
    launch_type=FARGATE,
)
def fargate_gpu(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """There is no GPU requirement."""
    for index, requirement in members(container.raw, "resourceRequirements"):
        if text(requirement, "type") == "GPU":
            message = "Tasks using the Fargate launch type do not support GPU resource requirements."
            yield aws_says(container.at("resourceRequirements", index), message)


@container_rule(
    code="E231",
    title="Fargate: a stopTimeout above 120 seconds",
    why="Fargate waits two minutes at most before it kills a container.",
    fix="Use 120 or less.",
    source=_PARAMETERS,
    bad=fargate(app(stopTimeout=300)),
    good=fargate(app(stopTimeout=120)),
    on="stopTimeout",
    launch_type=FARGATE,
)
def fargate_stop_timeout(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`stopTimeout` is at most 120 s; 120 itself is taken, whatever AWS's text says."""
    seconds = number(container.raw, "stopTimeout")
    if seconds is not None and seconds > FARGATE_TIMEOUT_MAX_S:
        path = container.at("stopTimeout")
        message = (
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds."
        )
        detail = f"stopTimeout is {seconds}; {FARGATE_TIMEOUT_MAX_S} itself is accepted."
        yield aws_says(path, message, detail, edit=set_to(path, FARGATE_TIMEOUT_MAX_S))


@container_rule(
    code="E232",
    title="Fargate: a startTimeout above 120 seconds",
    why="Fargate takes 2 to 120 seconds.",
    fix="Use 120 or less.",
    source=_PARAMETERS,
    bad=fargate(app(startTimeout=121)),
    good=fargate(app(startTimeout=120)),
    on="startTimeout",
    launch_type=FARGATE,
)
def fargate_start_timeout(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`startTimeout` is at most 120 s."""
    seconds = number(container.raw, "startTimeout")
    if seconds is not None and seconds > FARGATE_TIMEOUT_MAX_S:
        path = container.at("startTimeout")
        message = f"startTimeout is {seconds} s; on Fargate it can be {FARGATE_TIMEOUT_MAX_S} s at most."
        yield we_say(path, message, edit=set_to(path, FARGATE_TIMEOUT_MAX_S))


@task_rule(
    code="E233",
    title="External instances: awsvpc",
    why="An external instance is outside AWS's network, so its tasks cannot have an interface in a VPC.",
    fix="Use bridge, host or none.",
    source=_EXTERNAL,
    bad=task(requiresCompatibilities=["EXTERNAL"], networkMode="awsvpc"),
    good=task(requiresCompatibilities=["EXTERNAL"], networkMode="bridge"),
    on="networkMode",
    launch_type=EXTERNAL,
)
def external_network_mode(task: TaskView) -> Iterator[Hit]:
    """`awsvpc` is not used on external instances."""
    if text(task.raw, "networkMode") == "awsvpc":
        yield we_say(("networkMode",), "Tasks on external instances cannot use networkMode awsvpc.")


@task_rule(
    code="E234",
    title="External instances: an EFS volume",
    why="External instances do not mount EFS.",
    fix="Use a host volume or a Docker volume.",
    source=_EXTERNAL,
    bad=task(
        requiresCompatibilities=["EXTERNAL"],
        volumes=[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0"}}],
    ),
    good=task(requiresCompatibilities=["EXTERNAL"], volumes=[{"name": "data"}]),
    on="volumes",
    launch_type=EXTERNAL,
)
def external_efs(task: TaskView) -> Iterator[Hit]:
    """No EFS volumes on external instances."""
    for index, volume in members(task.raw, "volumes"):
        if _is_given(volume, "efsVolumeConfiguration"):
            path = ("volumes", index, "efsVolumeConfiguration")
            yield we_say(path, "Tasks on external instances cannot mount EFS volumes.")


@task_rule(
    code="E235",
    title="Managed Instances: a network mode other than awsvpc and host",
    why="Managed Instances take awsvpc and host, and the mode has to be given.",
    fix='Set `"networkMode": "awsvpc"` or `"host"`.',
    source=guide("managed-instance-networking.html"),
    bad=task(requiresCompatibilities=["MANAGED_INSTANCES"], networkMode="bridge"),
    good=_managed(),
    launch_type=MANAGED_INSTANCES,
)
def managed_network_mode(task: TaskView) -> Iterator[Hit]:
    """`awsvpc` or host is given."""
    mode = text(task.raw, "networkMode")
    if absent(task.raw, "networkMode"):
        yield we_say(("networkMode",), "Managed Instances need a networkMode: awsvpc or host.")
    elif mode is not None and mode not in ("awsvpc", "host"):
        yield we_say(("networkMode",), f"Managed Instances take awsvpc or host, and networkMode is {mode}.")


@task_rule(
    code="E236",
    title="Managed Instances: a member that they do not take",
    why="AWS lists the member as not valid for tasks on Managed Instances.",
    fix="Take the member away, or use EC2.",
    source=_MANAGED,
    bad=_managed(ipcMode="task"),
    good=_managed(),
    launch_type=MANAGED_INSTANCES,
)
def managed_members(task: TaskView) -> Iterator[Hit]:
    """None of the members that AWS rules out is given."""
    for path in _ruled_out_on_managed(task):
        yield we_say(path, f"Managed Instances do not take {path[-1]}.")


def _ruled_out_on_managed(task: TaskView) -> Iterator[Path]:
    for key in _NOT_ON_MANAGED_TASK:
        if _is_given(task.raw, key):
            yield (key,)
    for container in task.containers:
        for key in _NOT_ON_MANAGED_CONTAINER:
            if _is_given(container.raw, key):
                yield container.at(key)
        linux = mapping(container.raw, "linuxParameters")
        for key in _NOT_ON_MANAGED_LINUX:
            if _is_given(linux, key):
                yield container.at("linuxParameters", key)
    for index, volume in members(task.raw, "volumes"):
        for key in ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"):
            if _is_given(volume, key):
                yield ("volumes", index, key)
        if text(mapping(volume, "host"), "sourcePath"):
            yield ("volumes", index, "host", "sourcePath")


def _is_given(value: Json, key: str) -> bool:
    """Is the member there, known and not empty? An empty list or false asks for nothing."""
    found = value.get(key)
    return found is not None and is_known(value, key) and found not in ([], {}, False, "")


@task_rule(
    code="E237",
    title="systemControls that the network or IPC mode rules out",
    why=(
        "net.* belongs to the network namespace and the IPC keys to the IPC namespace; where those are the "
        "host's, a task may not change them."
    ),
    fix="Take the entry away, or do not share the host's namespace.",
    source=_PARAMETERS,
    bad=task(app(systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}]), networkMode="host"),
    good=task(app(systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}])),
    on="systemControls",
)
def system_controls(task: TaskView) -> Iterator[Hit]:
    """Keys are not set in namespaces that are the host's."""
    ipc_is_host = text(task.raw, "ipcMode") == "host"
    if task.network_mode != "host" and not ipc_is_host:
        return
    for container in task.containers:
        for index, control in members(container.raw, "systemControls"):
            key = text(control, "namespace") or ""
            path = container.at("systemControls", index, "namespace")
            if key.startswith("net.") and task.network_mode == "host":
                yield we_say(path, f"{key} cannot be set where networkMode is host.")
            elif ipc_is_host and key.startswith(("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")):
                yield we_say(path, f"{key} cannot be set where ipcMode is host.")


@container_rule(
    code="E238",
    title="swappiness outside 0 to 100",
    why="0 is never to swap unless it must, 100 to swap eagerly.",
    fix="Use 0 to 100.",
    source=_PARAMETERS,
    bad=task(app(linuxParameters={"maxSwap": 512, "swappiness": 101}), requiresCompatibilities=[EC2]),
    good=task(app(linuxParameters={"maxSwap": 512, "swappiness": 100}), requiresCompatibilities=[EC2]),
    on="linuxParameters",
)
def swappiness(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`swappiness` is in range, and maxSwap is not negative."""
    linux = mapping(container.raw, "linuxParameters")
    value, swap = number(linux, "swappiness"), number(linux, "maxSwap")
    if value is not None and not 0 <= value <= 100:
        yield we_say(container.at("linuxParameters", "swappiness"), f"swappiness is {value}, not 0 to 100.")
    if swap is not None and swap < 0:
        yield we_say(container.at("linuxParameters", "maxSwap"), f"maxSwap is {swap}; the least is 0.")
