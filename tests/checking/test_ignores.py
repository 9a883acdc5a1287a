from __future__ import annotations

import json
from typing import Any

from pillion.checking.check import CheckOptions, check_document
from pillion.core.rules.examples import app, sidecar, task
from pillion.documents.load import read_document
from pillion.documents.source import Syntax


def codes(value: Any, **options: Any) -> list[tuple[str, str | None]]:
    document = read_document(json.dumps(value), "task.json", Syntax.JSON)
    checked = check_document(document, CheckOptions(**options))
    return [(finding.code, finding.container) for finding in checked.findings]


def yaml_codes(text: str) -> list[tuple[str, str | None]]:
    checked = check_document(read_document(text, "task.yaml", Syntax.YAML))
    return [(finding.code, finding.container) for finding in checked.findings]


LATEST = task(app(image="a:latest"), sidecar("db", image="b:latest"))


def test_a_code_is_ignored_everywhere() -> None:
    assert [code for code, _ in codes(LATEST, ignore=frozenset({"W805"}))] == ["W001", "W001"]


def test_a_label_ignores_a_code_for_its_container_alone() -> None:
    labels = {"dev.pillion.ignore": "W001, w805"}
    value = task(app(image="a:latest", dockerLabels=labels), sidecar("db", image="b:latest"))
    assert codes(value) == [("W001", "db"), ("W805", "db")]


YAML = """family: web
containerDefinitions:
  - name: app{on_container}
    memory: 64
    {above_image}
    image: a:latest{on_image}
  - name: db
    memory: 64
    image: b:latest
"""
ALL = [("W001", "app"), ("W001", "db"), ("W805", "app"), ("W805", "db")]


def with_comments(on_container: str = "", above_image: str = "", on_image: str = "") -> str:
    return YAML.format(on_container=on_container, above_image=above_image, on_image=on_image)


def test_without_a_comment_everything_is_told() -> None:
    assert yaml_codes(with_comments()) == ALL


def test_a_comment_on_a_line_counts_for_the_value_there() -> None:
    assert yaml_codes(with_comments(on_image="  # pillion: ignore W001, W805")) == ALL[1:]


def test_a_comment_above_a_line_counts_for_the_value_below() -> None:
    assert yaml_codes(with_comments(above_image="# pillion: ignore W001")) == ALL[1:]


def test_a_comment_where_a_container_begins_counts_for_all_of_it() -> None:
    comment = "  # pillion: ignore W001 W805"
    assert yaml_codes(with_comments(on_container=comment)) == [("W001", "db"), ("W805", "db")]


def test_a_comment_at_the_top_counts_for_the_whole_document() -> None:
    assert yaml_codes("# pillion: ignore W805\n" + with_comments()) == ALL[:2]
