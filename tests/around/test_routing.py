"""What a log router adds to a run: where AWS's host names lead, and who answers there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pillion.around import routing as routing_module
from pillion.around.routing import Routing, open_routing
from pillion.around.serving import Place, Way
from pillion.aws.backend import AwsBackend
from pillion.aws.settings import AwsMode, AwsSettings
from pillion.core.plan.options import RunOptions
from pillion.core.taskdef.parse import parse_task_definition
from pillion.preparing import PreparedTask, prepare_task
from pillion.run_settings import RunSettings

INSIDE = Place(way=Way.NAMESPACE, metadata="169.254.170.2", aws="169.254.170.2:4566")
ON_HOST = Place(way=Way.LOOPBACK, metadata="127.0.0.1:1", aws="127.0.0.1:2")
CLOUDWATCH = {"Name": "cloudwatch_logs", "region": "us-east-2", "log_group_name": "/g"}


def prepared(mode: str, **members: Any) -> PreparedTask:
    document = {
        "family": "web",
        "networkMode": mode,
        "containerDefinitions": [
            {"name": "router", "image": "r", "memory": 64, "firelensConfiguration": {"type": "fluentbit"}},
            {
                "name": "app",
                "image": "a",
                "memory": 64,
                "logConfiguration": {"logDriver": "awsfirelens", "options": CLOUDWATCH},
                **members,
            },
        ],
    }
    definition = parse_task_definition(document).definition
    assert definition is not None
    return prepare_task(definition, None, RunOptions(), cluster="default")


def routing_of(task: PreparedTask, folder: Path, place: Place, aws: AwsMode = AwsMode.LOCAL) -> Routing:
    backend = AwsBackend(AwsSettings(mode=aws), region="eu-west-1", folder=folder)
    settings = RunSettings(state_folder=folder / "s", aws=backend.settings)
    made = open_routing(task.plan, task.running, settings, backend, place)
    assert made is not None
    return made


def hosts(task: PreparedTask, routing: Routing) -> dict[str, dict[str, str]]:
    """Return where names lead, by container, for those that know any."""
    plan = routing.amend(task.plan)
    found = {item.name: dict(item.namespaces.extra_hosts) for item in plan.containers}
    return {name: names for name, names in found.items() if names}


@pytest.fixture
def folder() -> Any:
    """Return a folder with a path short enough for a socket."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="r-") as made:
        yield Path(made)


def test_names_of_the_tasks_region_and_of_those_that_outputs_name_lead_inside(folder: Path) -> None:
    task = prepared("awsvpc")
    routing = routing_of(task, folder, INSIDE)
    (names,) = hosts(task, routing).values()
    assert {names[f"logs.{region}.amazonaws.com"] for region in ("eu-west-1", "us-east-2")} == {
        "169.254.170.2"
    }
    assert "AWS's host names in eu-west-1 and us-east-2 lead to local AWS" in routing.notices[0].text
    (router,) = (item for item in routing.amend(task.plan).containers if item.name == "router")
    assert router.binds[-1].container_path.startswith("/etc/ssl/certs/")


@pytest.mark.parametrize("mode", [AwsMode.REAL, AwsMode.NONE])
def test_aws_itself_and_no_aws_leave_the_names_alone(folder: Path, mode: AwsMode) -> None:
    task = prepared("awsvpc")
    routing = routing_of(task, folder, INSIDE, mode)
    assert (hosts(task, routing), routing.tls, routing.notices) == ({}, None, ())


async def test_in_host_mode_they_lead_to_an_address_of_the_loopback_that_is_the_tasks_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing_module, "TLS_PORT", 0)  # 443 is root's
    task = prepared("host")
    first, again = (routing_of(task, folder, ON_HOST) for _ in range(2))
    (listener,) = first.sockets
    address, port = listener.getsockname()
    assert address.startswith("127.")
    assert address != "127.0.0.1"
    assert again.sockets[0].getsockname()[0] == address
    assert {name: set(names.values()) for name, names in hosts(task, first).items()} == {"router": {address}}
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    for item in (*first.sockets, *again.sockets):
        item.close()


def test_where_nobody_can_answer_the_names_lead_nowhere_and_not_to_aws(folder: Path) -> None:
    task = prepared("host", portMappings=[{"containerPort": 443}])
    routing = routing_of(task, folder, ON_HOST)
    assert routing.sockets == ()
    assert list(hosts(task, routing)) == ["router"]
    assert [(notice.code, notice.container) for notice in routing.notices] == [("no-tls", "router")]
    assert "what the log router sends there is lost: port 443 is a container's" in routing.notices[0].text


def test_a_router_that_runs_is_answered_by_the_ca_that_it_trusts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = prepared("awsvpc")
    with monkeypatch.context() as short:
        short.setattr("pillion.aws.tls._VALID_FOR", timedelta(days=29))
        first = routing_of(task, folder, INSIDE)
    amended = replace(task, plan=first.amend(task.plan))
    new, taken_over = routing_of(task, folder, INSIDE), routing_of(amended, folder, INSIDE)
    assert first.authority is not None
    assert new.authority is not None
    assert taken_over.authority is not None
    assert new.authority.certificate != first.authority.certificate
    assert taken_over.authority.certificate == first.authority.certificate
