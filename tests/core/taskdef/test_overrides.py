"""Run-time overrides: reading, laying them over a definition, and how DescribeTasks shows them."""

from typing import Any

import botocore.session
import pytest

from pillion.core.errors import OverridesError
from pillion.core.taskdef.enums import ResourceType
from pillion.core.taskdef.model import (
    ContainerDefinition,
    EphemeralStorage,
    InferenceAccelerator,
    KeyValuePair,
    ResourceRequirement,
    Secret,
    TaskDefinition,
)
from pillion.core.taskdef.overrides import (
    ContainerOverride,
    InferenceAcceleratorOverride,
    TaskOverride,
    apply_overrides,
    echo_overrides,
    parse_overrides,
)
from pillion.core.taskdef.problem import ProblemCode
from pillion.core.taskdef.shapes import shape_of


def pairs(**values: str) -> tuple[KeyValuePair, ...]:
    return tuple(KeyValuePair(name=name, value=value) for name, value in values.items())


APP = ContainerDefinition(
    name="app",
    image="app:1",
    command=("serve",),
    entry_point=("/entry",),
    cpu=1,
    memory=64,
    environment=pairs(A="1", B="2"),
    secrets=(Secret(name="S", value_from="parameter"),),
)
LOG = ContainerDefinition(name="log", image="log:1", memory=32)
WEB = TaskDefinition(family="web", container_definitions=(APP, LOG), cpu="256", memory="512")


def overridden(**members: Any) -> ContainerDefinition:
    """The container `app` after an override with these members."""
    override = ContainerOverride(name="app", **members)
    return apply_overrides(WEB, TaskOverride(container_overrides=(override,))).container_definitions[0]


@pytest.mark.parametrize("cls", [TaskOverride, ContainerOverride, InferenceAcceleratorOverride])
def test_overrides_have_the_members_that_the_api_has(cls: type) -> None:
    theirs = botocore.session.get_session().get_service_model("ecs").shape_for(cls.__name__)

    ours = {member.name: member.required for member in shape_of(cls).members}
    assert ours == {name: name in theirs.required_members for name in theirs.members}


def test_the_environment_is_merged_by_name_and_keeps_its_order() -> None:
    assert overridden(environment=pairs(B="", C="3")).environment == pairs(A="1", B="", C="3")


def test_a_container_without_environment_gets_that_of_the_override() -> None:
    override = TaskOverride(container_overrides=(ContainerOverride(name="log", environment=pairs(A="1")),))

    assert apply_overrides(WEB, override).container_definitions[1].environment == pairs(A="1")


def test_secrets_are_left_alone() -> None:
    assert overridden(environment=pairs(S="plain")).secrets == APP.secrets


def test_everything_else_is_replaced_as_a_whole() -> None:
    gpu = (ResourceRequirement(type=ResourceType.GPU, value="1"),)
    changed = overridden(command=(), cpu=2, memory=128, memory_reservation=16, resource_requirements=gpu)

    assert changed == ContainerDefinition(
        name="app",
        image="app:1",
        command=(),
        entry_point=("/entry",),
        cpu=2,
        memory=128,
        memory_reservation=16,
        environment=APP.environment,
        secrets=APP.secrets,
        resource_requirements=gpu,
    )


def test_the_task_itself_can_be_given_other_sizes_roles_and_storage() -> None:
    changed = apply_overrides(
        WEB,
        TaskOverride(
            cpu="512",
            memory="1024",
            task_role_arn="arn:task",
            execution_role_arn="arn:execution",
            ephemeral_storage=EphemeralStorage(size_in_gib=30),
        ),
    )

    assert changed == TaskDefinition(
        family="web",
        container_definitions=(APP, LOG),
        cpu="512",
        memory="1024",
        task_role_arn="arn:task",
        execution_role_arn="arn:execution",
        ephemeral_storage=EphemeralStorage(size_in_gib=30),
    )


