from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.engines.simulated.behaviour import Behaviour, Life
from pillion.rehearsing.rehearsal import (
    Effect,
    Outcome,
    ScriptError,
    behaviours_for,
    rehearse_task,
    run_drill,
)
from pillion.rehearsing.text import rehearsal_text, verdict_lines
from pillion.rehearsing.values import rehearsal_value
from rehearsing.definitions import HEALTH_CHECK, PROXIED, ROUTED, container, prepared

WELL = behaviours_for(PROXIED.plan.spec, {}, [])
TEXT = """\
          0s                    5s                   10s             40s
          ┬─────────────────────┬────────────────────┬──────────≈≈≈≈≈┬
loader    ░░░░░░░░░░▬▬▬▬▬▬▬▬▬▬▬▬▬                                       exit 0
envoy     ░░░░░░░░░░▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬██████  exit 143
web *     ░░░░░░░░░░············································▬▬▬▬▬▼  exit 143

· waits  ░ pulling  ▒ starting  ▬ running  █ healthy  ▼ stopping  ≈ time left out  * essential

 0.00 s  the task  PENDING     the task was started
 2.20 s  loader    PULLED      the image was pulled
 2.20 s  envoy     PULLED      the image was pulled
 2.20 s  web       PULLED      the image was pulled
 2.27 s  loader    RUNNING     the task was started
 2.27 s  envoy     RUNNING     the task was started
 5.27 s  loader    STOPPED     exited with code 0
12.37 s  envoy     HEALTHY     its health check
12.43 s  web       RUNNING     loader exited with 0 (SUCCESS), envoy is HEALTHY
12.43 s  the task  RUNNING     every container has started or finished
12.43 s  web       stdout      ready
40.00 s  the task  is to stop  task stopped by user
40.10 s  web       STOPPED     exited with code 143, stopped because task stopped by user
40.20 s  envoy     STOPPED     exited with code 143, stopped because task stopped by user
40.20 s  the task  STOPPED     task stopped by user

lastStatus     STOPPED
desiredStatus  STOPPED
healthStatus   UNKNOWN
stopCode       UserInitiated
stoppedReason  Task stopped by user
name    lastStatus  exitCode  healthStatus  reason
loader  STOPPED     0         UNKNOWN
envoy   STOPPED     143       HEALTHY
web     STOPPED     143       UNKNOWN

exit code 0"""


def test_a_rehearsal_is_told_as_chart_story_and_task() -> None:
    behaviours = behaviours_for(PROXIED.plan.spec, {}, ["envoy:healthy-after=8s", "web:output=ready"])
    told = rehearse_task(PROXIED, behaviours, stop_after_s=40)
    assert rehearsal_text(told, columns=80) == TEXT


def test_a_task_that_waits_for_ever_is_told_who_waits_for_whom() -> None:
    told = rehearse_task(PROXIED, behaviours_for(PROXIED.plan.spec, {}, ["envoy:healthy-after=never"]))
    assert told.outcome is Outcome.STUCK
    assert verdict_lines(told) == [
        "The task stays PENDING for ever, as it would on ECS:",
        "  web waits for envoy to be HEALTHY, which is UNHEALTHY after 2 failed probes",
        "exit code 125",
    ]


def test_a_hang_is_told_although_somebody_stops_the_task() -> None:
    behaviours = behaviours_for(PROXIED.plan.spec, {}, ["envoy:healthy-after=never"])
    told = rehearse_task(PROXIED, behaviours, stop_after_s=600)
    assert verdict_lines(told)[0] == "The task would stay PENDING for ever, as it would on ECS:"
    assert told.exit_code == 0


def test_a_task_that_runs_on_has_no_end_and_exit_code_0() -> None:
    told = rehearse_task(PROXIED, behaviours_for(PROXIED.plan.spec, {}, []))
    assert (told.outcome, told.exit_code, told.task["lastStatus"]) == (Outcome.STEADY, 0, "RUNNING")


