"""Reading a definition: what is taken, and every kind of problem, with what was meant."""

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from pillion.core.errors import DefinitionError
from pillion.core.findings import Edit, EditAction
from pillion.core.taskdef.enums import ContainerCondition, LogDriver, NetworkMode, TransportProtocol
from pillion.core.taskdef.model import (
    ContainerDefinition,
    ContainerDependency,
    HealthCheck,
    KeyValuePair,
    LogConfiguration,
    PortMapping,
    Tag,
    TaskDefinition,
)
from pillion.core.taskdef.parse import ParseResult, parse_as, parse_task_definition, read_task_definition
from pillion.core.taskdef.problem import Problem, ProblemCode
from pillion.testing.strategies import json_values, nearly_valid_documents

WEB: dict[str, Any] = {
    "family": "web",
    "networkMode": "awsvpc",
    "cpu": "256",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "app:1",
            "essential": False,
            "portMappings": [{"containerPort": 80, "protocol": "udp"}],
            "environment": [{"name": "A", "value": ""}],
            "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}],
            "healthCheck": {"command": ["CMD", "true"], "retries": 3},
            "logConfiguration": {"logDriver": "json-file", "options": {"max-size": "1m"}},
            "command": [],
        }
    ],
}


def problems(value: object) -> tuple[Problem, ...]:
    result = parse_task_definition(value)
    assert result.definition is None, "there should be a problem"
    return result.problems


def only_problem(**members: object) -> Problem:
    """The one problem of a definition with these members."""
    (problem,) = problems({**WEB, **members})
    return problem


def container_problem(**members: object) -> Problem:
    """The one problem of a definition whose container has these members."""
    (problem,) = problems({**WEB, "containerDefinitions": [{"name": "app", **members}]})
    return problem


def test_a_definition_is_read_into_the_model() -> None:
    assert parse_task_definition(WEB) == ParseResult(
        definition=TaskDefinition(
            family="web",
            network_mode=NetworkMode.AWSVPC,
            cpu="256",
            container_definitions=(
                ContainerDefinition(
                    name="app",
                    image="app:1",
                    essential=False,
                    port_mappings=(PortMapping(container_port=80, protocol=TransportProtocol.UDP),),
                    environment=(KeyValuePair(name="A", value=""),),
                    depends_on=(
                        ContainerDependency(container_name="db", condition=ContainerCondition.HEALTHY),
                    ),
                    health_check=HealthCheck(command=("CMD", "true"), retries=3),
                    log_configuration=LogConfiguration(
                        log_driver=LogDriver.JSON_FILE, options={"max-size": "1m"}
                    ),
                    command=(),
                ),
            ),
        )
    )


def test_what_describe_prints_is_read_with_its_read_only_members_and_its_tags() -> None:
    described: dict[str, Any] = {
        "taskDefinition": {
            **WEB,
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7",
            "revision": 7,
            "status": "ACTIVE",
            "registeredAt": "2026-01-02T03:04:05.678000+00:00",
            "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
            "compatibilities": ["EC2", "FARGATE"],
        },
        "tags": [{"key": "team", "value": "a"}],
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }

    definition = read_task_definition(described)

    assert (definition.revision, definition.registered_at, definition.tags) == (
        7,
        "2026-01-02T03:04:05.678000+00:00",
        (Tag(key="team", value="a"),),
    )
    plain = read_task_definition(described["taskDefinition"])
    assert replace(definition, tags=None) == plain


def test_a_time_may_be_seconds_as_the_api_itself_writes_them() -> None:
    assert read_task_definition({**WEB, "registeredAt": 1767323045.678}).registered_at == 1767323045.678


def test_other_members_beside_a_wrapped_definition_are_a_problem() -> None:
    assert problems({"taskDefinition": WEB, "cpu": "256"}) == (
        Problem(
            path=("cpu",),
            code=ProblemCode.UNKNOWN_FIELD,
            message='Unknown parameter beside taskDefinition: "cpu".',
            hint="Move it into taskDefinition, or remove it.",
        ),
    )


def test_the_paths_of_a_wrapped_definition_start_with_the_wrapper() -> None:
    (problem,) = problems({"taskDefinition": {**WEB, "cpu": 256}})
    assert problem.path == ("taskDefinition", "cpu")


