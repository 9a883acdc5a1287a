from __future__ import annotations

import json

from pillion.checking.check import CheckedDocument, check_document
from pillion.checking.text import budget_text, document_text, explain_text, summary_text
from pillion.core.budget import budget_of
from pillion.core.rules.catalogue import BY_CODE
from pillion.core.rules.examples import app, health_check, sidecar, task
from pillion.core.usage import Observed
from pillion.documents.load import read_document
from pillion.documents.source import Syntax


def checked(text: str) -> CheckedDocument:
    return check_document(read_document(text, "task.json", Syntax.JSON))


def test_a_finding_says_what_aws_says_where_why_and_what_to_do() -> None:
    text = """{"family": "web", "networkMode": "awsvpc", "containerDefinitions": [
  {"name": "app", "image": "a:1", "memory": 64, "healthCheck": {"command": ["CMD", "true"]},
   "portMappings": [{"containerPort": 80, "hostPort": 8080}]}
]}"""
    document = checked(text)
    assert "\n".join(document_text(document)) == (
        """\
task.json · web: 1 error

task.json:3:55: error E301 app: A host port that differs from the container port
  AWS says: When networkMode=awsvpc, the host ports and container ports in port mappings must match.
  hostPort is 8080, containerPort is 80.
  3 |   "portMappings": [{"containerPort": 80, "hostPort": 8080}]}
    |                                                      ^^^^
  why: With awsvpc and host there is one network namespace, so nothing could translate between two ports.
  fix: Leave hostPort out, or give it the value of containerPort.
"""
    )
    assert summary_text([document]) == "1 definition checked: 1 error; 1 can be repaired with --fix"


def test_a_note_is_short() -> None:
    document = checked(
        '{"family": "web", "containerDefinitions": [{"name": "a", "image": "a:1", "memory": 9}]}'
    )
    assert list(document_text(document)) == [
        "task.json · web: 1 note\n",
        "task.json:1:44: note W805 a: An essential container without a health check",
        "  a is essential and has no health check, so nobody notices when it hangs.",
        "  fix: Add a healthCheck, unless a load balancer looks after the container.",
        "",
    ]


def test_a_long_line_is_cut_around_the_caret() -> None:
    value = task(app(environment=[{"name": "A", "value": "x" * 300}], healthCheck=health_check(timeout=99)))
    lines = [
        line for line in document_text(checked(json.dumps(value))) if line.startswith(("  1 |", "    |"))
    ]
    source, carets = lines[0], lines[1]
    assert len(source) < 120
    assert source[carets.index("^") : carets.rindex("^") + 1] == "99"


def test_what_looks_like_a_secret_is_not_printed_with_its_line() -> None:
    text = """{"family": "web", "containerDefinitions": [{"name": "app", "image": "a:1", "memory": 64,
  "environment": [{"name": "PASSWORD", "value": "hunter2"}, {"name": "PORT", "value": 80}]}]}"""
    lines = [line for line in document_text(checked(text)) if line.startswith("  2 |")]
    shown = (
        '  2 |   "environment": [{"name": "PASSWORD", "value": "*******"}, {"name": "PORT", "value": 80}]}]}'
    )
    assert lines == [shown, shown]


def test_a_name_cannot_steer_the_terminal_or_begin_a_line() -> None:
    value = task(app(name="a\x1b[31m\n::error::b", healthCheck=health_check()))
    first = next(line for line in document_text(checked(json.dumps(value))) if "E022" in line)
    assert first.startswith(r"task.json:1:")
    assert r" error E022 a\x1b[31m\n::error::b: " in first


def test_a_template_is_not_said_to_be_repairable() -> None:
    properties = {"ContainerDefinitions": [{"Name": "a", "Image": "a:1", "Memory": 9, "StopTimeout": 1}]}
    template = {"Resources": {"Web": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}
    document = checked(json.dumps(template))
    assert summary_text([document]) == "1 definition checked: 1 error, 1 note"


def test_a_clean_document_has_nothing_to_say() -> None:
    document = checked(json.dumps(task(app(healthCheck=health_check()))))
    assert list(document_text(document)) == []
    assert summary_text([document, document]) == "2 definitions checked: no findings"


def test_the_budget_shows_what_is_left_and_what_is_not_known() -> None:
    value = task(
        app(cpu=256, memory=None, memoryReservation=512),
        sidecar("agent", cpu=64, memory=128),
        cpu="512",
        memory="1024",
    )
    assert list(budget_text(budget_of(value), "web")) == [
        "Budget of web (cpu units, MiB)",
        "  container  cpu  memory  reserved  role",
        "  app        256       -       512  application",
        "  agent       64     128       128  application",
        "  task       512    1024",
        "  left       192     896       384",
        "",
    ]


def test_a_rule_explains_itself_with_both_examples() -> None:
    text = "\n".join(explain_text(BY_CODE["E301"]))
    assert text.startswith("E301 (error): A host port that differs from the container port\n")
    assert '"hostPort": 80\n' in text
    assert '"hostPort": 8080\n' in text


def test_the_budget_has_columns_for_what_past_runs_used() -> None:
    value = task(app(cpu=256, memory=512), sidecar("agent", cpu=64, memory=128))
    seen = {"app": Observed(memory_mib=80, cpu_units=12)}
    assert list(budget_text(budget_of(value, seen), "web"))[1:4] == [
        "  container  cpu  memory  reserved  observed cpu  observed memory  role",
        "  app        256     512       512            12               80  application",
        "  agent       64     128       128             -                -  application",
    ]