def test_the_exit_code_is_that_of_the_essential_container_that_ended_the_task() -> None:
    behaviours = behaviours_for(PROXIED.plan.spec, {}, ["web:exit-after=1m,exit=3"])
    told = rehearse_task(PROXIED, behaviours)
    assert (told.exit_code, told.task["stopCode"]) == (3, "EssentialContainerExited")


def test_an_init_container_ends_by_itself_whatever_else_is_said_of_it() -> None:
    for table, assignments in (({"loader": {"pull": "9s"}}, []), ({}, ["loader:pull=9s"])):
        behaviours = behaviours_for(PROXIED.plan.spec, table, assignments)
        assert (behaviours["loader"].pull_s, behaviours["loader"].life(0).exits_after_s) == (9.0, 3.0)


def test_a_script_may_say_that_an_init_container_never_ends() -> None:
    behaviours = behaviours_for(PROXIED.plan.spec, {}, ["loader:exit-after=never"])
    assert rehearse_task(PROXIED, behaviours).outcome is Outcome.STUCK


def test_a_pause_container_has_no_script() -> None:
    with pytest.raises(ScriptError, match="there is no container"):
        behaviours_for(PROXIED.plan.spec, {}, ["~internal~ecs~pause:pull=1s"])


def test_two_rehearsals_are_the_same_to_the_byte() -> None:
    one, other = (rehearsal_value(rehearse_task(PROXIED, WELL, stop_after_s=60)) for _ in range(2))
    assert one == other


def test_the_value_has_the_task_as_describe_tasks_shows_it() -> None:
    value = rehearsal_value(rehearse_task(PROXIED, WELL, stop_after_s=60))
    assert value["task"]["createdAt"] == "1970-01-01T00:00:00.000Z"
    assert [item["name"] for item in value["task"]["containers"]] == ["loader", "envoy", "web"]
    assert value["timeline"][2]["phases"][-1] == {"phase": "stopping", "from": 60.0, "to": 60.1}


def test_a_start_timeout_ends_every_wait_that_the_drill_advises_it_for() -> None:
    envoy = container("envoy", essential=True, healthCheck=HEALTH_CHECK)
    web = container("web", after={"envoy": "HEALTHY"})
    without, given = (
        run_drill(prepared({**envoy, **timeout}, web), {}) for timeout in ({}, {"startTimeout": 60})
    )
    assert Effect.HANGS in {trial.effect for trial in without.trials}
    assert given.dangers == ()


def test_the_drill_knows_log_routes_from_the_definition() -> None:
    lost = {trial.mishap.name: trial.lost_logs for trial in run_drill(ROUTED, {}).trials if trial.lost_logs}
    assert lost == {
        "CRASHES_AT_START": ("app",),
        "CRASHES_LATER": ("app",),
        "EXITS_WITH_0": ("app",),
        "OUT_OF_MEMORY": ("app",),
    }


times = st.none() | st.floats(min_value=0, max_value=400)
lives = st.builds(
    Life,
    exits_after_s=times,
    exit_code=st.integers(0, 255),
    healthy_after_s=times,
    unhealthy_after_s=times,
    stops_after_s=times,
)
behaviours = st.builds(Behaviour, pull_s=st.floats(0, 400), lives=st.tuples(lives))


@given(scripts=st.dictionaries(st.sampled_from(["loader", "envoy", "web"]), behaviours), stop_s=times)
def test_whatever_containers_do_the_chart_has_no_gap_and_the_text_no_trouble(
    scripts: dict[str, Behaviour], stop_s: float | None
) -> None:
    told = rehearse_task(PROXIED, scripts, stop_after_s=stop_s)
    for track in told.tracks:
        assert all(one.ends_s == other.begins_s for one, other in pairwise(track.spans))
    chart = rehearsal_text(told, columns=80).split("\n\n")[0]
    assert all(len(line) <= 80 for line in chart.split("\n"))
    assert (told.outcome is not Outcome.STUCK) or told.hangs