def test_tags_inside_and_beside_a_wrapped_definition_are_a_problem() -> None:
    tags: Any = [{"key": "a", "value": "b"}]
    (problem,) = problems({"taskDefinition": {**WEB, "tags": tags}, "tags": tags})
    assert (problem.code, problem.path) == (ProblemCode.TWICE, ("tags",))


def test_every_problem_is_found_at_once_in_the_order_of_the_document() -> None:
    found = problems(
        {
            "cpu": 256,
            "containerDefinitions": [{"name": 1}, "x", {"healthCheck": {}, "imag": "x"}],
            "networkMode": "vpc",
        }
    )

    assert [(problem.code, problem.path) for problem in found] == [
        (ProblemCode.WRONG_TYPE, ("cpu",)),
        (ProblemCode.WRONG_TYPE, ("containerDefinitions", 0, "name")),
        (ProblemCode.WRONG_TYPE, ("containerDefinitions", 1)),
        (ProblemCode.MISSING_FIELD, ("containerDefinitions", 2, "healthCheck", "command")),
        (ProblemCode.UNKNOWN_FIELD, ("containerDefinitions", 2, "imag")),
        (ProblemCode.BAD_WORD, ("networkMode",)),
        (ProblemCode.MISSING_FIELD, ("family",)),
    ]


def test_a_number_for_a_text_says_what_to_write_and_can_be_repaired() -> None:
    assert container_problem(environment=[{"name": "PORT", "value": 80}]) == Problem(
        path=("containerDefinitions", 0, "environment", 0, "value"),
        code=ProblemCode.WRONG_TYPE,
        message="containerDefinitions[0].environment[0].value must be a string, not the number 80.",
        hint='Write it in quotes: "80".',
        edit=Edit(
            path=("containerDefinitions", 0, "environment", 0, "value"), action=EditAction.SET, value="80"
        ),
    )


@pytest.mark.parametrize(
    ("members", "message", "hint", "repaired"),
    [
        ({"cpu": "256"}, 'cpu must be an integer, not the string "256".', "Write 256.", 256),
        ({"cpu": "-1"}, 'cpu must be an integer, not the string "-1".', "Write -1.", -1),
        ({"cpu": 256.0}, "cpu must be an integer, not the number 256.0.", "Write 256.", 256),
        ({"cpu": 0.5}, "cpu must be an integer, not the number 0.5.", "", None),
        ({"cpu": "1 vCPU"}, 'cpu must be an integer, not the string "1 vCPU".', "", None),
        ({"cpu": True}, "cpu must be an integer, not true.", "", None),
        ({"image": False}, "image must be a string, not false.", 'Write it in quotes: "false".', "false"),
        ({"image": []}, "image must be a string, not a list.", "", None),
        (
            {"essential": "Yes"},
            'essential must be true or false, not the string "Yes".',
            "Write true, without quotes.",
            True,
        ),
        ({"essential": 1}, "essential must be true or false, not the number 1.", "", None),
        ({"dockerLabels": {"a": 1}}, "dockerLabels.a must be a string, not the number 1.", None, "1"),
        ({"dockerLabels": {"a": None}}, "dockerLabels.a must be a string, not null.", "", None),
        (
            {"dockerLabels": []},
            "dockerLabels must be an object, not a list.",
            'Write {"key": "value"}.',
            None,
        ),
        (
            {"command": "ls -l"},
            'command must be a list, not the string "ls -l".',
            'Write each word by itself: ["one", "two"].',
            None,
        ),
        ({"command": ["a", None]}, "command[1] must be a string, not null.", "", None),
        (
            {"environment": {"A": "1"}},
            "environment must be a list, not an object.",
            'Write [{"name": …, "value": …}], one object for each.',
            None,
        ),
        (
            {"portMappings": {"containerPort": 1}},
            "portMappings must be a list, not an object.",
            "Put it into [ ].",
            None,
        ),
        ({"healthCheck": "curl"}, 'healthCheck must be an object, not the string "curl".', "", None),
    ],
)
def test_a_wrong_type_says_what_belongs_there(
    members: dict[str, object], message: str, hint: str | None, repaired: object
) -> None:
    problem = container_problem(**members)

    assert problem.code is ProblemCode.WRONG_TYPE
    assert problem.message == f"containerDefinitions[0].{message}"
    assert hint is None or problem.hint == hint
    assert (problem.edit.value if problem.edit else None) == repaired


