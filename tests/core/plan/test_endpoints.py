from __future__ import annotations

from itertools import count

import pytest
from msgspec.structs import replace

from endpoints.making import PAUSE, awsvpc_task
from pillion.core.plan.endpoints import EndpointIds, draw_endpoint_ids, with_endpoints

IDS = EndpointIds(containers={"app": "id-a", "agent": "id-b"}, credentials="id-c")


def test_every_container_of_the_definition_gets_an_id_of_its_own() -> None:
    numbers = count(1)
    plan = awsvpc_task().plan
    drawn = draw_endpoint_ids(plan, has_task_role=True, draw=lambda: f"id-{next(numbers)}")
    assert drawn == EndpointIds(containers={"app": "id-1", "agent": "id-2"}, credentials="id-3")
    assert draw_endpoint_ids(plan, has_task_role=False, draw=lambda: "x").credentials is None


def test_variables_lead_to_the_agents_address() -> None:
    plan = with_endpoints(awsvpc_task().plan, IDS)
    assert plan.container("app").environment == {
        "ECS_CONTAINER_METADATA_URI": "http://169.254.170.2/v3/id-a",
        "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/id-a",
        "ECS_AGENT_URI": "http://169.254.170.2/api/id-a",
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/id-c",
    }


def test_pause_containers_get_nothing() -> None:
    assert with_endpoints(awsvpc_task().plan, IDS).container(PAUSE).environment == {}


def test_variables_win_over_the_definition_and_leave_others() -> None:
    plan = awsvpc_task().plan
    pause, app, agent = plan.containers
    own = {"ECS_AGENT_URI": "mine", "COLOUR": "blue"}
    plan = replace(plan, containers=(pause, replace(app, environment=own), agent))
    environment = with_endpoints(plan, IDS).container("app").environment
    assert (environment["ECS_AGENT_URI"], environment["COLOUR"]) == (
        "http://169.254.170.2/api/id-a", "blue",
    )  # fmt: skip


def test_without_a_role_there_are_no_credentials() -> None:
    environment = (
        with_endpoints(awsvpc_task().plan, replace(IDS, credentials=None)).container("app").environment
    )
    assert not [name for name in environment if "CREDENTIALS" in name]


def test_elsewhere_than_at_the_agents_address_credentials_have_a_full_uri() -> None:
    environment = (
        with_endpoints(awsvpc_task().plan, IDS, authority="127.0.0.1:51679").container("app").environment
    )
    assert environment == {
        "ECS_CONTAINER_METADATA_URI": "http://127.0.0.1:51679/v3/id-a",
        "ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:51679/v4/id-a",
        "ECS_AGENT_URI": "http://127.0.0.1:51679/api/id-a",
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:51679/v2/credentials/id-c",
    }


@pytest.mark.parametrize(
    ("launch_type", "value"), [("FARGATE", "AWS_ECS_FARGATE"), ("EXTERNAL", "AWS_ECS_EXTERNAL")]
)
def test_the_execution_environment_follows_the_launch_type(launch_type: str, value: str) -> None:
    plan = awsvpc_task().plan
    plan = replace(plan, identity=replace(plan.identity, launch_type=launch_type))
    assert with_endpoints(plan, IDS).container("agent").environment["AWS_EXECUTION_ENV"] == value
