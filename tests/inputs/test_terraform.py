from __future__ import annotations

import json
from typing import Any

from pillion.core.task_view import UNKNOWN
from pillion.inputs import Road, find_definitions

CONTAINERS = [{"name": "app", "image": "app:1", "memory": 128}]
VALUES: dict[str, Any] = {
    "family": "web",
    "cpu": "512",
    "memory": None,
    "network_mode": "awsvpc",
    "requires_compatibilities": ["FARGATE"],
    "container_definitions": json.dumps(CONTAINERS),
    "ephemeral_storage": [{"size_in_gib": 30}],
    "runtime_platform": [{"operating_system_family": "LINUX", "cpu_architecture": "ARM64"}],
    "proxy_configuration": [
        {"type": "APPMESH", "container_name": "envoy", "properties": {"IgnoredUID": "1337"}}
    ],
    "volume": [
        {
            "name": "data",
            "host_path": "",
            "configure_at_launch": False,
            "docker_volume_configuration": [],
            "efs_volume_configuration": [
                {
                    "file_system_id": "fs-1",
                    "root_directory": "/",
                    "transit_encryption": "ENABLED",
                    "transit_encryption_port": 0,
                    "authorization_config": [{"access_point_id": "", "iam": "ENABLED"}],
                }
            ],
        }
    ],
    "tags": {"team": "web"},
    "ipc_mode": "",
    "inference_accelerator": [],
}
DEFINITION: dict[str, Any] = {
    "family": "web",
    "cpu": "512",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": CONTAINERS,
    "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"},
    "proxyConfiguration": {
        "type": "APPMESH",
        "containerName": "envoy",
        "properties": [{"name": "IgnoredUID", "value": "1337"}],
    },
    "volumes": [
        {
            "name": "data",
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-1",
                "rootDirectory": "/",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"iam": "ENABLED"},
            },
        }
    ],
    "tags": [{"key": "team", "value": "web"}],
}


def change(
    after: object, after_unknown: object = None, kind: str = "aws_ecs_task_definition"
) -> dict[str, Any]:
    return {
        "address": f"module.a.{kind}.web",
        "type": kind,
        "change": {"actions": ["create"], "after": after, "after_unknown": after_unknown},
    }


def plan(*changes: object) -> dict[str, Any]:
    return {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": list(changes)}


def test_a_plan_is_read_as_the_api_spells_it() -> None:
    (subject,) = find_definitions(plan(change({}, kind="aws_vpc"), change(VALUES)))
    assert (subject.name, subject.road) == ("module.a.aws_ecs_task_definition.web", Road.TERRAFORM)
    assert subject.value == DEFINITION


def test_what_is_known_after_apply_is_unknown() -> None:
    unknown = {"execution_role_arn": True, "container_definitions": True, "volume": [{"name": True}]}
    (subject,) = find_definitions(plan(change(VALUES | {"container_definitions": None}, unknown)))
    assert subject.value["executionRoleArn"] is UNKNOWN
    assert subject.value["containerDefinitions"] is UNKNOWN
    assert subject.value["volumes"][0]["name"] is UNKNOWN


def test_a_resource_that_will_be_destroyed_is_not_checked() -> None:
    assert find_definitions(plan(change(None))) == []


def test_the_state_is_read_with_its_modules() -> None:
    resource = {"type": "aws_ecs_task_definition", "address": "aws_ecs_task_definition.web", "values": VALUES}
    state = {
        "format_version": "1.0",
        "values": {"root_module": {"child_modules": [{"resources": [resource]}]}},
    }
    (subject,) = find_definitions(state)
    assert subject.value == DEFINITION
    assert subject.locate(("containerDefinitions", 0, "name")) == (
        *("values", "root_module", "child_modules", 0, "resources", 0, "values", "container_definitions"),
    )


def test_a_state_file_is_read() -> None:
    resource = {
        "module": "module.a",
        "type": "aws_ecs_task_definition",
        "name": "web",
        "instances": [{"index_key": "x", "attributes": VALUES}],
    }
    (subject,) = find_definitions({"version": 4, "terraform_version": "1.9.0", "resources": [resource]})
    assert subject.name == 'module.a.aws_ecs_task_definition.web["x"]'
    assert subject.value == DEFINITION


def test_containers_that_are_no_json_are_left_for_the_structure_check() -> None:
    (subject,) = find_definitions(plan(change(VALUES | {"container_definitions": "[{"})))
    assert subject.value["containerDefinitions"] == "[{"
