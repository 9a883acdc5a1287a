"""Advice about who is essential, who waits for what, and how a task ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pillion.core.findings import Severity
from pillion.core.roles import Role, command_words, is_awaited_job, role_of
from pillion.core.rules.definition import CONTAINERS_MAX
from pillion.core.rules.examples import app, depends, fargate, health_check, sidecar, task
from pillion.core.rules.rule import Hit, container_rule, guide, task_rule, we_say
from pillion.core.task_view import (
    SEARCHED_MAX,
    ContainerView,
    TaskView,
    absent,
    is_known,
    mapping,
    members,
    number,
    text,
)

_ESSENTIAL = guide("task_definition_parameters.html#container_definition_environment")
_DEPENDS_ON = guide("task_definition_parameters.html#container_definition_dependson")
_RESTART = guide("container-restart-policy.html")
_TIMEOUT = guide("task_definition_parameters.html#container_definition_timeout")

STOP_TIMEOUT_S: Final = 30
"""How long ECS waits between SIGTERM and SIGKILL where nothing is said."""
INTERRUPTION_NOTICE_S: Final = 120
"""Notice that Fargate Spot and EC2 Spot give before they take the machine away."""

_XRAY: Final = "public.ecr.aws/xray/aws-xray-daemon:3.3.15"
_ENVOY: Final = "envoyproxy/envoy:v1.31.2"


@task_rule(
    code="W101",
    title="A telemetry agent is essential",
    why="When the agent ends, for whatever reason, the whole task is stopped and the application with it.",
    fix='Set `"essential": false`, and give the agent a restartPolicy.',
    source=_ESSENTIAL,
    bad=task(app(), sidecar("xray", image=_XRAY)),
    good=task(app(), sidecar("xray", image=_XRAY, essential=False)),
)
def essential_agent(task: TaskView) -> Iterator[Hit]:
    """An agent beside an essential application is not essential."""
    for container in task.containers:
        if container.essential and role_of(task, container) is Role.AGENT:
            others = [c for c in task.containers if c.essential and role_of(task, c) is Role.APPLICATION]
            if others:
                default = " (the default)" if absent(container.raw, "essential") else ""
                message = f"If {container.label} ends, the task is stopped: it is essential{default}."
                yield we_say(container.path, message)


@task_rule(
    code="W102",
    title="Only sidecars are essential",
    why=(
        "A task lives as long as its essential containers: it goes on when the application is dead, and does "
        "not end when the application's work is done."
    ),
    fix="Make the application essential, and the sidecars not.",
    source=_ESSENTIAL,
    bad=task(app(essential=False), sidecar("xray", image=_XRAY)),
    good=task(app(), sidecar("xray", image=_XRAY, essential=False)),
)
def only_sidecars_essential(task: TaskView) -> Iterator[Hit]:
    """Some container that is not a sidecar is essential."""
    roles = {container: role_of(task, container) for container in task.containers}
    apps = [container for container, role in roles.items() if role is Role.APPLICATION]
    if not task.containers_known or not apps or any(c.essential is not False for c in apps):
        return
    essential = [container.label for container in roles if container.essential]
    if essential:
        message = f"{apps[0].label} is not essential, and {', '.join(essential)} keeps the task alive."
        yield we_say(apps[0].at("essential"), message)


@container_rule(
    code="W103",
    title="A job that ends is essential",
    why="An essential container's exit stops the task, with exit code 0 as much as with any other.",
    fix='Set `"essential": false` on the job, and let the others wait for it with SUCCESS.',
    source=_ESSENTIAL,
    bad=task(app(), sidecar("migrate")),
    good=task(app(dependsOn=depends(migrate="SUCCESS")), sidecar("migrate", essential=False)),
)
def essential_job(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A container that is by its name a job, beside others, is not essential."""
    if not container.essential or len(task.containers) < 2 or is_awaited_job(task, container):
        return  # E102 speaks of a job that others wait for
    if role_of(task, container) is Role.JOB:
        message = f"{container.label} looks like a job, and its end, even with exit code 0, stops the task."
        yield we_say(container.path, message)


