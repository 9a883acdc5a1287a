from __future__ import annotations

import json
from xml.etree import ElementTree

from pillion.checking.check import CheckedDocument, check_document
from pillion.checking.formats import to_github, to_json, to_junit, to_sarif
from pillion.core.findings import Severity
from pillion.core.rules.catalogue import BY_CODE
from pillion.documents.load import read_document
from pillion.documents.source import Syntax

TEXT = """{"family": "web", "networkMode": "awsvpc", "containerDefinitions": [
  {"name": "app", "image": "a:latest", "memory": 64, "healthCheck": {"command": ["CMD", "true"]},
   "portMappings": [{"containerPort": 80, "hostPort": 8080}]}
]}"""
MESSAGE = "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
DETAIL = "hostPort is 8080, containerPort is 80."


def checked(text: str = TEXT, name: str = "deploy/my task.json") -> list[CheckedDocument]:
    return [check_document(read_document(text, name, Syntax.JSON))]


def test_json_holds_everything_about_a_finding() -> None:
    value = json.loads(to_json(checked()))
    rule = BY_CODE["E301"]
    assert value["version"] == 1
    assert value["summary"] == {"error": 1, "warning": 1, "info": 0}
    assert value["findings"][0] == {
        "code": "E301",
        "severity": "error",
        "title": rule.title,
        "message": MESSAGE,
        "awsText": True,
        "detail": DETAIL,
        "file": "deploy/my task.json",
        "line": 3,
        "column": 55,
        "endColumn": 59,
        "definition": "web",
        "container": "app",
        "field": "containerDefinitions[0].portMappings[0].hostPort",
        "why": rule.why,
        "fix": rule.fix,
        "source": rule.source,
        "blocksRun": False,
        "fixable": True,
    }
    assert value["definitions"] == [
        {
            "file": "deploy/my task.json",
            "name": "web",
            "findings": 2,
            "budget": {
                "taskCpu": None,
                "taskMemoryMiB": None,
                "containers": [
                    {
                        "name": "app",
                        "role": "application",
                        "cpu": None,
                        "memoryMiB": 64,
                        "memoryReservationMiB": 64,
                    }
                ],
                "cpuLeft": None,
                "memoryLeftMiB": None,
                "reservationLeftMiB": None,
            },
        }
    ]


def test_sarif_names_the_rule_the_place_and_a_lasting_fingerprint() -> None:
    value = json.loads(to_sarif(checked(), version="1.2.3"))
    rule = BY_CODE["E301"]
    (run,) = value["runs"]
    assert (value["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "pillion")
    assert [found["id"] for found in run["tool"]["driver"]["rules"]] == ["E301", "W001"]
    assert run["tool"]["driver"]["rules"][0] == {
        "id": "E301",
        "name": "AHostPortThatDiffersFromTheContainerPort",
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nFix: {rule.fix}\n\n{rule.source}"},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": "error"},
    }
    fingerprints = run["results"][0].pop("partialFingerprints")
    assert run["results"][0] == {
        "ruleId": "E301",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": f"{MESSAGE} {DETAIL}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "deploy/my%20task.json"},
                    "region": {"startLine": 3, "startColumn": 55, "endColumn": 59},
                },
                "logicalLocations": [
                    {
                        "fullyQualifiedName": "containerDefinitions[0].portMappings[0].hostPort",
                        "kind": "member",
                    }
                ],
            }
        ],
    }
    moved = json.loads(to_sarif(checked(TEXT.replace("[\n", "[\n\n")), version="1.2.3"))
    assert moved["runs"][0]["results"][0]["partialFingerprints"] == fingerprints


def test_github_gets_one_annotation_a_line() -> None:
    first, second = to_github(checked(name="a,b:c.json")).splitlines()
    assert first == (
        "::error file=a%2Cb%3Ac.json,line=3,col=55,title=E301 A host port that differs from the container "
        f"port::{MESSAGE} {DETAIL}%0ALeave hostPort out, or give it the value of containerPort."
    )
    assert second.startswith("::warning file=a%2Cb%3Ac.json,line=2,col=28,title=W001 ")


def test_junit_fails_what_is_at_the_threshold_and_passes_the_rest() -> None:
    suites = ElementTree.fromstring(to_junit(checked(), threshold=Severity.ERROR))
    (suite,) = suites
    assert suite.attrib == {"name": "deploy/my task.json", "tests": "2", "failures": "1"}
    assert [(case.get("name"), [part.tag for part in case]) for case in suite] == [
        ("E301 containerDefinitions[0].portMappings[0].hostPort", ["failure"]),
        ("W001 containerDefinitions[0].image", ["system-out"]),
    ]


def test_junit_has_a_passed_case_for_a_clean_definition() -> None:
    clean = TEXT.replace("8080", "80").replace(":latest", ":1")
    suites = ElementTree.fromstring(to_junit(checked(clean), threshold=Severity.ERROR))
    assert [[case.get("name") for case in suite] for suite in suites] == [["no findings"]]


def test_what_xml_cannot_hold_is_left_out() -> None:
    broken = TEXT.replace('"app"', '"a\\u0000\\uffffp"')
    assert ElementTree.fromstring(to_junit(checked(broken), threshold=None)) is not None
