from __future__ import annotations

import json

from pillion.checking.check import CheckOptions, check_document
from pillion.core.findings import Place
from pillion.core.rules.examples import app, task
from pillion.documents.load import read_document
from pillion.documents.source import Syntax


def test_a_finding_has_its_place_its_container_and_its_field() -> None:
    text = """{"family": "web",
 "containerDefinitions": [
  {"name": "app", "image": "app:latest", "memory": 64}
]}"""
    checked = check_document(read_document(text, "task.json", Syntax.JSON))
    finding = next(finding for finding in checked.findings if finding.code == "W001")
    assert finding.place == Place(file="task.json", line=3, column=28, end_column=40)
    assert (finding.container, finding.field) == ("app", "containerDefinitions[0].image")
    assert finding.definition == "web"


def test_a_misspelt_member_is_shown_at_its_name() -> None:
    text = '{"family": "web", "Cpu": "256", "containerDefinitions": []}'
    checked = check_document(read_document(text, "task.json", Syntax.JSON))
    finding = next(finding for finding in checked.findings if finding.code == "S005")
    assert finding.place == Place(file="task.json", line=1, column=19, end_column=24)


def test_a_finding_in_a_wrapped_definition_is_found_inside_the_wrapper() -> None:
    text = json.dumps({"taskDefinition": task(app(image="app:latest"))})
    checked = check_document(read_document(text, "task.json", Syntax.JSON))
    finding = next(finding for finding in checked.findings if finding.code == "W001")
    assert finding.place is not None
    assert text[finding.place.column - 1 :].startswith('"app:latest"')


def test_a_finding_in_a_template_is_found_at_the_templates_own_spelling() -> None:
    text = """
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Memory: 64
          Image: !Sub "app:latest"
          essential: true
"""
    checked = check_document(read_document(text, "template.yaml", Syntax.YAML))
    found = {finding.code: finding for finding in checked.findings}
    assert found["W001"].place == Place(file="template.yaml", line=9, column=18, end_column=35)
    assert found["W001"].definition == "Task"
    assert found["S005"].place == Place(file="template.yaml", line=10, column=11, end_column=20)
    assert found["S005"].detail == "It writes Essential."


def test_one_definition_can_be_chosen() -> None:
    document = read_document(json.dumps([task(), task(family="other")]), "tasks.json", Syntax.JSON)
    checked = check_document(document, CheckOptions(choose="other"))
    assert [definition.subject.name for definition in checked.definitions] == ["other"]


def test_a_launch_type_can_be_added() -> None:
    document = read_document(json.dumps(task()), "task.json", Syntax.JSON)
    checked = check_document(document, CheckOptions(launch_types=frozenset({"FARGATE"})))
    assert [f.code for f in checked.findings if f.severity == "error"] == ["E221", "E203", "E204"]
