"""What a container is for, guessed from its image and name: log router, proxy, agent, or a job that ends.

The guesses only feed advice, never an error. Surprising: a container of an unknown kind is taken for the
application, so a sidecar that nobody here knows is judged like one.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from pillion.core.task_view import SEARCHED_MAX, ContainerView, TaskView, mapping, strings, text


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
    parts: tuple[str, ...] = ()
    """What its reference contains, anywhere."""
    names: tuple[str, ...] = ()
    """What its repository is called, without registry, folder, tag and digest."""
    ports: tuple[tuple[str, int], ...] = ()
    """Ports that it listens on by itself, with their protocols."""


# Plain words, because every run guesses roles before it starts anything, and to compile what they would be
# as patterns takes longer than all else here.
_IMAGES: Final = (
    Known(
        Role.LOG_ROUTER,
        ("fluent-bit", "fluentbit", "fluentd", "promtail", "logstash", "filebeat"),
        names=("vector",),
    ),
    Known(Role.PROXY, ("aws-appmesh-envoy",), ports=(("tcp", 9901), ("tcp", 15000), ("tcp", 15001))),
    Known(Role.PROXY, ("envoyproxy/", "ecs-service-connect-agent"), names=("envoy",)),
    Known(
        Role.PROXY,
        (
            "linkerd-proxy",
            "linkerd2-proxy",
            "consul-dataplane",
            "aws-sigv4-proxy",
            "cloudsql-proxy",
            "cloud-sql-proxy",
            "cloudflared",
        ),
    ),
    Known(Role.AGENT, ("xray-daemon",), ports=(("udp", 2000), ("tcp", 2000))),
    Known(
        Role.AGENT,
        (
            "aws-otel-collector",
            "opentelemetry-collector",
            "adot-collector",
            "otelcol",
            "splunk-otel-collector",
        ),
        ports=(("tcp", 4317), ("tcp", 4318), ("tcp", 13133)),
    ),
    Known(Role.AGENT, ("datadog/agent",), names=("datadog-agent",), ports=(("udp", 8125), ("tcp", 8126))),
    Known(Role.AGENT, ("cloudwatch-agent",), ports=(("tcp", 25888), ("udp", 25888))),
    Known(Role.AGENT, ("statsd-exporter",), names=("statsd",), ports=(("udp", 8125),)),
    Known(Role.AGENT, ("ecs-exporter", "node-exporter", "grafana/agent", "grafana/alloy", "prom/prometheus")),
    Known(
        Role.AGENT,
        (
            "newrelic",
            "dynatrace",
            "instana",
            "elastic-agent",
            "sysdig",
            "falco",
            "threatstack",
            "threat-stack",
        ),
    ),
)

# Names of containers, in small letters and with a dash for an underscore.
_ROUTER_PARTS: Final = ("log-router", "logrouter", "fluent-bit", "fluentbit", "firelens", "fluentd")
_AGENT_WORDS: Final = (
    "xray",
    "x-ray",
    "otel",
    "adot",
    "datadog",
    "cloudwatch-agent",
    "cwagent",
    "statsd",
    "newrelic",
    "metrics-agent",
)
_AGENT_ENDS: Final = ("-exporter", "-collector")
_PROXY_WORDS: Final = ("envoy",)
_JOB_WORDS: Final = (
    "init",
    "migration",
    "migrations",
    "migrate",
    "migrator",
    "bootstrap",
    "seeder",
    "setup",
    "config-loader",
    "configloader",
    *(
        f"{what}-{does}"
        for what in ("config", "secret", "secrets")
        for does in ("fetch", "fetcher", "init", "loader", "writer", "copier")
    ),
)


@lru_cache(maxsize=1024)
def known_kind(searched_image: str) -> Known | None:
    """The kind of sidecar that an image gives away."""
    name = searched_image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return next(
        (
            known
            for known in _IMAGES
            if name in known.names or any(part in searched_image for part in known.parts)
        ),
        None,
    )


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
    if is_awaited_job(task, container):
        return Role.JOB
    return _guess_by_name((name or "").lower().replace("_", "-"))


def _guess_by_name(name: str) -> Role:
    if _has_word(name, _JOB_WORDS):
        return Role.JOB
    if any(part in name for part in _ROUTER_PARTS):
        return Role.LOG_ROUTER
    if _has_word(name, _AGENT_WORDS) or name.endswith(_AGENT_ENDS):
        return Role.AGENT
    if _has_word(name, _PROXY_WORDS):
        return Role.PROXY
    return Role.APPLICATION


def _has_word(name: str, words: tuple[str, ...]) -> bool:
    return any(f"-{word}-" in f"-{name}-" for word in words)


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
