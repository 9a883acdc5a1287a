"""What a container is for, guessed from its image and name: log router, proxy, agent, or a job that ends.

The guesses only feed advice, never an error. Surprising: a container of an unknown kind is taken for the
application, so a sidecar that nobody here knows is judged like one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from pillion.core.rules.view import SEARCHED_MAX, ContainerView, TaskView, mapping, strings, text


class Role(StrEnum):
    """What a container does in its task."""

    LOG_ROUTER = "log router"
    PROXY = "proxy"
    AGENT = "telemetry agent"
    JOB = "job that ends"
    APPLICATION = "application"


class Known(NamedTuple):
    """A kind of sidecar that is known by its image."""

    role: Role
    image: re.Pattern[str]
    ports: tuple[tuple[str, int], ...] = ()
    """Ports that it listens on by itself, with their protocols."""


_IMAGES: Final = (
    Known(
        Role.LOG_ROUTER,
        re.compile(r"fluent-?bit|fluentd|(^|/)vector(:|@|$)|promtail|logstash|filebeat"),
    ),
    Known(Role.PROXY, re.compile(r"aws-appmesh-envoy"), (("tcp", 9901), ("tcp", 15000), ("tcp", 15001))),
    Known(Role.PROXY, re.compile(r"(^|/)envoy(:|@|$)|envoyproxy/|ecs-service-connect-agent")),
    Known(
        Role.PROXY,
        re.compile(r"linkerd2?-proxy|consul-dataplane|aws-sigv4-proxy|cloud-?sql-proxy|cloudflared"),
    ),
    Known(Role.AGENT, re.compile(r"xray-daemon"), (("udp", 2000), ("tcp", 2000))),
    Known(
        Role.AGENT,
        re.compile(
            r"aws-otel-collector|opentelemetry-collector|adot-collector|otelcol|splunk-otel-collector"
        ),
        (("tcp", 4317), ("tcp", 4318), ("tcp", 13133)),
    ),
    Known(Role.AGENT, re.compile(r"datadog/agent|(^|/)datadog-agent(:|@|$)"), (("udp", 8125), ("tcp", 8126))),
    Known(Role.AGENT, re.compile(r"cloudwatch-agent"), (("tcp", 25888), ("udp", 25888))),
    Known(Role.AGENT, re.compile(r"statsd-exporter|(^|/)statsd(:|@|$)"), (("udp", 8125),)),
    Known(Role.AGENT, re.compile(r"ecs-exporter|node-exporter|grafana/(agent|alloy)|prom/prometheus")),
    Known(Role.AGENT, re.compile(r"newrelic|dynatrace|instana|elastic-agent|sysdig|falco|threat-?stack")),
)
_AGENT_NAME: Final = re.compile(
    r"(^|[-_])(x-?ray|otel|adot|datadog|cloudwatch-agent|cwagent|statsd|newrelic|metrics-agent)([-_]|$)"
    r"|[-_](exporter|collector)$"
)
_ROUTER_NAME: Final = re.compile(r"log[-_]?router|fluent-?bit|firelens|fluentd")
_PROXY_NAME: Final = re.compile(r"(^|[-_])envoy([-_]|$)")
_JOB_NAME: Final = re.compile(
    r"(^|[-_])(init|migrations?|migrate|migrator|db-migrate|bootstrap|seeder|setup|config[-_]?loader|"
    r"(config|secrets?)[-_]?(fetch|fetcher|init|loader|writer|copier))([-_]|$)"
)


@lru_cache(maxsize=1024)
def known_kind(searched_image: str) -> Known | None:
    """The kind of sidecar that an image gives away."""
    return next((known for known in _IMAGES if known.image.search(searched_image)), None)


def role_of(task: TaskView, container: ContainerView) -> Role:
    """What the container is for: said by the definition where it says so, else guessed."""
    if container.role is None:
        container.role = _guess(task, container)
    return Role(container.role)


def _guess(task: TaskView, container: ContainerView) -> Role:
    if isinstance(container.raw.get("firelensConfiguration"), dict):
        return Role.LOG_ROUTER
    name = container.name
    if name is not None and name == text(mapping(task.raw, "proxyConfiguration"), "containerName"):
        return Role.PROXY
    known = known_kind(container.searched_image)
    if known is not None:
        return known.role
    lowered = (name or "").lower()
    if is_awaited_job(task, container) or _JOB_NAME.search(lowered):
        return Role.JOB
    for pattern, role in (
        (_ROUTER_NAME, Role.LOG_ROUTER),
        (_AGENT_NAME, Role.AGENT),
        (_PROXY_NAME, Role.PROXY),
    ):
        if pattern.search(lowered):
            return role
    return Role.APPLICATION


def is_awaited_job(task: TaskView, container: ContainerView) -> bool:
    """Does another container wait for this one to end?"""
    return container.name is not None and container.name in task.awaited_to_end


def applications(task: TaskView) -> list[ContainerView]:
    """Containers that are not known to be anything else."""
    return [container for container in task.containers if role_of(task, container) is Role.APPLICATION]


def command_words(container: ContainerView) -> list[str]:
    """The container's entry point and command, as far as they are in the definition and known."""
    return [
        word[:SEARCHED_MAX] for key in ("entryPoint", "command") for _, word in strings(container.raw, key)
    ]