def test_an_accelerator_gets_the_other_type_by_its_name() -> None:
    one = InferenceAccelerator(device_name="one", device_type="small")
    two = InferenceAccelerator(device_name="two", device_type="small")
    definition = TaskDefinition(family="web", container_definitions=(), inference_accelerators=(one, two))
    override = InferenceAcceleratorOverride(device_name="two", device_type="large")

    changed = apply_overrides(definition, TaskOverride(inference_accelerator_overrides=(override,)))

    assert changed.inference_accelerators == (
        one,
        InferenceAccelerator(device_name="two", device_type="large"),
    )


def test_no_overrides_change_nothing() -> None:
    assert apply_overrides(WEB, TaskOverride()) == WEB
    assert apply_overrides(WEB, TaskOverride(container_overrides=(ContainerOverride(),))) == WEB


def test_two_overrides_for_a_container_both_count() -> None:
    overrides = TaskOverride(
        container_overrides=(
            ContainerOverride(name="app", cpu=5),
            ContainerOverride(name="app", environment=pairs(A="9")),
        )
    )

    changed = apply_overrides(WEB, overrides).container_definitions[0]

    assert (changed.cpu, changed.environment) == (5, pairs(A="9", B="2"))


def test_a_container_that_is_not_in_the_definition_has_the_text_of_aws() -> None:
    overrides = TaskOverride(container_overrides=(ContainerOverride(name="ap", cpu=1),))

    with pytest.raises(OverridesError) as caught:
        apply_overrides(WEB, overrides)

    assert caught.value.message == (
        "Override for container named ap is not a container in the TaskDefinition."
    )
    assert caught.value.hint == "Its containers: app, log."


def test_an_override_without_a_name_is_refused() -> None:
    with pytest.raises(OverridesError, match=r"containerOverrides\[0\] has no name"):
        apply_overrides(WEB, TaskOverride(container_overrides=(ContainerOverride(cpu=1),)))


def _of_length(length: int) -> TaskOverride:
    return TaskOverride(cpu="x" * (length - len('{"cpu":""}')))


def test_overrides_may_have_8192_characters_and_no_more() -> None:
    assert apply_overrides(WEB, _of_length(8192)).cpu is not None

    with pytest.raises(OverridesError) as caught:
        apply_overrides(WEB, _of_length(8193))
    assert caught.value.message == "Container Overrides length must be at most 8192"


def test_overrides_are_read_as_run_task_takes_them() -> None:
    result = parse_overrides(
        {"cpu": "512", "containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": "1"}]}]}
    )

    assert result.definition == TaskOverride(
        cpu="512", container_overrides=(ContainerOverride(name="app", environment=pairs(A="1")),)
    )


def test_what_a_run_cannot_override_says_so() -> None:
    (problem,) = parse_overrides({"containerOverrides": [{"name": "app", "image": "x"}]}).problems

    assert problem.code is ProblemCode.MISPLACED_FIELD
    assert problem.message == 'Unknown parameter in containerOverrides[0]: "image".'
    assert problem.hint == "A run cannot override this; change the task definition."


def test_describe_tasks_shows_a_bare_entry_for_each_container_that_is_not_overridden() -> None:
    assert echo_overrides(WEB, None) == {
        "containerOverrides": [{"name": "app"}, {"name": "log"}],
        "inferenceAcceleratorOverrides": [],
    }


def test_describe_tasks_shows_what_was_overridden_in_the_order_of_the_definition() -> None:
    overrides = TaskOverride(
        memory="1024",
        container_overrides=(
            ContainerOverride(name="log", command=("x",)),
            ContainerOverride(name="app", environment=pairs(A="1")),
        ),
    )

    assert echo_overrides(WEB, overrides) == {
        "memory": "1024",
        "containerOverrides": [
            {"name": "app", "environment": [{"name": "A", "value": "1"}]},
            {"name": "log", "command": ["x"]},
        ],
        "inferenceAcceleratorOverrides": [],
    }
