"""Rules about health checks, and about how long those who wait for them may have to wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pillion.core.findings import Severity
from pillion.core.roles import Role, role_of
from pillion.core.rules.examples import app, depends, health_check, sidecar, task
from pillion.core.rules.rule import Hit, aws_says, container_rule, guide, we_say
from pillion.core.task_view import SEARCHED_MAX, ContainerView, TaskView, absent, is_known, mapping, number

_HEALTH = guide("healthcheck.html")

HEALTH_LIMITS: Final = {
    "interval": (5, 300),
    "timeout": (2, 60),
    "retries": (1, 10),
    "startPeriod": (0, 300),
}
"""Least and greatest value of each number of a health check; seconds, except for retries."""
INTERVAL_S: Final = 30
TIMEOUT_S: Final = 5
RETRIES: Final = 3


@container_rule(
    code="E801",
    title="A number of a health check is out of range",
    why="AWS takes interval 5-300, timeout 2-60, retries 1-10 and startPeriod 0-300.",
    fix="Use a value in range, or leave the member out.",
    source=_HEALTH,
    bad=task(app(healthCheck=health_check(interval=301))),
    good=task(app(healthCheck=health_check(interval=300))),
    on="healthCheck",
)
def health_numbers(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every number is in its range."""
    check = mapping(container.raw, "healthCheck")
    for key, (least, most) in HEALTH_LIMITS.items():
        value = number(check, key)
        path = container.at("healthCheck", key)
        name = container.label
        if value is not None and value > most:
            message = (
                f"Health check {key} must be less than or equal to the maximum allowed value {most} "
                f"for container '{name}'"
            )
            yield aws_says(path, message, f"{key} is {value}.")
        elif value is not None and value < least:
            # The mirror image of the text above; this half has not been seen on the wire.
            message = (
                f"Health check {key} must be greater than or equal to the minimum allowed value {least} "
                f"for container '{name}'; it is {value}."
            )
            yield we_say(path, message)


