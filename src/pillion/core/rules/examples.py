"""Short ways to write whole definitions, for the examples that every rule carries.

The helpers leave out nothing that AWS asks for, so an example differs from a good definition only in what
its rule is about.
"""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]


def sidecar(name: str, /, **members: object) -> Definition:
    """A further container with a name, a pinned image and a memory limit; `None` takes a member away."""
    return _merged({"name": name, "image": f"example/{name}:1.4.2", "memory": 256}, members)


def app(**members: object) -> Definition:
    """The application's container."""
    return sidecar("app", **members)


def task(*containers: Definition, **members: object) -> Definition:
    """A definition for EC2; without containers, one application."""
    return _merged({"family": "web", "containerDefinitions": list(containers) or [app()]}, members)


def fargate(*containers: Definition, **members: object) -> Definition:
    """A definition for Fargate of the size 0.5 vCPU and 1 GiB, with an execution role."""
    base: Definition = {
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "executionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        "containerDefinitions": list(containers) or [app()],
    }
    return _merged(base, members)


def depends(**conditions: str) -> list[Definition]:
    """A dependsOn list: `depends(db="HEALTHY")`."""
    return [{"containerName": name, "condition": condition} for name, condition in conditions.items()]


def health_check(command: str = "/bin/app --healthy", **members: object) -> Definition:
    """A health check with a command that does not depend on what the image holds."""
    return {"command": ["CMD-SHELL", command], **members}


def awslogs(**options: str | None) -> Definition:
    """A complete awslogs configuration; options are written with `_` for `-`, None takes one away."""
    base = {"awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
    given = {key.replace("_", "-"): value for key, value in options.items()}
    return {"logDriver": "awslogs", "options": _merged(base, given)}


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**base, **extra}.items() if value is not None}
