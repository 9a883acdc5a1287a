"""What one running task answers, and that it answers for nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from endpoints.making import AWSVPC, BEGIN_S, CREDENTIALS, awsvpc_task, bridge_task, definition_of, task_state
from pillion.core.lifecycle.state import ContainerState, TaskState
from pillion.core.lifecycle.states import TaskStatus
from pillion.core.plan.endpoints import EndpointIds
from pillion.endpoints import TaskDesk
from pillion.endpoints.desk import NOT_OF_A_SERVICE
from pillion.ports.aws import RoleCredentials
from pillion.ports.queries import ContainerStats, CredentialsNotReadyError, TaskView

IDS = EndpointIds(containers={"app": "id-a", "agent": "id-b"}, credentials="id-c")


@dataclass
class Roles:
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def credentials_of(self, role_arn: str, session_name: str) -> RoleCredentials:
        self.asked.append((role_arn, session_name))
        return CREDENTIALS


def desk_of(task: TaskView, *, ids: EndpointIds = IDS, roles: Roles | None = None) -> TaskDesk:
    return TaskDesk(
        plan=task.plan,
        definition=task.definition,
        ids=ids,
        state=lambda: task.state,
        facts=lambda name: task.facts[name],
        roles=roles,
        tags=task.tags,
        availability_zone=task.availability_zone,
    )


def with_state(task: TaskView, state: TaskState) -> TaskView:
    return replace(task, state=state)


def test_a_container_is_found_by_its_id_with_the_task_as_it_is_now() -> None:
    task = awsvpc_task()
    found = desk_of(task).container_of("id-b")
    assert found is not None
    assert (found.name, found.task) == ("agent", task)


@pytest.mark.parametrize("endpoint_id", ["", "id-c", "id-z"])
def test_other_ids_are_not_known(endpoint_id: str) -> None:
    assert desk_of(awsvpc_task()).container_of(endpoint_id) is None


def test_a_container_is_known_from_its_creation_on() -> None:
    task = awsvpc_task()
    states = {**task.state.containers, "app": ContainerState()}
    assert desk_of(with_state(task, task_state(task.plan, states))).container_of("id-a") is None


def test_whoever_reaches_the_desk_of_an_awsvpc_task_belongs_to_it() -> None:
    task, bridge = awsvpc_task(), bridge_task()
    assert desk_of(task).task_at("169.254.172.2") == task
    assert desk_of(bridge, ids=EndpointIds(containers={"app": "x"})).task_at("172.17.0.4") is None


async def test_credentials_are_those_of_the_task_role_named_after_the_task() -> None:
    roles = Roles()
    task = awsvpc_task()
    assert await desk_of(task, roles=roles).role_credentials("id-c") is CREDENTIALS
    assert roles.asked == [("arn:aws:iam::123456789012:role/web", task.plan.identity.task_id)]


async def test_credentials_are_gone_with_the_task_and_unknown_by_another_id() -> None:
    task = awsvpc_task()
    ended = task_state(task.plan, task.state.containers, known=TaskStatus.STOPPED, stopped_at_s=BEGIN_S)
    roles = Roles()
    assert await desk_of(with_state(task, ended), roles=roles).role_credentials("id-c") is None
    assert await desk_of(task, roles=roles).role_credentials("id-a") is None
    assert roles.asked == []


async def test_a_task_without_a_role_gives_no_credentials_for_no_id() -> None:
    document = {key: value for key, value in AWSVPC.items() if key != "taskRoleArn"}
    task = awsvpc_task(definition=definition_of(document))
    desk = desk_of(task, ids=replace(IDS, credentials=None), roles=Roles())
    assert await desk.role_credentials("") is None
    assert not desk.view().has_task_role


async def test_credentials_that_nobody_can_get_are_not_ready() -> None:
    with pytest.raises(CredentialsNotReadyError):
        await desk_of(awsvpc_task()).role_credentials("id-c")


async def test_a_task_of_no_service_cannot_be_protected() -> None:
    task = awsvpc_task()
    desk = desk_of(task)
    answers = [await desk.protection(task), await desk.protect(task, enabled=True, expires_in_minutes=5)]
    assert answers == [NOT_OF_A_SERVICE] * 2


async def test_statistics_come_from_whoever_has_them() -> None:
    task = awsvpc_task()

    async def stats_of(container: str) -> ContainerStats | None:
        return ContainerStats(document={"name": container})

    desk = replace(desk_of(task), stats_of=stats_of)
    assert await desk.stats(task, "app") == ContainerStats(document={"name": "app"})
    assert await desk_of(task).stats(task, "app") is None