@container_rule(
    code="E802",
    title="A health check's command that cannot be one",
    why="The command begins with CMD, for a program and its arguments, or CMD-SHELL, for one line of shell.",
    fix='Write ["CMD-SHELL", "one line of shell"] or ["CMD", "program", "argument"].',
    source=_HEALTH,
    bad=task(app(healthCheck={"command": ["/bin/app", "--healthy"]})),
    good=task(app(healthCheck={"command": ["CMD", "/bin/app", "--healthy"]})),
    on="healthCheck",
)
def health_command(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The command is not empty and begins with CMD or CMD-SHELL, the latter with one text behind it."""
    check = mapping(container.raw, "healthCheck")
    command = check.get("command")
    path = container.at("healthCheck", "command")
    if not isinstance(command, list) or not is_known(check, "command"):
        return
    if not command:
        yield we_say(path, "The health check has no command.")
    elif command[0] == "CMD-SHELL" and len(command) != 2:
        message = f"CMD-SHELL takes one text with the whole line; here {len(command) - 1} follow."
        yield we_say(path, message)
    elif command[0] not in ("CMD", "CMD-SHELL", "NONE"):
        yield we_say(path, f"The command begins with {str(command[0])[:60]!r}, not with CMD or CMD-SHELL.")
    elif command == ["CMD"]:
        yield we_say(path, "No program follows CMD.")


def health_command_text(container: ContainerView) -> str:
    """The command of the health check in one line; empty where there is none or it is not known."""
    command = mapping(container.raw, "healthCheck").get("command")
    words = [part for part in command[1:] if isinstance(part, str)] if isinstance(command, list) else []
    return " ".join(words)[:SEARCHED_MAX]


def slowest_unhealthy_s(container: ContainerView) -> int:
    """Seconds until a container that never becomes healthy is called UNHEALTHY.

    Failures within the start period do not count; after it `retries` probes must fail, one interval apart.
    """
    check = mapping(container.raw, "healthCheck")
    interval = number(check, "interval") or INTERVAL_S
    return (number(check, "startPeriod") or 0) + interval * (number(check, "retries") or RETRIES)


@container_rule(
    code="W801",
    title="The health check may take longer than startTimeout allows",
    why=(
        "startTimeout runs from the container's own start and ends the wait of everybody who waits for it to "
        "be HEALTHY; the health check would still give the container time then."
    ),
    fix="Raise startTimeout above startPeriod + interval x retries, or make the health check quicker.",
    source=guide("task_definition_parameters.html#container_definition_timeout"),
    bad=task(
        app(dependsOn=depends(db="HEALTHY")),
        sidecar("db", startTimeout=60, healthCheck=health_check(interval=30, retries=3)),
    ),
    good=task(
        app(dependsOn=depends(db="HEALTHY")),
        sidecar("db", startTimeout=60, healthCheck=health_check(interval=10, retries=3)),
    ),
    on="startTimeout",
)
def slower_than_start_timeout(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """For a container that others wait for: the health check decides before `startTimeout` ends."""
    timeout = number(container.raw, "startTimeout")
    check = mapping(container.raw, "healthCheck")
    if timeout is None or not check or not is_known(container.raw, "healthCheck"):
        return
    if not any(condition == "HEALTHY" for condition in _conditions_on(task, container)):
        return
    interval = number(check, "interval") or INTERVAL_S
    slowest = slowest_unhealthy_s(container)
    path = container.at("startTimeout")
    if interval >= timeout:
        message = (
            f"The first probe of {container.label} runs after {interval} s, when startTimeout ({timeout} s) "
            "is over: whoever waits for it to be HEALTHY can never start."
        )
        yield we_say(path, message)
    elif slowest > timeout:
        message = (
            f"{container.label} may take {slowest} s to become healthy or unhealthy, "
            f"and startTimeout ends the wait after {timeout} s."
        )
        yield we_say(path, message)


def _conditions_on(task: TaskView, container: ContainerView) -> Iterator[str]:
    """Conditions under which other containers wait for this one."""
    for other in task.containers:
        for _, name, condition in other.dependencies:
            if name == container.name and condition is not None:
                yield condition


@container_rule(
    code="W802",
    title="A wait for HEALTHY without an end",
    severity=Severity.INFO,
    why=(
        "Without startTimeout on the container that is waited for, the wait has no limit: if that one never "
        "becomes healthy and is not essential, the task stays PENDING for ever."
    ),
    fix="Give the container that is waited for a startTimeout (on Fargate 120 s at most).",
    source=guide("task_definition_parameters.html#container_definition_timeout"),
    bad=task(
        app(dependsOn=depends(db="HEALTHY")),
        sidecar("db", essential=False, healthCheck=health_check()),
    ),
    good=task(
        app(dependsOn=depends(db="HEALTHY")),
        sidecar("db", essential=False, healthCheck=health_check(), startTimeout=120),
    ),
    on="healthCheck",
)
def endless_wait(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """A non-essential container that others wait for to be HEALTHY has a `startTimeout`."""
    if container.essential is not False or not absent(container.raw, "startTimeout"):
        return
    if any(condition == "HEALTHY" for condition in _conditions_on(task, container)):
        message = f"Containers wait for {container.label} to be HEALTHY, and nothing ends the wait."
        yield we_say(container.path, message)


@container_rule(
    code="W803",
    title="A health check's timeout is longer than its interval",
    why="The next probe begins an interval after the last one ended, so the check is slower than it looks.",
    fix="Make timeout smaller than interval.",
    source=_HEALTH,
    bad=task(app(healthCheck=health_check(interval=5, timeout=30))),
    good=task(app(healthCheck=health_check(interval=30, timeout=5))),
    on="healthCheck",
)
def timeout_above_interval(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """`timeout` is at most `interval`."""
    check = mapping(container.raw, "healthCheck")
    interval, timeout = number(check, "interval"), number(check, "timeout")
    if timeout is not None and timeout > (interval or INTERVAL_S):
        message = f"timeout is {timeout} s, interval is {interval or INTERVAL_S} s."
        yield we_say(container.at("healthCheck", "timeout"), message)


_PROGRAM = re.compile(r"(?:^|[;&|(]\s*|\s)(/\S*/)?(curl|wget|nc|netcat|bash|sh|python3?|jq)(?=\s|$)")
_WITHOUT: Final[tuple[tuple[re.Pattern[str], frozenset[str], str], ...]] = (
    (
        re.compile(r"distroless|(^|/)scratch|chainguard|cgr\.dev"),
        frozenset({"curl", "wget", "nc", "netcat", "bash", "sh", "jq"}),
        "the image has no shell and no tools",
    ),
    (
        re.compile(r"(^|/)fluent/fluent-bit(:|@|$)(?!.*debug)"),
        frozenset({"curl", "wget", "nc", "netcat", "bash", "sh"}),
        "Fluent Bit's own image is distroless",
    ),
    (
        re.compile(r"otel/opentelemetry-collector|aws-otel-collector|adot-collector"),
        frozenset({"curl", "wget", "nc", "netcat", "bash", "sh", "python", "python3"}),
        "the collector's image holds the collector alone; AWS's has /healthcheck",
    ),
    (
        re.compile(r"aws-xray-daemon|xray-daemon"),
        frozenset({"curl", "wget", "nc", "netcat", "bash"}),
        "the daemon's image holds the daemon alone",
    ),
    (
        re.compile(r"envoy.*distroless"),
        frozenset({"curl", "wget", "nc", "netcat", "bash", "sh"}),
        "the image is distroless",
    ),
    (
        re.compile(r"envoyproxy/envoy"),
        frozenset({"curl", "wget", "nc", "netcat"}),
        "Envoy's image has a shell, but neither curl nor wget",
    ),
    (
        re.compile(r"cloudwatch-agent"),
        frozenset({"curl", "wget", "nc", "netcat", "bash", "sh"}),
        "the agent's image holds the agent alone",
    ),
    (re.compile(r":[^/]*alpine"), frozenset({"curl", "bash", "jq"}), "Alpine has wget, not curl or bash"),
    (
        re.compile(r":[^/]*slim"),
        frozenset({"curl", "wget", "nc", "netcat"}),
        "slim images have neither curl nor wget",
    ),
    (
        re.compile(r"(^|/)(amazon-ecs-pause|busybox)(:|@|$)"),
        frozenset({"curl", "bash"}),
        "BusyBox has wget, not curl",
    ),
)
"""Images that are known to lack programs that health checks like to use."""


@container_rule(
    code="W804",
    title="The health check uses a program that the image lacks",
    why=(
        "The command runs inside the container; where the program is missing it fails every time, and a "
        "container that waits for HEALTHY never starts."
    ),
    fix="Use a program that the image has: its own probe, a shell builtin, or wget where there is BusyBox.",
    source=_HEALTH,
    bad=task(app(image="python:3.12-slim", healthCheck=health_check("curl -f http://localhost/ || exit 1"))),
    good=task(
        app(image="python:3.12-slim", healthCheck=health_check("python -c 'import urllib.request as r'"))
    ),
    on="healthCheck",
)
def missing_program(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Programs that images of this kind are known to lack are not used."""
    command = health_command_text(container)
    if not command or container.image is None:
        return
    lacking, reason = _lacks(container.searched_image)
    if not lacking:
        return
    used = {match[2] for match in _PROGRAM.finditer(command)}
    if mapping(container.raw, "healthCheck")["command"][0] == "CMD-SHELL":
        used.add("sh")
    if programs := sorted(used & lacking):
        message = f"The health check of {container.label} needs {', '.join(programs)}, but {reason}."
        yield we_say(container.at("healthCheck", "command"), message)


@lru_cache(maxsize=1024)
def _lacks(searched_image: str) -> tuple[frozenset[str], str]:
    """Programs that an image is known to lack, and why."""
    for pattern, lacking, reason in _WITHOUT:
        if pattern.search(searched_image):
            return lacking, reason
    return frozenset(), ""


@container_rule(
    code="W805",
    title="An essential container without a health check",
    severity=Severity.INFO,
    why=(
        "The task's health is that of its essential containers with a health check, and a service replaces "
        "only what it knows to be UNHEALTHY. A HEALTHCHECK of the image does not count."
    ),
    fix="Add a healthCheck, unless a load balancer looks after the container.",
    source=_HEALTH,
    bad=task(app()),
    good=task(app(healthCheck=health_check())),
)
def essential_without_health_check(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """Every essential container has a health check; W705 speaks of log routers."""
    if not container.essential or container.has_health_check or role_of(task, container) is Role.JOB:
        return
    if "firelensConfiguration" not in container.raw:
        message = f"{container.label} is essential and has no health check, so nobody notices when it hangs."
        yield we_say(container.path, message)


@container_rule(
    code="W806",
    title="A health check that is switched off",
    why="NONE takes away the image's HEALTHCHECK, and ECS then has none: HEALTHY can never hold.",
    fix="Leave healthCheck out, or give it a command.",
    source=_HEALTH,
    bad=task(app(healthCheck={"command": ["NONE"]})),
    good=task(app(healthCheck=health_check())),
    on="healthCheck",
)
def health_check_none(task: TaskView, container: ContainerView) -> Iterator[Hit]:
    """The command is not NONE."""
    if mapping(container.raw, "healthCheck").get("command") == ["NONE"]:
        message = f"The health check of {container.label} is NONE, which is no health check."
        yield we_say(container.at("healthCheck", "command"), message)