@container_rule(
    code="W104",
    title="COMPLETE where SUCCESS is meant",
    why=(
        "COMPLETE is met by any exit code, so the container starts even after the job has failed: with an "
        "old schema, or without its configuration."
    ),
    fix="Use SUCCESS, which wants exit code 0 and fails the task early otherwise.",
    source=_DEPENDS_ON,
    bad=task(app(dependsOn=depends(migrate="COMPLETE")), sidecar("migrate", essential=False)),
    good=task(app(dependsOn=depends(migrate="SUCCESS")), sidecar("migrate", essential=False)),
    on="dependsOn",
)
def complete_for_success(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Nobody waits with COMPLETE for a container that prepares something."""
    for index, name, condition in container.dependencies:
        if condition == "COMPLETE":
            message = (
                f"{container.label} starts after {name or 'its dependency'} has ended, even if that failed."
            )
            yield we_say(container.at("dependsOn", index, "condition"), message)


@container_rule(
    code="W105",
    title="START where HEALTHY is meant",
    why=(
        "START is met as soon as the process runs, or has run; whether it listens is another matter, and the "
        "first requests fail."
    ),
    fix="Wait for HEALTHY, and give the container that is waited for a health check and a startTimeout.",
    source=_DEPENDS_ON,
    bad=task(
        app(dependsOn=depends(envoy="START")), sidecar("envoy", image=_ENVOY, healthCheck=health_check())
    ),
    good=task(
        app(dependsOn=depends(envoy="HEALTHY")), sidecar("envoy", image=_ENVOY, healthCheck=health_check())
    ),
    on="dependsOn",
)
def start_for_healthy(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Nobody waits with START for a proxy or a database."""
    for index, name, condition in container.dependencies:
        other = task.by_name.get(name) if condition == "START" and name is not None else None
        if other is None:
            continue
        if role_of(task, other) is Role.PROXY or _DATABASE.search(other.searched_image):
            more = ", although it has a health check" if other.has_health_check else ""
            message = f"{container.label} waits for the start of {name}, not until it listens{more}."
            yield we_say(container.at("dependsOn", index, "condition"), message)


_DATABASE = re.compile(
    r"(^|/)(postgres|mysql|mariadb|redis|valkey|mongo|rabbitmq|kafka|elasticsearch|opensearch|memcached)(:|@|$)"
)


@task_rule(
    code="W106",
    title="The proxy is stopped together with the application",
    why=(
        "Without a dependency on the proxy the application may start before it, and when the task stops both "
        "get SIGTERM at once: the application's last calls fail."
    ),
    fix="Let the application depend on the proxy (HEALTHY); the order of stopping is the reverse.",
    source=_DEPENDS_ON,
    bad=task(app(), sidecar("envoy", image=_ENVOY)),
    good=task(
        app(dependsOn=depends(envoy="HEALTHY")), sidecar("envoy", image=_ENVOY, healthCheck=health_check())
    ),
)
def proxy_without_order(task: TaskView) -> Iterator[Hit]:
    """Applications and a proxy are ordered: all where traffic is redirected to it, else at least one."""
    apps = [c for c in task.containers if role_of(task, c) is Role.APPLICATION]
    for proxy in task.containers:
        if role_of(task, proxy) is not Role.PROXY or proxy.name is None:
            continue
        loose = [container for container in apps if not _are_ordered(container, proxy)]
        if len(loose) == len(apps) or proxy.name == _redirected_to(task):
            for container in loose:
                message = f"{container.label} and the proxy {proxy.label} have no order of start and stop."
                yield we_say(container.path, message)


def _are_ordered(container: ContainerView, proxy: ContainerView) -> bool:
    """Does one of the two wait for the other, or may it?"""
    if not is_known(container.raw, "dependsOn") or not is_known(proxy.raw, "dependsOn"):
        return True
    names = {name for _, name, _ in container.dependencies}
    fronts = {name for _, name, _ in proxy.dependencies}
    return bool({proxy.name, None} & names or {container.name, None} & fronts)


def _redirected_to(task: TaskView) -> str | None:
    return text(mapping(task.raw, "proxyConfiguration"), "containerName")


@task_rule(
    code="W107",
    title="Stopping the task may take longer than an interruption leaves",
    why=(
        "Containers stop in the reverse order of their dependencies, each with its own stopTimeout, and the "
        "times add up. A Spot interruption gives two minutes in all."
    ),
    fix="Lower the stopTimeouts along the chain, or shorten the chain.",
    source=_TIMEOUT,
    bad=fargate(
        app(dependsOn=depends(envoy="START"), stopTimeout=90), sidecar("envoy", stopTimeout=60, memory=64)
    ),
    good=fargate(
        app(dependsOn=depends(envoy="START"), stopTimeout=60), sidecar("envoy", stopTimeout=30, memory=64)
    ),
    on="dependsOn",
)
def long_stop(task: TaskView) -> Iterator[Hit]:
    """The slowest chain of stops takes at most 120 s; a single container may."""
    if sum(stop_timeout_s(container) for container in task.containers) <= INTERRUPTION_NOTICE_S:
        return
    if len(task.containers) > CONTAINERS_MAX:
        return  # AWS refuses it anyhow, and the chains of thousands would be too long to follow
    chain = _slowest_stop(task)
    total = sum(stop_timeout_s(container) for container in chain)
    if len(chain) > 1 and total > INTERRUPTION_NOTICE_S:
        steps = ", then ".join(f"{c.label} {stop_timeout_s(c)} s" for c in chain)
        message = f"Stopping may take {total} s: {steps}."
        yield we_say(chain[0].path, message)


def stop_timeout_s(container: ContainerView) -> int:
    """Seconds between SIGTERM and SIGKILL; 0 means the default, as absence does."""
    return number(container.raw, "stopTimeout") or STOP_TIMEOUT_S


def _slowest_stop(task: TaskView) -> list[ContainerView]:
    """The chain of containers whose stops add up to the most, in order of stopping.

    Jobs that others wait for to end are over by then, and do not count.
    """
    slowest: dict[ContainerView, list[ContainerView]] = {}

    def chain_from(container: ContainerView, path: frozenset[ContainerView]) -> list[ContainerView]:
        if container not in slowest:
            targets = [
                task.by_name[name]
                for _, name, condition in container.dependencies
                if name in task.by_name and condition not in ("COMPLETE", "SUCCESS")
            ]
            rests = [chain_from(t, path | {container}) for t in targets if t not in path | {container}]
            slowest[container] = [container, *max(rests, key=_total_s, default=[])]
        return slowest[container]

    chains = [chain_from(container, frozenset()) for container in task.containers]
    return max(chains, key=_total_s, default=[])


def _total_s(chain: list[ContainerView]) -> int:
    return sum(stop_timeout_s(container) for container in chain)


@container_rule(
    code="W108",
    title="A job that may be restarted after it has done its work",
    why=(
        "A restart policy restarts exit code 0 too. A job that runs longer than the restart period starts "
        "over, and whoever waits for its end waits on."
    ),
    fix="Add 0 to ignoredExitCodes.",
    source=_RESTART,
    bad=task(
        app(dependsOn=depends(job="SUCCESS")),
        sidecar("job", essential=False, restartPolicy={"enabled": True}),
    ),
    good=task(
        app(dependsOn=depends(job="SUCCESS")),
        sidecar("job", essential=False, restartPolicy={"enabled": True, "ignoredExitCodes": [0]}),
    ),
    on="restartPolicy",
)
def restarted_job(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A container that others wait for to end is not restarted after exit code 0."""
    policy = mapping(container.raw, "restartPolicy")
    codes = policy.get("ignoredExitCodes") or []
    if policy.get("enabled") is not True or not isinstance(codes, list) or 0 in codes:
        return
    if is_known(policy, "ignoredExitCodes") and is_awaited_job(task, container):
        message = f"{container.label} is restarted even after exit code 0."
        yield we_say(container.at("restartPolicy"), message)


@container_rule(
    code="W109",
    title="A shell stands between ECS and the program",
    severity=Severity.INFO,
    why=(
        "The shell is process 1 and does not pass SIGTERM on, so the program is killed after stopTimeout "
        "(exit code 137) instead of ending in good order."
    ),
    fix='Begin the line with `exec`, or set `"linuxParameters": {"initProcessEnabled": true}`.',
    source=guide("graceful-shutdowns-with-ecs.html"),
    bad=task(app(command=["sh", "-c", "npm run migrate && node server.js"])),
    good=task(app(command=["sh", "-c", "npm run migrate && exec node server.js"])),
)
def shell_without_exec(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A shell that stays process 1 has several commands to run and no `exec`, `trap` or `wait`."""
    words = command_words(container)
    if len(words) < 3 or not _SHELL.fullmatch(words[0]) or words[1] not in ("-c", "-ec", "-lc", "-xc", "-cx"):
        return
    line = words[2]
    init = mapping(container.raw, "linuxParameters").get("initProcessEnabled")
    # A shell replaces itself by a single simple command, so that one needs no exec.
    several = any(separator in line for separator in ("&&", ";", "|", "\n"))
    if not several or init is True or _HANDLES_SIGNALS.search(line):
        return
    if role_of(task, container) is not Role.JOB:
        key = "entryPoint" if container.raw.get("entryPoint") else "command"
        yield we_say(container.at(key), f"The shell of {container.label} does not pass SIGTERM on.")


_SHELL = re.compile(r"(/(usr/)?bin/)?(sh|bash|ash|dash)")
_HANDLES_SIGNALS = re.compile(r"\bexec\s|\btrap\s|\bwait\b")


@task_rule(
    code="W110",
    title="A job's files go nowhere",
    why="What the job writes outside a shared volume ends with its container, and the others never see it.",
    fix="Mount one volume in both containers, and write there.",
    source=guide("using_data_volumes.html"),
    bad=task(
        app(dependsOn=depends(config_loader="SUCCESS")),
        sidecar(
            "config_loader",
            essential=False,
            command=["aws", "s3", "cp", "s3://b/app.json", "/config/app.json"],
        ),
    ),
    good=task(
        app(
            dependsOn=depends(config_loader="SUCCESS"),
            mountPoints=[{"sourceVolume": "config", "containerPath": "/etc/app", "readOnly": True}],
        ),
        sidecar(
            "config_loader",
            essential=False,
            command=["aws", "s3", "cp", "s3://b/app.json", "/config/app.json"],
            mountPoints=[{"sourceVolume": "config", "containerPath": "/config"}],
        ),
        volumes=[{"name": "config"}],
    ),
    on="dependsOn",
)
def job_writes_nowhere(task: TaskView) -> Iterator[Hit]:
    """What a job that others wait for writes is on a volume that somebody else mounts."""
    for job in task.containers:
        if not is_awaited_job(task, job) or not is_known(job.raw, "mountPoints"):
            continue
        paths = [
            (text(mount, "containerPath") or "").rstrip("/") for _, mount in members(job.raw, "mountPoints")
        ]
        lost = [
            target
            for target in _written_paths(command_words(job))
            if not any(target == path or target.startswith(f"{path}/") for path in paths)
        ]
        if lost:
            key = "command" if job.raw.get("command") else "entryPoint"
            yield we_say(job.at(key), f"{job.label} writes {lost[0]}, which is on no volume.")
        elif not paths and _loads_configuration(job) and not _lends_volumes(task, job):
            yield we_say(job.path, f"{job.label} mounts no volume, so what it loads is lost.")


def _loads_configuration(job: ContainerView) -> bool:
    return bool(_CONFIG_NAME.search((job.name or "").lower()))


def _lends_volumes(task: TaskView, job: ContainerView) -> bool:
    """Does the job take volumes from another container, or lend its own?"""
    lent = {
        text(entry, "sourceContainer")
        for other in task.containers
        for _, entry in members(other.raw, "volumesFrom")
    }
    return job.name in lent or not absent(job.raw, "volumesFrom")


_REDIRECT = re.compile(r">>?\s*(/[\w./-]+)")
_COPY = re.compile(r"\b(?:cp|mv|install|sync|rsync)\s+(?:-\S+\s+)*\S+\s+(/[\w./-]+)")
_OUTPUT = re.compile(r"(?:\s-[oO]|--output(?:-document)?)[ =](/[\w./-]+)")
_CONFIG_NAME = re.compile(r"(config|secrets?|cert\w*)[-_]?(loader|fetch|fetcher|init|writer|copier|download)")


def _written_paths(words: list[str]) -> list[str]:
    """Absolute paths that a command seems to write to; /dev and /tmp do not count."""
    line = " ".join(words)[:SEARCHED_MAX]
    found = [match[1] for pattern in (_REDIRECT, _COPY, _OUTPUT) for match in pattern.finditer(line)]
    return [path for path in found if not path.startswith(("/dev/", "/tmp", "/proc/"))]  # noqa: S108 (no file is made)
