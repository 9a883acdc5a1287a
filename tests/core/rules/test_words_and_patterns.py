"""Texts that rules take or refuse: images, references to secrets, ports, variables, commands."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.core.rules.check import check_definition
from pillion.core.rules.examples import app, depends, fargate, health_check, sidecar, task

DIGEST = "sha256:" + "a" * 64


def hits(value: object, code: str) -> int:
    return sum(finding.code == code for finding in check_definition(value))


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("nginx", False),
        ("public.ecr.aws/docker/library/nginx:1.27-alpine", False),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1", False),
        (f"nginx@{DIGEST}", False),
        (f"nginx:1.27@{DIGEST}", False),
        ("localhost:5000/app:1", False),
        ("nginx ", True),
        ("$IMAGE", True),
        ("nginx:${TAG}", True),
        ("nginx@sha256:abc", True),
        ("nginx:1.27\n", True),
    ],
)
def test_images_are_taken_or_refused(image: str, *, refused: bool) -> None:
    assert hits(task(app(image=image)), "E024") == refused


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("localhost:5000/nginx", True),
        ("nginx:1.27", False),
        (f"nginx@{DIGEST}", False),
        (f"nginx:latest@{DIGEST}", False),
    ],
)
def test_tags_that_move_are_told(image: str, *, moves: bool) -> None:
    assert hits(task(app(image=image)), "W001") == moves


ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-a1b2c3"


@pytest.mark.parametrize(
    ("reference", "refused", "incomplete"),
    [
        (ARN, False, False),
        (f"{ARN}:password::", False, False),
        (f"{ARN}::AWSPREVIOUS:", False, False),
        (f"{ARN}:password", False, True),
        (f"{ARN}:password::x:y", False, True),
        ("arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:db", False, False),
        ("arn:aws:ssm:eu-west-1:111122223333:parameter/db/password", False, False),
        ("/db/password", False, False),
        ("db.password", False, False),
        ("db:password::", True, False),
        ("my secret", True, False),
        ("arn:aws:secretsmanager:eu-west-1:1111:secret:db", True, False),
    ],
)
def test_references_to_secrets_are_taken_or_refused(
    reference: str, *, refused: bool, incomplete: bool
) -> None:
    value = fargate(app(secrets=[{"name": "DB", "valueFrom": reference}]))
    assert (hits(value, "E504"), hits(value, "W501")) == (refused, incomplete)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "hunter2", True),
        ("API_KEY", "a8f3c0", True),
        ("apiKey", "a8f3c0", True),
        ("GITHUB_TOKEN", "x", True),
        ("URL", "postgres://user:hunter2@db/app", True),
        ("WHATEVER", "AKIAIOSFODNN7EXAMPLE", True),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD", "/run/secrets/db", False),
        ("DB_PASSWORD", "${DB_PASSWORD}", False),
        ("TOKEN", "true", False),
        ("TOKEN_LIFETIME", "3600", False),
        ("PASSWORD_MIN_LENGTH", "12", False),
        ("URL", "https://example.com/a", False),
        ("SECRET", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x", False),
        ("KEYSTORE", "x", False),
    ],
)
def test_secrets_in_plain_sight_are_told_and_others_not(name: str, value: str, *, secret: bool) -> None:
    assert hits(task(app(environment=[{"name": name, "value": value}])), "W502") == secret


def ports(*mappings: dict[str, Any], mode: str = "awsvpc") -> dict[str, Any]:
    return task(
        app(portMappings=list(mappings[:1])), sidecar("b", portMappings=list(mappings[1:])), networkMode=mode
    )


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ({"containerPort": 80}, {"containerPort": 80}, True),
        ({"containerPort": 80}, {"containerPort": 81}, False),
        ({"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}, False),
        ({"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, True),
        ({"containerPort": 80}, {"containerPortRange": "70-80"}, True),
        ({"containerPort": 80}, {"containerPortRange": "81-90"}, False),
        ({"containerPortRange": "60-70"}, {"containerPortRange": "70-80"}, True),
    ],
)
def test_ports_clash_within_a_protocol_ranges_included(
    first: dict[str, Any], second: dict[str, Any], *, clash: bool
) -> None:
    assert hits(ports(first, second), "E302") == clash
    assert hits(ports(first, second, mode="bridge"), "E302") == 0


@pytest.mark.parametrize(
    ("image", "command", "lacks"),
    [
        ("gcr.io/distroless/static", "curl -f localhost", True),
        ("otel/opentelemetry-collector-contrib:0.110.0", "wget -q localhost:13133", True),
        ("public.ecr.aws/aws-observability/aws-otel-collector:v0.41.0", "curl localhost", True),
        ("nginx:1.27-alpine", "curl -f http://localhost/", True),
        ("nginx:1.27-alpine", "wget -q --spider http://localhost/", False),
        ("python:3.12-slim", "curl localhost", True),
        ("python:3.12", "curl localhost", False),
        ("node:22", "curl localhost", False),
        ("envoyproxy/envoy:v1.31.2", "curl -s localhost:9901/ready", True),
        ("envoyproxy/envoy:v1.31.2", "bash -c ':> /dev/tcp/127.0.0.1/9901'", False),
        ("busybox:1.36", "wget -q localhost", False),
    ],
)
def test_programs_that_an_image_is_known_to_lack_are_told(image: str, command: str, *, lacks: bool) -> None:
    assert hits(task(app(image=image, healthCheck=health_check(command))), "W804") == lacks


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("REDIS_HOST", "redis", True),
        ("REDIS_URL", "redis://redis:6379/0", True),
        ("REDIS_URL", "redis://user:x@redis:6379", True),
        ("REDIS", "redis:6379", True),
        ("REDIS_URL", "redis://127.0.0.1:6379", False),
        ("REDIS_URL", "redis://redis.internal:6379", False),
        ("CACHE", "redis", False),
        ("IMAGE", "redis:7", False),
    ],
)
def test_a_sibling_by_name_is_told_where_a_host_stands(variable: str, value: str, *, told: bool) -> None:
    value_of_task = fargate(app(environment=[{"name": variable, "value": value}]), sidecar("redis"))
    assert hits(value_of_task, "W304") == told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sh", "-c", "migrate && node server.js"], True),
        (["/bin/bash", "-c", "a; b"], True),
        (["sh", "-c", "node server.js"], False),
        (["sh", "-c", "migrate && exec node server.js"], False),
        (["sh", "-c", "trap 'kill $!' TERM; node server.js & wait"], False),
        (["node", "server.js"], False),
    ],
)
def test_a_shell_that_stays_process_1_is_told(command: list[str], *, told: bool) -> None:
    assert hits(task(app(command=command)), "W109") == told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["python server.py"], True),
        (["./run --fast"], True),
        (["python", "server.py"], False),
        (["echo"], False),
        (["SELECT 1"], True),
        (["a = b"], True),
    ],
)
def test_a_command_in_one_word_is_told(command: list[str], *, told: bool) -> None:
    assert hits(task(app(command=command)), "W003") == told
    assert hits(task(app(entryPoint=["sh", "-c"], command=command)), "W003") == 0


@pytest.mark.parametrize(
    ("interval", "retries", "start_period", "part"),
    [
        (60, 3, 0, "can never start"),
        (30, 3, 0, "may take 90 s"),
        (10, 3, 40, "may take 70 s"),
        (10, 3, 30, None),
    ],
)
def test_a_health_check_slower_than_start_timeout_is_told(
    interval: int, retries: int, start_period: int, part: str | None
) -> None:
    check = {**health_check(), "interval": interval, "retries": retries, "startPeriod": start_period}
    value = task(app(dependsOn=depends(db="HEALTHY")), sidecar("db", startTimeout=60, healthCheck=check))
    found = [finding.message for finding in check_definition(value) if finding.code == "W801"]
    assert len(found) == (part is not None)
    assert part is None or part in found[0]


def test_start_timeout_does_not_matter_where_nobody_waits_for_health() -> None:
    check = {**health_check(), "interval": 60}
    value = task(app(dependsOn=depends(db="START")), sidecar("db", startTimeout=60, healthCheck=check))
    assert hits(value, "W801") == 0
