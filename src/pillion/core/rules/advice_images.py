"""Advice about images, commands and what they expect to find on the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pillion.core.roles import Role, known_kind, role_of
from pillion.core.rules.examples import app, fargate, sidecar, task
from pillion.core.rules.firelens import routers
from pillion.core.rules.network import used_ports
from pillion.core.rules.rule import Hit, container_rule, guide, task_rule, we_say
from pillion.core.task_view import ContainerView, TaskView, absent, mapping, members, strings, text

_CONTAINERS = guide("task_definition_parameters.html#container_definitions")
_NETWORK = guide("task-networking.html")
_ROLES = guide("security-iam-roles.html")

_XRAY: Final = "public.ecr.aws/xray/aws-xray-daemon:3.3.15"


@container_rule(
    code="W001",
    title="An image without a fixed version",
    why=(
        "`latest` is another image tomorrow: two tasks of one revision can differ, and going back to an "
        "earlier revision does not bring back the earlier image."
    ),
    fix="Name a version or a digest.",
    source=guide("container-considerations.html"),
    bad=task(app(image="example/app:latest")),
    good=task(app(image="example/app:1.4.2")),
    on="image",
)
def moving_tag(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The image has a tag other than latest, or a digest."""
    image = container.image
    if not image or "@" in image or "$" in image:
        return
    _, _, tag = image.rpartition("/")[2].partition(":")
    if tag in ("", "latest"):
        reason = "has the tag latest" if tag else "has no tag, which means latest"
        yield we_say(container.at("image"), f"The image {image} {reason}.")


@task_rule(
    code="W002",
    title="The image's name says another architecture",
    why="The program cannot be started there: `exec format error`.",
    fix="Use an image for several architectures, or set runtimePlatform.cpuArchitecture.",
    source=guide("ecs-arm64.html"),
    bad=fargate(app(image="arm64v8/nginx:1.27")),
    good=fargate(app(image="arm64v8/nginx:1.27"), runtimePlatform={"cpuArchitecture": "ARM64"}),
)
def architecture(task: TaskView) -> Iterator[Hit]:
    """Names that tell their architecture agree with `runtimePlatform`; Fargate's default is X86_64."""
    platform = task.raw.get("runtimePlatform")
    if platform is not None and not isinstance(platform, dict):
        return
    architecture = text(mapping(task.raw, "runtimePlatform"), "cpuArchitecture")
    if architecture is None:
        if not task.is_fargate or (platform and not absent(platform, "cpuArchitecture")):
            return
        architecture = "X86_64"
    for container in task.containers:
        says = _architecture_of(container.searched_image) or architecture
        if says != architecture:
            message = f"The image {container.image} is for {says}, and the task for {architecture}."
            yield we_say(container.at("image"), message)


@lru_cache(maxsize=1024)
def _architecture_of(searched_image: str) -> str | None:
    """The architecture that an image's name tells, if it tells one."""
    return "ARM64" if _ARM.search(searched_image) else "X86_64" if _X86.search(searched_image) else None


_ARM = re.compile(r"(^|/)(arm64v8|aarch64)/|[:_-](linux-)?(arm64|aarch64)(v8)?([._-]|$)")
_X86 = re.compile(r"(^|/)amd64/|[:_-](linux-)?(amd64|x86[_-]64)([._-]|$)")


