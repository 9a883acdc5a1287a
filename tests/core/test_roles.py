"""What a container is for, guessed from the words of its image and of its name."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.roles import Role, known_kind, role_of
from pillion.core.task_view import TaskView


@pytest.mark.parametrize(
    ("image", "role"),
    [
        ("public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", Role.LOG_ROUTER),
        ("timberio/vector:0.34", Role.LOG_ROUTER),
        ("vector@sha256:ab", Role.LOG_ROUTER),
        ("vectorize/api:1", None),
        ("vector:5000/api:1", None),  # a registry's name says nothing
        ("envoyproxy/envoy:v1.29", Role.PROXY),
        ("local/envoy", Role.PROXY),
        ("shop/envoy-admin:1", None),
        ("prom/statsd-exporter:v0.26", Role.AGENT),
        ("grafana/alloy:latest", Role.AGENT),
        ("shop/web:1", None),
    ],
)
def test_an_image_gives_the_role_away(image: str, role: Role | None) -> None:
    """The name of a repository, or a word anywhere in the reference."""
    found = known_kind(image)
    assert (None if found is None else found.role) is role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("log_router", Role.LOG_ROUTER),
        ("app-fluentbit", Role.LOG_ROUTER),
        ("otel", Role.AGENT),
        ("hotel", Role.APPLICATION),
        ("metrics_exporter", Role.AGENT),
        ("exporter-ui", Role.APPLICATION),
        ("my-envoy", Role.PROXY),
        ("convoy", Role.APPLICATION),
        ("db-migrate", Role.JOB),
        ("Config_Loader", Role.JOB),
        ("secrets-init", Role.JOB),
        ("initial", Role.APPLICATION),
        ("init-otel", Role.JOB),  # a job that ends before anything else
    ],
)
def test_a_name_is_read_by_its_words(name: str, role: Role) -> None:
    """Whole words between dashes or underscores, in either case."""
    containers: list[dict[str, Any]] = [{"name": name, "image": "shop/thing:1"}]
    task = TaskView({"containerDefinitions": containers})
    assert role_of(task, task.containers[0]) is role
