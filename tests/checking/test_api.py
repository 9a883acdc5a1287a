from __future__ import annotations

import json
from pathlib import Path

import pytest

from pillion.checking.api import check
from pillion.core.errors import DocumentError
from pillion.core.rules.examples import app, health_check, task

DEFINITION = task(app(image="app:latest", healthCheck=health_check(), stopTimeout=1))


def test_a_value_a_text_and_a_file_give_the_same_findings(tmp_path: Path) -> None:
    text = json.dumps(DEFINITION)
    path = tmp_path / "task.json"
    path.write_text(text)
    for document in (DEFINITION, text, path):
        assert [finding.code for finding in check(document)] == ["E025", "W001"]


def test_findings_in_a_text_have_their_place() -> None:
    assert check(DEFINITION)[0].place is None
    place = check(json.dumps(DEFINITION))[0].place
    assert place is not None
    assert (place.file, place.line) == ("<text>", 1)


def test_codes_can_be_left_out_and_launch_types_added() -> None:
    assert [finding.code for finding in check(DEFINITION, ignore=["E025"])] == ["W001"]
    assert "E221" in {finding.code for finding in check(DEFINITION, launch_types=["FARGATE"])}


def test_a_list_of_containers_is_checked() -> None:
    assert [finding.code for finding in check((app(image="app", healthCheck=health_check()),))] == ["W001"]


def test_a_text_that_is_neither_json_nor_yaml_is_an_error() -> None:
    with pytest.raises(DocumentError):
        check("{")