@container_rule(
    code="W003",
    title="A command that is one word with spaces in it",
    why="Each element is one argument; the engine looks for a program whose name holds the spaces.",
    fix='Make each word an element, or use ["sh", "-c", "the whole line"].',
    source=_CONTAINERS,
    bad=task(app(command=["python server.py --port 80"])),
    good=task(app(command=["python", "server.py", "--port", "80"])),
)
def command_in_one_word(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A command or entry point of one element has no spaces, unless an entry point comes before it."""
    for key in ("entryPoint", "command"):
        words = strings(container.raw, key)
        whole = container.raw.get(key)
        if len(words) != 1 or not isinstance(whole, list) or len(whole) != 1:
            continue
        if key == "command" and not absent(container.raw, "entryPoint"):
            continue
        word = words[0][1].strip()
        if " " in word and _PROGRAM.match(word):
            message = f"{key} is one word: {word[:60]!r} would be the program's name."
            yield we_say(container.at(key, 0), message)


_PROGRAM = re.compile(r"/?[\w./-]+ +\S")


@task_rule(
    code="W004",
    title="A sidecar that calls AWS, and no task role",
    why=(
        "At run time containers use the task role; the execution role only pulls images, fetches secrets and "
        "writes awslogs. Without a task role the sidecar's calls are denied."
    ),
    fix="Give the task a taskRoleArn that allows what the sidecar does.",
    source=_ROLES,
    bad=fargate(app(), sidecar("xray", image=_XRAY, essential=False)),
    good=fargate(
        app(),
        sidecar("xray", image=_XRAY, essential=False),
        taskRoleArn="arn:aws:iam::111122223333:role/web",
    ),
)
def no_task_role(task: TaskView) -> Iterator[Hit]:
    """With a known AWS agent, or a router that writes to AWS, on Fargate there is a task role."""
    if not absent(task.raw, "taskRoleArn") or not task.is_fargate:
        return
    for container in task.containers:
        if _AWS_AGENT.search(container.searched_image):
            yield we_say(container.path, f"{container.label} calls AWS, and the task has no taskRoleArn.")
    if routers(task):
        for container in task.containers:
            options = mapping(mapping(container.raw, "logConfiguration"), "options")
            output = text(options, "Name")
            if container.log_driver == "awsfirelens" and output in _AWS_OUTPUTS:
                path = container.at("logConfiguration", "options", "Name")
                message = f"The output {output} uses the task role, and the task has no taskRoleArn."
                yield we_say(path, message)


_AWS_AGENT = re.compile(r"xray-daemon|aws-otel-collector|adot-collector|cloudwatch-agent")
_AWS_OUTPUTS = frozenset(
    {"cloudwatch", "cloudwatch_logs", "firehose", "kinesis", "kinesis_firehose", "kinesis_streams", "s3"}
)


@task_rule(
    code="W303",
    title="A port that a sidecar listens on by itself",
    why="With awsvpc all containers share one network namespace: whoever comes second cannot listen.",
    fix="Choose another port for the application, or configure the sidecar.",
    source=_NETWORK,
    bad=fargate(
        app(portMappings=[{"containerPort": 4317}]),
        sidecar("otel", image="otel/opentelemetry-collector:0.110.0", essential=False),
    ),
    good=fargate(
        app(portMappings=[{"containerPort": 8080}]),
        sidecar("otel", image="otel/opentelemetry-collector:0.110.0", essential=False),
    ),
)
def sidecar_port(task: TaskView) -> Iterator[Hit]:
    """No container maps a port that a known sidecar takes; two agents do not take the same."""
    if task.network_mode not in ("awsvpc", "host"):
        return
    taken: dict[tuple[str, int], ContainerView] = {}
    for container in task.containers:
        for protocol, port in _own_ports(task, container):
            other = taken.setdefault((protocol, port), container)
            if other is not container:
                message = f"{container.label} and {other.label} both listen on {protocol} port {port}."
                yield we_say(container.path, message)
    for used in used_ports(task):
        for (protocol, port), owner in taken.items():
            if protocol == used.protocol and used.first <= port <= used.last and owner is not used.container:
                message = f"{used.container.label} maps {protocol} port {port}, where {owner.label} listens."
                yield we_say(used.path, message)


def _own_ports(task: TaskView, container: ContainerView) -> tuple[tuple[str, int], ...]:
    """Ports that a container takes without a mapping: those of known agents, and FireLens' inputs."""
    if isinstance(container.raw.get("firelensConfiguration"), dict):
        return (("tcp", 24224), ("tcp", 8877)) if task.network_mode == "awsvpc" else ()
    known = known_kind(container.searched_image)
    if known is None or not absent(container.raw, "command"):
        return ()
    return known.ports


@container_rule(
    code="W304",
    title="A sibling container is called by its name",
    why=(
        "With awsvpc and host the containers of a task share one network, and a container's name is no host "
        "name; that is how Compose and links work."
    ),
    fix="Use 127.0.0.1.",
    source=_NETWORK,
    bad=fargate(app(environment=[{"name": "REDIS_URL", "value": "redis://redis:6379"}]), sidecar("redis")),
    good=fargate(
        app(environment=[{"name": "REDIS_URL", "value": "redis://127.0.0.1:6379"}]), sidecar("redis")
    ),
    on="environment",
)
def sibling_by_name(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """No variable's value has the name of another container where a host would stand."""
    others = [name for name in task.by_name if name != container.name]
    if task.network_mode not in ("awsvpc", "host") or not others:
        return
    for index, variable in members(container.raw, "environment"):
        name, value = text(variable, "name") or "", text(variable, "value") or ""
        if not any(other in value for other in others):
            continue
        match = _HOST_IN_URL.match(value)
        host = match[1] if match else value if _HOST_VARIABLE.search(name) else ""
        if host in others:
            path = container.at("environment", index, "value")
            yield we_say(path, f"{name} names the container {host} as a host, which nothing resolves.")


_HOST_IN_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?)?([A-Za-z][\w-]*):\d{2,5}(?:/|$)")
_HOST_VARIABLE = re.compile(r"(HOST|HOSTNAME|ADDR|ADDRESS|ENDPOINT)$")


@container_rule(
    code="W305",
    title="localhost where it is only the container itself",
    why="In bridge mode every container has a network of its own; on localhost there is nobody else.",
    fix="Use links and the other container's name, the host's address, or networkMode awsvpc.",
    source=guide("task-networking-bridge.html"),
    bad=task(
        app(environment=[{"name": "AWS_XRAY_DAEMON_ADDRESS", "value": "localhost:2000"}]),
        sidecar("xray", image=_XRAY, essential=False),
        networkMode="bridge",
    ),
    good=task(
        app(environment=[{"name": "AWS_XRAY_DAEMON_ADDRESS", "value": "xray:2000"}], links=["xray"]),
        sidecar("xray", image=_XRAY, essential=False),
        networkMode="bridge",
    ),
    on="environment",
)
def localhost_in_bridge(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """In bridge mode, a variable for a sidecar's address is not localhost."""
    if task.network_mode != "bridge" or len(task.containers) < 2:
        return
    sidecars = [c for c in task.containers if c is not container and role_of(task, c) is not Role.JOB]
    mapped = {port for used in used_ports(task) if used.container is container for port in (used.first,)}
    for index, variable in members(container.raw, "environment"):
        name, value = text(variable, "name") or "", text(variable, "value") or ""
        match = _LOCAL.match(value)
        if match is None or not sidecars or not _ADDRESS_VARIABLE.search(name):
            continue
        if match[1] is None or int(match[1]) not in mapped:
            path = container.at("environment", index, "value")
            yield we_say(path, f"{name} is {value}, and in bridge mode that is {container.label} itself.")


_LOCAL = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:localhost|127\.0\.0\.1)(?::(\d{1,5}))?(?:/.*)?$")
_ADDRESS_VARIABLE = re.compile(r"(HOST|ADDR|ADDRESS|ENDPOINT|URL|DAEMON)$")
