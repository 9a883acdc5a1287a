from __future__ import annotations

import pytest

from pillion.core.rules.examples import app
from pillion.inputs import Subject, UnknownValuesError, choose_definition, complete_definition
from pillion.inputs.complete import STAND_IN


def template(**container: object) -> Subject:
    properties = {
        "TaskRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "ContainerDefinitions": [{"Name": "app", "Image": "web:1", "Memory": 64, **container}],
    }
    resource = {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}
    return choose_definition({"Resources": {"Web": resource}})


def test_a_role_that_only_the_deployment_knows_gets_a_stand_in() -> None:
    found = complete_definition(template(), to_run=True)
    assert found.value == {
        "family": "Web",
        "taskRoleArn": f"arn:aws:iam::123456789012:role/{STAND_IN}",
        "containerDefinitions": [{"name": "app", "image": "web:1", "memory": 64}],
    }
    assert found.stand_ins == (("taskRoleArn",),)


def test_an_unknown_image_can_be_rehearsed_and_not_run() -> None:
    subject = template(Image={"Ref": "Image"})
    path = ("containerDefinitions", 0, "image")
    assert path in complete_definition(subject, to_run=False).stand_ins
    with pytest.raises(UnknownValuesError) as caught:
        complete_definition(subject, to_run=True)
    assert caught.value.paths == (path,)


def test_a_number_that_decides_about_times_has_no_stand_in() -> None:
    subject = template(StopTimeout={"Ref": "Patience"})
    with pytest.raises(UnknownValuesError) as caught:
        complete_definition(subject, to_run=False)
    assert caught.value.paths == (("containerDefinitions", 0, "stopTimeout"),)


def test_unknown_values_of_variables_and_log_options_do_not_stop_a_rehearsal() -> None:
    subject = template(
        Environment=[{"Name": "QUEUE", "Value": {"Ref": "Queue"}}],
        LogConfiguration={"LogDriver": "awslogs", "Options": {"awslogs-group": {"Ref": "Group"}}},
    )
    assert len(complete_definition(subject, to_run=False).stand_ins) == 3
    with pytest.raises(UnknownValuesError) as caught:
        complete_definition(subject, to_run=True)
    assert caught.value.paths == (("containerDefinitions", 0, "environment", 0, "value"),)


def test_what_a_list_of_containers_does_not_say_is_left_out() -> None:
    found = complete_definition(choose_definition([app()]), to_run=True)
    assert found.value == {"family": "task", "containerDefinitions": [app()]}
    assert found.stand_ins == ()
