from __future__ import annotations

from msgspec.structs import replace

from drilling.definitions import result_of
from drilling.reports import EVERYTHING, report
from pillion.drilling.faults import Fault
from pillion.drilling.predicting import Blow
from pillion.drilling.text import drill_text, summary

WHOLE = """\
          killed  exits   exits   never    turns      network
                  with 0  with 1  healthy  unhealthy  cut
loader    -       -       never   -        -          -
                          0.1s
cache     on!~◦   -       -       HANGS!   on         -
                                           ↺0.4s
web *     stops   stops≠  n/a     -        -          -
          0.1s    0.1s
the task  -       -       -       -        -          …

on: the task runs on
stops: the task stops
never: the task stops before it ever ran
HANGS: the task stays PENDING for ever
*: essential;  !: should not be left like that;  ≠: other than predicted;  ~: output was lost
◦: the URL did not answer;  n/a: could not be done here;  …: not run
times: from the fault until the task was STOPPED; ↺ until the container was well again

Should not be left like that:
  cache is not essential, and yet the application did not answer for 2s when cache is killed
    cache is killed
  the task waits for ever, and nobody is told
    cache never gets healthy: web waits for cache to be HEALTHY, which is UNHEALTHY after 2 failed probes
    Give cache a startTimeout: when it has passed, ECS stops the task and says why.

Other than the simulation predicted:
  web exits with 0  (web:exit-0)
    exit code: predicted 0; seen 137
      It ended otherwise, or sooner, than by the fault.

http://localhost:8080/ did not answer for a while in 1 of 6 cases:
  cache is killed: for 2.0 s, from 0.0 s after the fault (<refused>)

Lines that were written and did not arrive:
  cache is killed: 3 of 10 of web, not predicted

note: web: there is no <GPU> here
note: web:kill: a <note>

web:exit-1: could not be done here: no root
task:network: not run: no time

8 cases in 1 min 23 s: 5 as predicted, 1 differs from the prediction, 1 could not be done here, 1 no\
t run; 2 should not be left like that.
"""

QUIET = """\
       killed
web *  stops
       0.1s

stops: the task stops
*: essential
times: from the fault until the task was STOPPED

No fault of a sidecar took the task down, and none made it wait for ever.

note: web: there is no <GPU> here

1 case in 1 min 23 s: 1 as predicted.
"""


def test_everything_is_told() -> None:
    assert drill_text(EVERYTHING) == WHOLE.rstrip("\n")


def test_a_drill_without_findings_says_so_in_a_few_lines() -> None:
    assert drill_text(report(result_of("web", Fault.KILL))) == QUIET.rstrip("\n")


def test_a_url_that_answered_throughout_is_told() -> None:
    text = drill_text(report(result_of("cache", Fault.KILL), url="http://localhost:8080/"))
    assert "http://localhost:8080/ answered throughout." in text


def test_a_task_that_is_not_well_is_all_that_is_told() -> None:
    text = drill_text(replace(report(), trouble="it stopped by itself: Essential container in task exited"))
    assert text == (
        "The task is not well even without a fault: it stopped by itself: Essential container in task exited"
    )


def test_a_finding_that_is_accepted_is_named_at_the_end() -> None:
    hanging = result_of("cache", Fault.NEVER_HEALTHY, blow=Blow())
    accepted = replace(report(hanging), accepted=frozenset({"cache:never-healthy", "web:kill"}))
    assert summary(accepted).endswith("1 should not be left like that. Accepted: cache:never-healthy.")


def test_an_interrupted_drill_says_so() -> None:
    assert summary(replace(report(), interrupted=True)) == "Interrupted. 0 cases in 1 min 23 s: no case."
