from __future__ import annotations

from typing import Any

from pillion.core.task_view import UNKNOWN
from pillion.inputs import Road, find_definitions


def template(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}


def test_members_get_the_spelling_and_the_types_of_the_api() -> None:
    (subject,) = find_definitions(
        template(
            Family="web",
            Cpu=256,
            ProxyConfiguration={
                "ContainerName": "envoy",
                "ProxyConfigurationProperties": [{"Name": "IgnoredUID", "Value": 1337}],
            },
            Volumes=[
                {
                    "Name": "data",
                    "EFSVolumeConfiguration": {
                        "FilesystemId": "fs-1",
                        "AuthorizationConfig": {"IAM": "ENABLED"},
                    },
                }
            ],
            ContainerDefinitions=[
                {
                    "Name": "app",
                    "Memory": "512",
                    "Essential": "false",
                    "Environment": [{"Name": "DEBUG", "Value": True}],
                    "DockerLabels": {"CamelCase": 1},
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "g"}},
                }
            ],
        )
    )
    assert subject.value == {
        "family": "web",
        "cpu": "256",
        "proxyConfiguration": {
            "containerName": "envoy",
            "properties": [{"name": "IgnoredUID", "value": "1337"}],
        },
        "volumes": [
            {
                "name": "data",
                "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}},
            }
        ],
        "containerDefinitions": [
            {
                "name": "app",
                "memory": 512,
                "essential": False,
                "environment": [{"name": "DEBUG", "value": "true"}],
                "dockerLabels": {"CamelCase": "1"},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
            }
        ],
    }


def test_a_template_without_a_family_gets_one_from_cloudformation() -> None:
    (subject,) = find_definitions(template(ContainerDefinitions=[]))
    assert subject.value["family"] is UNKNOWN


def test_every_definition_is_found_and_named_by_its_logical_id() -> None:
    document = template()
    document["Resources"] |= {"Other": document["Resources"]["Task"], "Queue": {"Type": "AWS::SQS::Queue"}}
    found = find_definitions(document)
    assert [(subject.name, subject.road) for subject in found] == [
        ("Task", Road.CLOUDFORMATION),
        ("Other", Road.CLOUDFORMATION),
    ]


def test_a_path_leads_back_into_the_template() -> None:
    (subject,) = find_definitions(
        template(ContainerDefinitions=[{"Name": "app", "HealthCheck": {"Command": ["CMD", "x"]}}])
    )
    inner = ("containerDefinitions", 0, "healthCheck", "command", 1)
    assert subject.locate(inner) == (
        *("Resources", "Task", "Properties", "ContainerDefinitions", 0, "HealthCheck", "Command", 1),
    )


def test_a_path_goes_through_a_choice_that_is_made() -> None:
    document = template(
        ContainerDefinitions=[
            {"Fn::If": ["Never", {"Name": "agent"}, {"Ref": "AWS::NoValue"}]},
            {"Fn::If": ["Always", {"Fn::If": ["Never", {}, {"Name": "app"}]}, {}]},
        ]
    )
    document["Conditions"] = {"Always": {"Fn::Equals": [1, 1]}, "Never": {"Fn::Equals": [1, 2]}}
    (subject,) = find_definitions(document)
    assert subject.value["containerDefinitions"] == [{"name": "app"}]
    assert subject.locate(("containerDefinitions", 0, "name")) == (
        *("Resources", "Task", "Properties", "ContainerDefinitions"),
        *(1, "Fn::If", 1, "Fn::If", 2, "Name"),
    )


def test_a_path_ends_where_a_function_hides_the_rest() -> None:
    (subject,) = find_definitions(
        template(ContainerDefinitions={"Fn::If": ["C", [{"Name": "a"}], [{"Name": "b"}]]})
    )
    assert subject.locate(("containerDefinitions", 0, "name")) == (
        *("Resources", "Task", "Properties", "ContainerDefinitions"),
    )
