"""Reading JSON: what is refused, in which words, and where."""

import json

import pytest
from hypothesis import given

from pillion.core.errors import DocumentError
from pillion.core.findings import Path
from pillion.documents.json_text import parse_json, scan_json
from pillion.documents.load import read_document
from pillion.documents.source import Syntax
from pillion.documents.tree import plain_value
from pillion.testing.strategies import json_values


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse_json(text, "web.json")
    return caught.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "1:9: this is not JSON: a comma before the closing bracket"),
        ("[1,\n]", "2:1: this is not JSON: a comma before the closing bracket"),
        ('{"a": 1 // one\n}', "1:9: this is not JSON: JSON has no comments"),
        ("/* a */ {}", "1:1: this is not JSON: JSON has no comments"),
        ('{\n  # a\n  "a": 1}', "2:3: this is not JSON: JSON has no comments"),
        ("{'a': 1}", "1:2: this is not JSON: texts and names stand in double quotes"),
        ('{"a": “b”}', "1:7: this is not JSON: texts and names stand in double quotes"),
        ("{a: 1}", "1:2: this is not JSON: a name in double quotes belongs here"),
        ('{"a": True}', "1:7: this is not JSON: true, false and null are written in small letters"),
        ('{"a": 1 "b": 2}', "1:9: this is not JSON: a comma is missing here"),
        ('{"a" 1}', "1:6: this is not JSON: a colon is missing here"),
        ('{"a": }', "1:7: this is not JSON: a value is missing here"),
        ('{"a": 1}}', "1:9: this is not JSON: more text after the end of the document"),
        ('{"a": [1, 2', "1:12: this is not JSON: the text ends too early"),
        ('{"a": "b', "1:7: this is not JSON: this text has no closing quote"),
        ('{"a": "b\nc"}', "1:9: this is not JSON: a line break or a tab inside of a text"),
        (r'{"a": "\d"}', "1:8: this is not JSON: an unknown escape in a text"),
        ('{"NaN": "NaN", "b": NaN}', "1:21: this is not JSON: it has no NaN"),
        ("[-Infinity]", "1:2: this is not JSON: it has no -Infinity"),
    ],
)
def test_what_is_not_json_is_explained_at_its_place(text: str, message: str) -> None:
    assert refused(text).message == f"web.json:{message}"


def test_a_name_that_is_given_twice_is_refused_with_both_places() -> None:
    error = refused('{\n  "a": {"b": 1, "b": 2},\n  "c": 1,\n  "c": 2\n}')

    assert str(error) == (
        'web.json:4:3: "c" is given twice in this object; first at 3:3\n'
        "  Keep one of the two. 1 more of this kind in the document."
    )
    assert (error.file, error.line, error.column) == ("web.json", 4, 3)


def test_names_that_are_the_same_only_after_unescaping_are_the_same() -> None:
    assert '"a" is given twice' in refused(r'{"a": 1, "\u0061": 2}').message


def test_a_name_twice_in_a_text_that_is_no_json_leaves_the_other_mistake_to_be_told_first() -> None:
    assert "the text ends too early" in refused('[{"a": 1, "a": 2}').message


@pytest.mark.parametrize("depth", [101, 500, 100_000])
def test_a_document_that_is_nested_too_deeply_is_refused_whatever_the_stack(depth: int) -> None:
    error = refused("[" * depth + "]" * depth)

    assert error.message == "web.json:1:101: the document is nested more than 100 levels deep"


def test_a_hundred_levels_are_read_and_so_are_many_brackets_side_by_side() -> None:
    assert plain_value(scan_json("[" * 100 + "]" * 100)) == parse_json("[" * 100 + "]" * 100, "x")
    assert len(parse_json("[" + "[]," * 500 + "[]]", "x")) == 501


def test_a_huge_number_is_read_as_some_huge_number() -> None:
    value = parse_json('{"a": 5, "b": -' + "9" * 10_000 + "}", "x")

    assert value["a"] == 5
    assert value["b"] < -(10**50)


@pytest.mark.slow
@given(json_values())
def test_json_is_read_as_the_standard_library_reads_it_and_every_value_has_its_span(value: object) -> None:
    text = json.dumps({"top": value}, indent=1)
    document = read_document(text, "x", Syntax.JSON)

    assert document.value == {"top": value}
    for path, inner in _values((), document.value):
        span = document.span(path)
        assert span is not None
        assert json.loads(text[span.start : span.end]) == inner


def _values(path: Path, value: object) -> list[tuple[Path, object]]:
    found = [(path, value)]
    if isinstance(value, dict):
        for key, item in value.items():
            found += _values((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _values((*path, index), item)
    return found
