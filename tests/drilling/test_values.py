from __future__ import annotations

import json

from drilling.reports import EVERYTHING
from pillion.drilling.values import drill_value

VALUE = drill_value(EVERYTHING)


def test_a_drill_is_a_json_value_with_every_case() -> None:
    assert json.loads(json.dumps(VALUE)) == VALUE
    assert [item["case"] for item in VALUE["cases"]] == [item.case.name for item in EVERYTHING.results]
    head = {key: VALUE[key] for key in ("drill", "family", "engine", "url", "exitCode", "trouble", "seconds")}
    assert head == {
        "drill": "drill-abc123",
        "family": "shop:1",
        "engine": "docker 20.10",
        "url": "http://localhost:8080/",
        "exitCode": 1,
        "trouble": None,
        "seconds": 83.0,
    }


def test_a_case_has_what_was_seen_what_was_predicted_and_each_difference() -> None:
    case = VALUE["cases"][5]
    assert (case["case"], case["verdict"]) == ("web:exit-0", "DIFFERS")
    assert (case["observed"]["exitCode"], case["predicted"]["exitCode"]) == (137, 0)
    assert case["differences"] == [
        {
            "what": "exit code",
            "predicted": "0",
            "observed": "137",
            "why": "It ended otherwise, or sooner, than by the fault.",
        }
    ]


def test_what_cannot_be_honoured_here_and_what_does_not_apply_are_in_it() -> None:
    assert VALUE["notices"] == [{"code": "gpu", "text": "there is no <GPU> here", "container": "web"}]
    assert VALUE["leftOut"] == [
        {"container": "loader", "fault": "never-healthy", "reason": "it has no healthCheck"}
    ]


def test_gaps_and_lost_lines_are_numbers() -> None:
    case = VALUE["cases"][1]
    assert case["gaps"] == [{"from": 0.0, "to": 2.0, "seconds": 2.0, "error": "<refused>"}]
    assert case["run"]["looks"] == {"all": 11, "answered": 9}
    assert case["run"]["lines"] == [
        {"container": "web", "pipeline": "", "written": 10, "arrived": 7, "lost": 3},
        {"container": "cache", "pipeline": "", "written": 3, "arrived": 3, "lost": 0},
    ]


def test_a_run_has_its_timeline_and_its_story() -> None:
    run = VALUE["cases"][0]["run"]
    assert [item["container"] for item in run["timeline"]] == ["loader", "cache", "web"]
    assert run["events"][-1]["what"] == "STOPPED"
    assert run["struckAt"] is not None


def test_a_case_that_did_not_run_has_its_reason_and_nothing_else() -> None:
    case = VALUE["cases"][7]
    assert (case["verdict"], case["reason"], case["observed"], case["run"]) == (
        "NOT_RUN",
        "no time",
        None,
        None,
    )
