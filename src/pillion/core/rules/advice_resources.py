"""Advice about how cpu and memory are shared between an application and its sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pillion.core.findings import Severity
from pillion.core.roles import Role, role_of
from pillion.core.rules.examples import app, fargate, sidecar, task
from pillion.core.rules.firelens import routed, router
from pillion.core.rules.limits import MEMORY_MIB_MIN, reserved_mib
from pillion.core.rules.rule import Hit, container_rule, guide, task_rule, we_say
from pillion.core.task_view import ContainerView, TaskView, absent, mapping, members, number, text

_MEMORY = guide("task_definition_parameters.html#container_definition_memory")
_SIZE = guide("task_definition_parameters.html#task_size")

MEMORY_MIB_NEWER_ENGINES: Final = 6
"""Docker 20.10 and later refuse to start a container with less."""

_XRAY: Final = "public.ecr.aws/xray/aws-xray-daemon:3.3.15"


@container_rule(
    code="W201",
    title="A log router without any memory setting",
    why=(
        "A router buffers what it cannot deliver. Without a limit it takes the application's memory when the "
        "destination is slow; and FireLens sizes its buffer by this setting, 25 MB where there is none."
    ),
    fix="Give the router a memoryReservation, and a memory limit well above it.",
    source=_MEMORY,
    bad=fargate(app(logConfiguration=routed(Name="s3")), router(memoryReservation=None)),
    good=fargate(app(logConfiguration=routed(Name="s3")), router(memoryReservation=64)),
    on="firelensConfiguration",
)
def router_without_memory(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The router has `memory` or `memoryReservation`."""
    if absent(container.raw, "memory") and absent(container.raw, "memoryReservation"):
        message = f"The log router {container.label} has neither memory nor memoryReservation."
        yield we_say(container.path, message)


