from __future__ import annotations

import tomllib

import pytest

from pillion.engines.simulated.behaviour import Behaviour, Life, Line
from pillion.engines.simulated.script import KEYS, RUN_KEYS, ScriptError, read_behaviours

NAMES = ("envoy", "worker")


def read(toml: str = "", *assignments: str) -> dict[str, Behaviour]:
    return read_behaviours(tomllib.loads(toml), assignments, names=NAMES)


def test_a_table_says_everything_about_a_container() -> None:
    text = """
    [worker]
    image-present = true
    manifest-error = "registry is down"
    pull = "40s"
    pull-error = "not found"
    create = "10ms"
    create-error = "no space"
    start = 2
    start-error = "no such file"
    exit-after = "1m30s"
    exit = 3
    healthy-after = "20s"
    unhealthy-after = "never"
    well-again-after = "40s"
    probe = "1s"
    stop-after = "never"
    stop-exit = 0
    memory = "1.5GiB"
    memory-after = "5s"
    output = ["ready", { after = "2s", text = "oops", stream = "stderr" }, "set"]
    """
    life = Life(
        exits_after_s=90.0,
        exit_code=3,
        healthy_after_s=20.0,
        unhealthy_after_s=None,
        healthy_again_after_s=40.0,
        probe_s=1.0,
        stops_after_s=None,
        stop_exit_code=0,
        memory_mib=1536.0,
        memory_after_s=5.0,
        output=(
            Line(message="ready"),
            Line(message="set"),
            Line(message="oops", after_s=2.0, stream="stderr"),
        ),
    )
    assert read(text) == {
        "worker": Behaviour(
            image_present=True,
            manifest_error="registry is down",
            pull_s=40.0,
            pull_error="not found",
            create_s=0.01,
            create_error="no space",
            start_s=2.0,
            start_error="no such file",
            lives=(life,),
        )
    }


def test_the_test_above_knows_every_key() -> None:
    fields = {key.field for key in (*KEYS.values(), *RUN_KEYS.values())}
    assert fields | {"lives"} == {*Behaviour.__struct_fields__, *Life.__struct_fields__}


def test_assignments_of_the_command_line_win_over_the_table() -> None:
    found = read('[envoy]\npull = "40s"\nhealthy-after = "5s"', "envoy:healthy-after=never,exit=1")
    life = Life(healthy_after_s=None, exit_code=1, exits_after_s=0.0)
    assert found == {"envoy": Behaviour(pull_s=40.0, lives=(life,))}


def test_an_exit_code_alone_means_at_once() -> None:
    assert read("", "worker:exit=1")["worker"].lives == (Life(exit_code=1, exits_after_s=0.0),)
    assert read("", "worker:exit=1,exit-after=never")["worker"].lives == (Life(exit_code=1),)


def test_runs_are_one_table_for_each_start_on_top_of_what_is_common() -> None:
    found = read("[worker]\nstop-exit = 0\nruns = [{ exit = 1 }, { exit-after = '70s' }, {}]")
    assert found["worker"].lives == (
        Life(stop_exit_code=0, exit_code=1, exits_after_s=0.0),
        Life(stop_exit_code=0, exits_after_s=70.0),
        Life(stop_exit_code=0),
    )


@pytest.mark.parametrize(
    ("toml", "assignments", "message"),
    [
        ("[envy]", (), "there is no container 'envy' (did you mean 'envoy'?): envoy, worker"),
        ("", ("envy:exit=1",), "there is no container 'envy' (did you mean 'envoy'?): envoy, worker"),
        ("", ("envoy",), "'envoy' is not of the form NAME:key=value[,key=value]"),
        ("", ("envoy:exit",), "'envoy:exit': 'exit' is not of the form key=value"),
        ("envoy = 3", (), 'envoy: expected a table of keys such as pull = "40s", not 3'),
        ("", ("envoy:exit=256",), "envoy: exit = '256' is not an exit code from 0 to 255"),
        ("[envoy]\nexit = true", (), "envoy: exit = True is not an exit code from 0 to 255"),
        (
            "",
            ("envoy:pull=soon",),
            "envoy: pull = 'soon' is not a duration such as 90, 90s, 2m30s or 500ms",
        ),
        (
            "[envoy]\nhealthy-after = -1",
            (),
            "envoy: healthy-after = -1 is not a duration such as 90, 90s, 2m30s or 500ms, or never",
        ),
        (
            "",
            ("envoy:memory=lots",),
            "envoy: memory = 'lots' is not a size in MiB such as 300, 300MiB or 1.5GiB",
        ),
        ("", ("envoy:image-present=maybe",), "envoy: image-present = 'maybe' is not true or false"),
        ("[envoy]\npull-error = ''", (), "envoy: pull-error = '' is not a text"),
        ("[envoy]\noutput = 3", (), "envoy: output = 3 is not a text, or a list of texts and of tables"),
        ("[envoy]\noutput = [{ txt = 'x' }]", (), "is not lines as texts, or as { after = DURATION"),
        (
            "[envoy]\nruns = []",
            (),
            "envoy: runs is a list of tables, one for each start of the process, not []",
        ),
        ("[envoy]\nruns = [{ exti = 1 }]", (), "envoy, run 1: unknown key 'exti' (did you mean 'exit'?)"),
        ("[envoy]\nhealty-after = 3", (), "unknown key 'healty-after' (did you mean 'healthy-after'?)"),
    ],
)
def test_a_mistake_says_where_it_is_and_what_is_expected(
    toml: str, assignments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ScriptError) as failure:
        read(toml, *assignments)
    assert message in str(failure.value)
