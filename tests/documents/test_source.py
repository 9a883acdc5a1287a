"""Where in a text the values of a document stand, the same for JSON and YAML."""

import pytest

from pillion.core.findings import Path
from pillion.documents.load import read_document
from pillion.documents.source import Document, Lines, Position
from pillion.documents.tree import Span

JSON = """\
{
  "family": "web",
  "containerDefinitions": [
    {"name": "app", "command": ["a", "b"]},
    {"name": "log\\n\\"x\\""}
  ],
  "tags": []
}
"""

YAML = """\
# A comment first
family: web
containerDefinitions:
  - name: app
    command: [a, b]
  - name: log
tags: []
"""


@pytest.fixture
def in_json() -> Document:
    return read_document(JSON, "web.json")


@pytest.fixture
def in_yaml() -> Document:
    return read_document(YAML, "web.yaml")


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), (1, 1), (1, 1)),
        (("family",), (2, 13), (2, 3)),
        (("containerDefinitions",), (3, 27), (3, 3)),
        (("containerDefinitions", 0), (4, 5), (4, 5)),
        (("containerDefinitions", 0, "command"), (4, 32), (4, 21)),
        (("containerDefinitions", 0, "command", 1), (4, 38), (4, 38)),
        (("containerDefinitions", 1, "name"), (5, 14), (5, 6)),
    ],
)
def test_json_is_located(in_json: Document, path: Path, value: tuple[int, int], key: tuple[int, int]) -> None:
    assert in_json.locate(path) == Position(*value)
    assert in_json.locate(path, key=True) == Position(*key)


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), (2, 1), (2, 1)),
        (("family",), (2, 9), (2, 1)),
        (("containerDefinitions",), (4, 3), (3, 1)),
        (("containerDefinitions", 0), (4, 5), (4, 5)),
        (("containerDefinitions", 0, "command"), (5, 14), (5, 5)),
        (("containerDefinitions", 0, "command", 1), (5, 18), (5, 18)),
        (("containerDefinitions", 1, "name"), (6, 11), (6, 5)),
    ],
)
def test_yaml_is_located(in_yaml: Document, path: Path, value: tuple[int, int], key: tuple[int, int]) -> None:
    assert in_yaml.locate(path) == Position(*value)
    assert in_yaml.locate(path, key=True) == Position(*key)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        (("networkMode",), ()),
        (("containerDefinitions", 0, "image"), ("containerDefinitions", 0)),
        (("containerDefinitions", 7), ("containerDefinitions",)),
        (("containerDefinitions", "name"), ("containerDefinitions",)),
        (("family", "x", 3), ("family",)),
        ((0,), ()),
    ],
)
def test_what_is_missing_is_located_at_the_nearest_thing_around_it(
    in_json: Document, in_yaml: Document, path: Path, nearest: Path
) -> None:
    for document in (in_json, in_yaml):
        assert document.locate(path) == document.locate(nearest)
        assert document.locate(path, key=True) == document.locate(nearest)
        assert (document.span(path), document.key_span(path), document.member_span(path)) == (None,) * 3


def piece(document: Document, span: Span | None) -> str | None:
    return None if span is None else document.text[span.start : span.end]


def test_spans_cut_out_values_names_and_whole_members(in_json: Document, in_yaml: Document) -> None:
    name: Path = ("containerDefinitions", 1, "name")
    item: Path = ("containerDefinitions", 0)

    def pieces(document: Document, path: Path) -> list[str | None]:
        spans = document.span(path), document.key_span(path), document.member_span(path)
        return [piece(document, span) for span in spans]

    assert pieces(in_json, name) == [r'"log\n\"x\""', '"name"', r'"name": "log\n\"x\""']
    assert pieces(in_yaml, name) == ["log", "name", "name: log"]
    assert pieces(in_json, item) == [
        '{"name": "app", "command": ["a", "b"]}',
        None,
        '{"name": "app", "command": ["a", "b"]}',
    ]
    assert pieces(in_yaml, item) == ["name: app\n    command: [a, b]", None, "name: app\n    command: [a, b]"]


def test_lines_end_with_any_of_the_usual_line_ends_and_columns_count_characters() -> None:
    text = "a\r\né😀b\rc\n\nd"
    lines = Lines(text)

    assert [str(lines.position(text.index(letter))) for letter in "abcd"] == ["1:1", "2:3", "3:1", "5:1"]
    assert lines.position(len(text)) == Position(5, 2)


@pytest.mark.parametrize("name", ["web.json", "web.yaml"])
def test_a_byte_order_mark_and_wide_characters_do_not_shift_places(name: str) -> None:
    document = read_document('\ufeff{"é😀": "ü😀", "b": 1}', name)

    assert document.locate(("b",), key=True) == Position(1, 14)
    assert piece(document, document.span(("é😀",))) == '"ü😀"'
