from __future__ import annotations

from pillion.rehearsing.matrix import drill_text
from pillion.rehearsing.rehearsal import behaviours_for, run_drill
from pillion.rehearsing.values import drill_value
from rehearsing.definitions import PROXIED, ROUTED, container, prepared

HANGING = """\
        fails    crashes   crashes  exits   never   never    turns      out of  ignores
        to pull  at start  later    with 0  ends    healthy  unhealthy  memory  stop
loader  never    never     never    -       HANGS!  -        -          never   -
        0s       0.1s      0.1s                                         0.1s
envoy   never!   HANGS!    on       on      -       HANGS!   on         HANGS!  on
        0.2s                                                                    5.1s
web *   never    stops     stops    stops   -       -        -          stops   on
        0s       0.1s      0.1s     0.1s                                0.1s    10.1s

on: the task runs on
stops: the task stops
never: the task stops before it ever ran
HANGS: the task stays PENDING for ever
*: essential;  !: should not be left like that
times: from the mishap, or from the stop that is ignored, until the task is STOPPED

Should not be left like that:
  loader: the task waits for ever, and nobody is told
    never ends: web waits for loader to exit with 0 (SUCCESS)
    Give loader a startTimeout: when it has passed, ECS stops the task and says why.
  envoy is not essential and takes the task down all the same
    fails to pull
    Make envoy essential if the task is worth nothing without it; if it is not, let nobody wait for it.
  envoy: the task waits for ever, and nobody is told
    crashes at start: web waits for envoy to be HEALTHY, but it has ended with code 1: this wait lasts for \
ever, as it would on ECS
    never gets healthy: web waits for envoy to be HEALTHY, which is UNHEALTHY after 2 failed probes
    runs out of memory: web waits for envoy to be HEALTHY, but it has ended with code 137: this wait lasts \
for ever, as it would on ECS
    Give envoy a startTimeout: when it has passed, ECS stops the task and says why."""


def test_the_matrix_shows_every_mishap_and_says_what_to_do() -> None:
    drill = run_drill(PROXIED, behaviours_for(PROXIED.plan.spec, {}, []))
    assert drill_text(drill) == HANGING


def test_output_that_is_lost_is_marked_and_told() -> None:
    text = drill_text(run_drill(ROUTED, {}))
    assert "router  never!   on~       on~      on~     -      -        -          on~     on\n" in text
    assert "  router crashes later: that of app\n" in text


def test_a_task_without_dangers_is_told_so() -> None:
    text = drill_text(run_drill(prepared(container("web")), {}))
    assert text.endswith("No mishap of a sidecar takes the task down, and none makes it wait for ever.")


def test_a_task_that_is_not_well_to_begin_with_is_told_first() -> None:
    web = prepared(container("web"))
    text = drill_text(run_drill(web, behaviours_for(web.plan.spec, {}, ["web:exit-after=5s"])))
    first = "Even without a mishap the task does not run on: Essential container in task exited.\n"
    assert text.startswith(first)


def test_the_value_has_all_trials() -> None:
    value = drill_value(run_drill(PROXIED, behaviours_for(PROXIED.plan.spec, {}, [])))
    assert value["containers"] == [
        {"name": "loader", "essential": False},
        {"name": "envoy", "essential": False},
        {"name": "web", "essential": True},
    ]
    assert (len(value["trials"]), value["dangers"]) == (19, 5)
    hanging = next(item for item in value["trials"] if item["mishap"] == "NEVER_HEALTHY")
    assert hanging == {
        "container": "envoy",
        "mishap": "NEVER_HEALTHY",
        "effect": "HANGS",
        "stoppingAt": 3600.0,
        "stoppedAt": 3600.1,
        "secondsUntilStopped": 0.1,
        "stopCode": "UserInitiated",
        "stoppedReason": "Task stopped by user",
        "lostLogs": [],
        "waitsForEver": [
            {
                "container": "web",
                "waitsFor": ["envoy"],
                "text": "web waits for envoy to be HEALTHY, which is UNHEALTHY after 2 failed probes",
            }
        ],
        "danger": "the task waits for ever, and nobody is told",
    }
