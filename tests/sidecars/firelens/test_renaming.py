"""Renaming an output of AWS's Go plugin for the core plugin."""

import pytest

from pillion.sidecars.firelens.configuration import Output
from pillion.sidecars.firelens.renaming import Renaming, RenamingError, needs_go_plugin, rename
from sidecars.firelens.definitions import IDENTITY

BASE = {"region": "eu-west-1", "log_group_name": "/web", "log_stream_prefix": "app-"}


def cloudwatch(**options: str) -> Output:
    return Output(container="app", plugin="cloudwatch", options={**BASE, **options})


def renamed(**options: str) -> Output:
    return Output(container="app", plugin="cloudwatch_logs", options={**BASE, **options})


def test_the_usual_options_stay_and_the_name_changes() -> None:
    assert rename(cloudwatch(), IDENTITY) == Renaming(output=renamed())


@pytest.mark.parametrize(
    ("written", "read"), [("true", "true"), ("TRUE", "true"), ("On", "false"), ("no", "false")]
)
def test_a_boolean_means_what_the_go_plugin_makes_of_it(written: str, read: str) -> None:
    assert rename(cloudwatch(auto_create_group=written), IDENTITY).output == renamed(auto_create_group=read)


def test_templates_that_are_constant_in_a_task_are_filled_in() -> None:
    output = rename(cloudwatch(log_group_name="/$(ecs_cluster)/$(ecs_task_id)"), IDENTITY).output
    assert output == renamed(log_group_name=f"/prod/{IDENTITY.task_id}")


def test_the_tag_alone_becomes_the_cores_own_template() -> None:
    output = rename(cloudwatch(log_stream_name="$(tag)"), IDENTITY).output
    assert output == renamed(log_stream_name="no-tag", log_stream_template="$TAG")


def test_an_option_that_does_nothing_here_is_left_out_and_named() -> None:
    renaming = rename(cloudwatch(default_log_group_name="x", auto_create_stream="true"), IDENTITY)
    assert renaming.output == renamed()
    assert [note.partition(" ")[0] for note in renaming.notes] == [
        "default_log_group_name",
        "auto_create_stream",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"new_log_group_tags": "a=b"},
        {"credentials_endpoint": "http://x"},
        {"auto_create_stream": "false"},
        {"log_group_name": "/$(uuid)"},
        {"endpoint": "http://127.0.0.1:5000"},
    ],
)
def test_what_would_change_the_outcome_is_refused_by_name(options: dict[str, str]) -> None:
    with pytest.raises(RenamingError, match=next(iter(options))):
        rename(cloudwatch(**options), IDENTITY)


def test_other_go_plugins_are_known_and_not_renamed() -> None:
    assert [
        needs_go_plugin(Output(container="a", plugin=name)) for name in ("Firehose", "kinesis", "s3")
    ] == [
        True,
        True,
        False,
    ]
    with pytest.raises(RenamingError, match="kinesis_firehose"):
        rename(Output(container="a", plugin="firehose"), IDENTITY)