def test_json_in_quotes_is_recognised() -> None:
    assert only_problem(containerDefinitions="[{}]").hint == "Write the list itself, not as text in quotes."
    assert only_problem(proxyConfiguration="{}").hint == "Write the object itself, not as text in quotes."


def test_a_list_of_containers_says_where_it_goes() -> None:
    (problem,) = problems(WEB["containerDefinitions"])
    assert str(problem) == (
        "input must be an object, not a list. "
        'A list of containers goes into an object: {"family": …, "containerDefinitions": […]}.'
    )


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 10**20 + 1, pytest.param(10**5000, id="huge")])
def test_a_number_that_needs_more_than_32_bits_is_out_of_range(number: int) -> None:
    assert container_problem(memory=number).code is ProblemCode.OUT_OF_RANGE


def test_the_largest_and_the_smallest_number_of_32_bits_are_taken() -> None:
    for number in (2**31 - 1, -(2**31)):
        assert read_task_definition({**WEB, "revision": number}).revision == number


def test_a_word_in_the_wrong_case_is_repaired_and_a_misspelt_one_guessed() -> None:
    assert only_problem(networkMode="AWSVPC") == Problem(
        path=("networkMode",),
        code=ProblemCode.BAD_WORD,
        message='networkMode must be one of bridge, host, awsvpc, none, not "AWSVPC".',
        hint='Write "awsvpc".',
        edit=Edit(path=("networkMode",), action=EditAction.SET, value="awsvpc"),
    )
    guessed = only_problem(networkMode="awspvc")
    assert (guessed.hint, guessed.edit) == ('Did you mean "awsvpc"?', None)
    assert only_problem(networkMode="x").hint == ""
    assert only_problem(networkMode="").hint == "Remove it."


def test_a_protocol_that_does_not_exist_counts_as_tcp_and_is_told() -> None:
    container = {"name": "app", "portMappings": [{"containerPort": 80, "protocol": "UDP"}]}
    result = parse_task_definition({**WEB, "containerDefinitions": [container]})

    assert result.definition is not None
    (mapping,) = result.definition.container_definitions[0].port_mappings or ()
    assert mapping == PortMapping(container_port=80, protocol=TransportProtocol.TCP)
    (note,) = result.notes
    assert str(note) == (
        'containerDefinitions[0].portMappings[0].protocol must be one of tcp, udp, not "UDP". '
        'ECS takes it for tcp. Write "udp".'
    )


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("enviroment", ProblemCode.UNKNOWN_FIELD, 'Did you mean "environment"?'),
        ("Image", ProblemCode.WRONG_CASE, 'ECS spells it "image".'),
        ("depends_on", ProblemCode.WRONG_CASE, 'ECS spells it "dependsOn".'),
        ("networkMode", ProblemCode.MISPLACED_FIELD, "belongs in the task definition, beside containerDef"),
        ("swappiness", ProblemCode.MISPLACED_FIELD, "belongs in a container's linuxParameters."),
        ("NetworkMode", ProblemCode.UNKNOWN_FIELD, '"networkMode" belongs in the task definition'),
        ("ports", ProblemCode.UNKNOWN_FIELD, 'ECS calls it "portMappings".'),
        ("cap_add", ProblemCode.UNKNOWN_FIELD, 'ECS calls it "linuxParameters.capabilities.add".'),
        ("zzz", ProblemCode.UNKNOWN_FIELD, "ECS has no such field; remove it."),
    ],
)
def test_a_member_that_a_container_does_not_have_gets_a_hint(name: str, code: ProblemCode, hint: str) -> None:
    problem = container_problem(**{name: "x"})

    assert problem.path == ("containerDefinitions", 0, name)
    assert problem.message == f'Unknown parameter in containerDefinitions[0]: "{name}".'
    assert problem.code is code
    assert problem.at_key
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("essential", '"essential" belongs in a container, in containerDefinitions.'),
        ("containers", 'ECS calls it "containerDefinitions".'),
        ("efsVolumeConfiguration", '"efsVolumeConfiguration" belongs in volumes.'),
    ],
)
def test_a_member_that_a_definition_does_not_have_gets_a_hint(name: str, hint: str) -> None:
    assert only_problem(**{name: "x"}).hint == hint


