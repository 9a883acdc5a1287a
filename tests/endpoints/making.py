"""A task in the middle of its life, as short as a test wants to write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from pillion.core.inputs.secret import SecretValue
from pillion.core.lifecycle.state import ContainerState, HealthState, TaskState, initial_state
from pillion.core.lifecycle.states import ContainerStatus, HealthStatus, TaskStatus
from pillion.core.plan.build import make_plan
from pillion.core.plan.facts import ContainerFacts, NetworkAddress, PortBinding
from pillion.core.plan.model import TaskIdentity, TaskPlan
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.parse import parse_task_definition
from pillion.ports.aws import RoleCredentials
from pillion.ports.queries import (
    AskedContainer,
    ContainerStats,
    Protection,
    ProtectionCallError,
    ProtectionFailure,
    TaskView,
)

TASK_ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TASK_ARN = f"arn:aws:ecs:us-east-1:123456789012:task/shop/{TASK_ID}"
IDENTITY = TaskIdentity(
    task_id=TASK_ID,
    task_arn=TASK_ARN,
    cluster="shop",
    cluster_arn="arn:aws:ecs:us-east-1:123456789012:cluster/shop",
    family="web",
    revision=7,
    definition_arn="arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
    region="us-east-1",
    account="123456789012",
)
BEGIN_S = 1767323045.6  # 2026-01-02T03:04:05.6Z
PAUSE = "~internal~ecs~pause"

AWSVPC = {
    "family": "web",
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "taskRoleArn": "arn:aws:iam::123456789012:role/web",
    "volumes": [{"name": "data"}, {"name": "home", "host": {"sourcePath": "/srv/home"}}],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "shop/app:1",
            "memory": 128,
            "portMappings": [{"containerPort": 80}],
            "healthCheck": {"command": ["CMD-SHELL", "true"]},
            "dockerLabels": {"team": "blue"},
            "mountPoints": [
                {"sourceVolume": "data", "containerPath": "/data"},
                {"sourceVolume": "home", "containerPath": "/home", "readOnly": True},
            ],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/shop",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "p",
                },
            },
        },
        {
            "name": "agent",
            "image": "shop/agent:2",
            "cpu": 64,
            "essential": False,
            "restartPolicy": {"enabled": True},
            "logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "cloudwatch"}},
        },
    ],
}
BRIDGE = {
    "family": "web",
    "networkMode": "bridge",
    "containerDefinitions": [
        {"name": "app", "image": "shop/app:1", "memory": 128, "portMappings": [{"containerPort": 80}]},
        {"name": "init", "image": "shop/init:1", "memory": 64, "essential": False},
    ],
}


def definition_of(document: Mapping[str, Any]) -> TaskDefinition:
    definition = parse_task_definition(document).definition
    assert definition is not None
    return definition


def running(name: str, **changes: Any) -> ContainerState:
    """Return the state of a container that runs."""
    digit = f"{sum(name.encode()) % 16:x}"
    settled: dict[str, Any] = {
        "known": ContainerStatus.RUNNING,
        "runtime_id": digit * 64,
        "image_id": f"sha256:{digit * 64}",
        "created_at_s": BEGIN_S,
        "started_at_s": BEGIN_S + 0.5,
    }
    return ContainerState(**settled | changes)


def awsvpc_task(**changes: Any) -> TaskView:
    """Return a task of awsvpc mode that runs."""
    definition = definition_of(AWSVPC)
    plan = make_plan(definition, IDENTITY, RunOptions())
    health = HealthState(status=HealthStatus.HEALTHY, since_s=BEGIN_S + 30.4, output="ok")
    containers = {
        PAUSE: running(
            PAUSE,
            known=ContainerStatus.RESOURCES_PROVISIONED,
            desired=ContainerStatus.RESOURCES_PROVISIONED,
        ),
        "app": running("app", health=health),
        "agent": running("agent", restart_count=0),
    }
    address = NetworkAddress(
        network="pillion-shop",
        ipv4="172.19.0.5",
        mac="02:42:ac:13:00:05",
        gateway_ipv4="172.19.0.1",
        prefix_length=16,
    )
    facts = dict.fromkeys(containers, ContainerFacts(addresses=(address,), namespace_pid=4711))
    view = TaskView(
        plan=plan,
        state=task_state(plan, containers),
        definition=definition,
        facts=facts,
        has_task_role=True,
        tags={"Name": "web", "Cost": "7"},
        availability_zone="us-east-1a",
    )
    return replace(view, **changes)


def bridge_task(**changes: Any) -> TaskView:
    """Return a task of bridge mode: one container runs, one has ended."""
    definition = definition_of(BRIDGE)
    plan = make_plan(definition, IDENTITY, RunOptions())
    ended = running("init", known=ContainerStatus.STOPPED, exit_code=0, finished_at_s=BEGIN_S + 2)
    app = ContainerFacts(
        bindings=(
            PortBinding(host_ip="127.0.0.1", host_port=32768, container_port=80, protocol="tcp"),
            PortBinding(host_ip="127.0.0.1", host_port=9000, container_port=8000, protocol="udp", count=2),
        ),
        addresses=(NetworkAddress(network="bridge", ipv4="172.17.0.4", ipv6="2001:db8::4"),),
    )
    view = TaskView(
        plan=plan,
        state=task_state(plan, {"app": running("app"), "init": ended}),
        definition=definition,
        facts={"app": app},
    )
    return replace(view, **changes)


def task_state(plan: TaskPlan, containers: Mapping[str, ContainerState], **changes: Any) -> TaskState:
    settled: dict[str, Any] = {
        "containers": containers,
        "known": TaskStatus.RUNNING,
        "pull_started_at_s": BEGIN_S - 2,
        "pull_stopped_at_s": BEGIN_S - 1.25,
    }
    return replace(initial_state(plan.spec), **settled | changes)


CREDENTIALS = RoleCredentials(
    role_arn="arn:aws:iam::123456789012:role/web",
    access_key_id="ASIAEXAMPLE",
    secret_access_key=SecretValue("wJalr"),
    session_token=SecretValue("IQoJb"),
    expires_at_s=1767344645.75,  # 2026-01-02T09:04:05.75Z
)


@dataclass
class FakeQueries:
    """Answers for the tasks it is given; endpoint ids are `id-` and the container's name."""

    task: TaskView
    statistics: dict[str, ContainerStats] = field(default_factory=dict)
    address: str | None = None
    given: RoleCredentials | None = CREDENTIALS
    credentials_error: Exception | None = None
    protected: Protection | ProtectionFailure = field(default_factory=lambda: Protection(enabled=False))
    protection_error: ProtectionCallError | TimeoutError | None = None
    wishes: list[tuple[bool, int | None]] = field(default_factory=list)

    def container_of(self, endpoint_id: str) -> AskedContainer | None:
        name = endpoint_id.removeprefix("id-")
        known = endpoint_id.startswith("id-") and name in self.task.state.containers
        return AskedContainer(task=self.task, name=name) if known else None

    def task_at(self, address: str) -> TaskView | None:
        return self.task if address == self.address else None

    async def stats(self, task: TaskView, container: str) -> ContainerStats | None:
        return self.statistics.get(container)

    async def role_credentials(self, credentials_id: str) -> RoleCredentials | None:
        if self.credentials_error is not None:
            raise self.credentials_error
        return self.given if credentials_id == "credentials-id" else None

    async def protection(self, task: TaskView) -> Protection | ProtectionFailure:
        if self.protection_error is not None:
            raise self.protection_error
        return self.protected

    async def protect(
        self, task: TaskView, *, enabled: bool, expires_in_minutes: int | None
    ) -> Protection | ProtectionFailure:
        self.wishes.append((enabled, expires_in_minutes))
        return await self.protection(task)