@container_rule(
    code="W202",
    title="A sidecar with a hard memory limit only",
    severity=Severity.INFO,
    why=(
        "The sidecar is killed (exit code 137) at the first burst above its memory, also while the task has "
        "memory to spare; an essential one takes the task with it."
    ),
    fix="Give memoryReservation what it usually needs, and set memory well above, or leave it out.",
    source=_MEMORY,
    bad=task(app(), sidecar("xray", image=_XRAY, memory=32, essential=False)),
    good=task(app(), sidecar("xray", image=_XRAY, memory=128, memoryReservation=32, essential=False)),
    on="memory",
)
def hard_limit_only(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Log routers and agents have a soft limit beside the hard one."""
    memory = number(container.raw, "memory")
    if memory is None or not absent(container.raw, "memoryReservation"):
        return
    role = role_of(task, container)
    if role in (Role.LOG_ROUTER, Role.AGENT):
        message = f"The {role} {container.label} is killed above {memory} MiB."
        yield we_say(container.at("memory"), message)


@task_rule(
    code="W203",
    title="The hard limits add up to more than the task has",
    why=(
        "Each container keeps within its own limit, and yet the task runs out of memory; the kernel then "
        "chooses whom to kill."
    ),
    fix="Lower the limits of the sidecars, or choose a larger task.",
    source=_SIZE,
    bad=fargate(app(memory=1024, memoryReservation=512), sidecar("cache", memory=512, memoryReservation=256)),
    good=fargate(app(memory=640, memoryReservation=512), sidecar("cache", memory=384, memoryReservation=256)),
    on="memory",
)
def limits_above_task(task: TaskView) -> Iterator[Hit]:
    """Hard limits together fit into the task, as reservations must."""
    if task.memory_mib is None:
        return
    limits = sum(number(container.raw, "memory") or 0 for container in task.containers)
    promised = sum(reserved_mib(container) for container in task.containers)
    if limits > task.memory_mib >= promised:
        message = f"The containers may use {limits} MiB together, and the task has {task.memory_mib} MiB."
        yield we_say(("memory",), message)


@task_rule(
    code="W204",
    title="The sidecars get more memory than the application",
    why="What the sidecars are promised is lost to the application, for which the task is there.",
    fix="Lower what the sidecars reserve, or choose a larger task.",
    source=_SIZE,
    bad=fargate(
        app(memory=None),
        sidecar("xray", image=_XRAY, essential=False, memoryReservation=768, memory=None),
    ),
    good=fargate(
        app(memory=None),
        sidecar("xray", image=_XRAY, essential=False, memoryReservation=128, memory=None),
    ),
    on="memory",
)
def sidecars_above_application(task: TaskView) -> Iterator[Hit]:
    """What known sidecars reserve is less than what is left for the application."""
    if task.memory_mib is None:
        return
    roles = {container: role_of(task, container) for container in task.containers}
    sidecars = [c for c, role in roles.items() if role in (Role.LOG_ROUTER, Role.AGENT, Role.PROXY)]
    if not sidecars or Role.APPLICATION not in roles.values():
        return
    taken = sum(reserved_mib(container) for container in sidecars)
    own = sum(number(c.raw, "memory") or 0 for c, role in roles.items() if role is Role.APPLICATION)
    left = min(own or task.memory_mib, task.memory_mib - taken)
    if taken > left:
        names = ", ".join(container.label for container in sidecars)
        verb = "reserves" if len(sidecars) == 1 else "reserve"
        message = f"{names} {verb} {taken} MiB, which leaves the application {max(left, 0)} MiB."
        yield we_say(("memory",), message)


@task_rule(
    code="W205",
    title="Some containers have cpu shares and others none",
    severity=Severity.INFO,
    why=(
        "Shares are relative: a container without cpu gets 2 shares, next to hundreds of its neighbour, and "
        "starves when the task is busy."
    ),
    fix="Give every container cpu, in proportion to its need, or none of them.",
    source=_SIZE,
    bad=task(app(), sidecar("cache", cpu=256)),
    good=task(app(cpu=512), sidecar("cache", cpu=256)),
    on="cpu",
)
def uneven_cpu(task: TaskView) -> Iterator[Hit]:
    """Every container of a task has `cpu`, or none."""
    if not task.containers_known:
        return
    shares = [(c, number(c.raw, "cpu") if not absent(c.raw, "cpu") else 0) for c in task.containers]
    if any(share is None for _, share in shares):
        return
    largest, most = max(shares, key=lambda pair: pair[1] or 0, default=(None, 0))
    for container, share in shares:
        if not share and largest is not None and most and role_of(task, container) is not Role.JOB:
            message = f"{container.label} gets 2 cpu shares, {largest.label} {most}."
            yield we_say(container.path, message)


@container_rule(
    code="W206",
    title="Less memory than newer engines start a container with",
    why="AWS takes 4 MiB, but Docker 20.10 and later want at least 6: the container cannot be created.",
    fix="Use 6 MiB or more.",
    source=_MEMORY,
    bad=task(app(memory=4)),
    good=task(app(memory=6)),
    on="memory",
)
def memory_of_newer_engines(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A hard limit is at least 6 MiB."""
    memory = number(container.raw, "memory")
    if memory is not None and MEMORY_MIB_MIN <= memory < MEMORY_MIB_NEWER_ENGINES:
        message = f"memory is {memory} MiB; newer engines want {MEMORY_MIB_NEWER_ENGINES}."
        yield we_say(container.at("memory"), message)


@container_rule(
    code="W207",
    title="Fargate: a ulimit without effect",
    severity=Severity.INFO,
    why="Fargate accepts every ulimit, and applies only nofile.",
    fix="Take the entry away.",
    source=guide("fargate-tasks-services.html"),
    bad=fargate(app(ulimits=[{"name": "nproc", "softLimit": 4096, "hardLimit": 4096}])),
    good=fargate(app(ulimits=[{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}])),
    on="ulimits",
    launch_type="FARGATE",
)
def ulimit_without_effect(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """On Fargate, only nofile is set."""
    for index, limit in members(container.raw, "ulimits"):
        name = text(limit, "name")
        if name is not None and name != "nofile":
            path = container.at("ulimits", index)
            yield we_say(path, f"The ulimit {name} has no effect on Fargate.")


@container_rule(
    code="W208",
    title="swappiness without maxSwap",
    severity=Severity.INFO,
    why="Without maxSwap the container uses the host's swap settings, and swappiness is ignored.",
    fix="Give maxSwap as well, or take swappiness away.",
    source=guide("task_definition_parameters.html#container_definition_linuxparameters"),
    bad=task(app(linuxParameters={"swappiness": 10})),
    good=task(app(linuxParameters={"swappiness": 10, "maxSwap": 256})),
    on="linuxParameters",
)
def swappiness_alone(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`swappiness` comes with `maxSwap`."""
    linux = mapping(container.raw, "linuxParameters")
    if number(linux, "swappiness") is not None and absent(linux, "maxSwap"):
        path = container.at("linuxParameters", "swappiness")
        yield we_say(path, "swappiness is ignored without maxSwap.")