def test_a_member_that_belongs_deeper_inside_is_sent_there_rather_than_to_the_container() -> None:
    requirement = {"type": "GPU", "value": "1", "sharingStrategy": {"memory": 5}}

    assert container_problem(resourceRequirements=[requirement]).hint == (
        '"memory" belongs in a container\'s resourceRequirements.sharingStrategy.nvidiaMps.'
    )


def test_a_small_object_lists_what_it_knows() -> None:
    assert container_problem(mountPoints=[{"qqq": 1}]).hint == (
        "Known here: sourceVolume, containerPath, readOnly."
    )


def test_a_misspelt_name_can_be_repaired_unless_the_right_one_is_there_too() -> None:
    assert container_problem(Image="x").edit == Edit(
        path=("containerDefinitions", 0, "Image"), action=EditAction.RENAME, value="image"
    )
    assert container_problem(Image="x", image="y").edit is None


def test_a_required_member_under_a_misspelt_name_is_not_missing_as_well() -> None:
    found = problems({"Family": "web", "containerDefinitions": []})
    assert [problem.code for problem in found] == [ProblemCode.WRONG_CASE]


def test_a_missing_member_has_the_text_of_the_sdks_and_the_path_where_it_belongs() -> None:
    assert container_problem(dependsOn=[{"containerName": "a"}]) == Problem(
        path=("containerDefinitions", 0, "dependsOn", 0, "condition"),
        code=ProblemCode.MISSING_FIELD,
        message='Missing required parameter in containerDefinitions[0].dependsOn[0]: "condition".',
        hint="Add it.",
    )
    missing = problems({})
    assert [problem.message for problem in missing] == [
        'Missing required parameter in input: "family".',
        'Missing required parameter in input: "containerDefinitions".',
    ]


def test_a_null_counts_as_absent_and_is_told_in_a_note() -> None:
    result = parse_task_definition({**WEB, "cpu": None})

    without = {name: value for name, value in WEB.items() if name != "cpu"}
    assert result.definition == read_task_definition(without)
    assert [(note.code, note.path) for note in result.notes] == [(ProblemCode.NULL, ("cpu",))]
    assert result.notes[0].edit == Edit(path=("cpu",), action=EditAction.REMOVE)


def test_a_required_member_that_is_null_is_missing() -> None:
    (problem,) = problems({**WEB, "family": None})
    assert (problem.code, problem.path) == (ProblemCode.MISSING_FIELD, ("family",))


def test_an_unknown_value_fits_everywhere_but_gives_no_definition() -> None:
    unknown = object()
    value = {
        **WEB,
        "cpu": unknown,
        "volumes": unknown,
        "networkMode": unknown,
        "containerDefinitions": [unknown, {"name": unknown, "essential": unknown, "memory": unknown}],
    }

    assert parse_task_definition(value, unknown=unknown) == ParseResult(definition=None)


def test_problems_beside_unknown_values_are_still_found() -> None:
    unknown = object()
    result = parse_task_definition({**WEB, "cpu": unknown, "memory": 512}, unknown=unknown)
    assert [problem.path for problem in result.problems] == [("memory",)]


def test_a_part_can_be_read_by_itself_with_paths_from_its_place() -> None:
    result = parse_as(ContainerDefinition, {"name": 1}, path=(3,))
    assert [problem.path for problem in result.problems] == [(3, "name")]


def test_reading_what_should_be_in_order_raises_with_all_problems() -> None:
    with pytest.raises(DefinitionError) as caught:
        read_task_definition({"family": 1})

    assert [problem.path for problem in caught.value.problems] == [("family",), ("containerDefinitions",)]
    assert "family must be a string" in str(caught.value)


def test_a_value_that_cannot_be_printed_does_not_spoil_the_message() -> None:
    assert container_problem(cpu="\ud800\n\x1b[31m" + "x" * 500).message == (
        "containerDefinitions[0].cpu must be an integer, not the string "
        '"\\ud800\\n\\u001b[31m' + "x" * 53 + '…".'
    )


@given(json_values())
def test_no_json_value_makes_the_parser_fail(value: object) -> None:
    result = parse_task_definition(value)
    assert (result.definition is None) == bool(result.problems)


@pytest.mark.slow
@given(nearly_valid_documents())
def test_no_mistake_in_a_definition_makes_the_parser_fail(value: object) -> None:
    result = parse_task_definition(value)
    assert (result.definition is None) == bool(result.problems)
    for problem in (*result.problems, *result.notes):
        str(problem).encode()
