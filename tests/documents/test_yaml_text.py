"""Reading YAML: the values of the core schema, aliases, tags, and what is refused."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from pillion.core.errors import DocumentError
from pillion.documents.load import read_document
from pillion.documents.source import Syntax
from pillion.documents.tree import plain_value
from pillion.documents.yaml_text import parse_yaml
from pillion.testing.strategies import json_values


def value_of(text: str) -> Any:
    return plain_value(parse_yaml(text, "web.yaml"))


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse_yaml(text, "web.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("256", 256),
        ("-1", -1),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("y", "y"),
        ("0777", "0777"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-02", "2026-01-02"),
        (".inf", ".inf"),
        ("1.2.3", "1.2.3"),
        ("'256'", "256"),
        ('"true"', "true"),
        ("!!str 256", "256"),
        ("!!str", ""),
        ("!!int '256'", 256),
        ("! 256", "256"),
        ("|\n  256\n", "256\n"),
    ],
)
def test_a_word_means_what_the_core_schema_says(word: str, value: object) -> None:
    found = value_of(f"key: {word}")["key"]

    assert (type(found), found) == (type(value), value)


def test_a_key_is_always_a_text() -> None:
    assert value_of("80: a\ntrue: b\nnull: c\n1.50: d\non: e") == {
        "80": "a",
        "true": "b",
        "null": "c",
        "1.50": "d",
        "on": "e",
    }


def test_aliases_repeat_a_value_and_merge_keys_fill_in_members() -> None:
    text = """
base: &base {image: app, cpu: 1}
other: &other {cpu: 2, memory: 3}
one: {<<: *base, cpu: 9}
two: {<<: [*base, *other]}
same: *base
"""
    assert value_of(text) == {
        "base": {"image": "app", "cpu": 1},
        "other": {"cpu": 2, "memory": 3},
        "one": {"image": "app", "cpu": 9},
        "two": {"image": "app", "cpu": 1, "memory": 3},
        "same": {"image": "app", "cpu": 1},
    }


def test_a_quoted_merge_key_is_a_name_like_any_other() -> None:
    assert value_of('{"<<": 1}') == {"<<": 1}


def test_the_short_tags_of_cloudformation_are_what_they_stand_for() -> None:
    text = "[!Ref a, !Sub '${a}', !GetAtt a.b.c, !Join [',', [a]], !Condition c, !If [c, 1, 2]]"

    assert value_of(text) == [
        {"Ref": "a"},
        {"Fn::Sub": "${a}"},
        {"Fn::GetAtt": ["a", "b.c"]},
        {"Fn::Join": [",", ["a"]]},
        {"Condition": "c"},
        {"Fn::If": ["c", 1, 2]},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n b: 2", "2:3: this is not YAML: mapping values are not allowed in this context"),
        ("a: 1\n---\nb: 2", "2:1: a second document starts here"),
        ("a: *b", "1:4: there is no &b before this"),
        ("a: &a [*a]", "1:8: there is no &a before this"),
        ("a: 1\nb: 2\na: 3", '3:1: "a" is given twice in this object; first at 1:1'),
        ("a: !python/object:os.system x", "1:4: the tag !python/object:os.system is not known here"),
        ("a: !!binary aGk=", "1:4: the tag !!binary is not known here"),
        ("? [a]\n: b", "1:3: the name of a member must be a text"),
        ("<<: 1", "1:1: << takes an object, or a list of objects"),
        ("é: 😀\x01", "1:5: this is not YAML: the character U+0001 is not allowed"),
        ("a: \ud800", "1:4: this is not YAML: the character U+D800 is not allowed"),
        ("# nothing", "1:1: the document is empty"),
    ],
)
def test_what_is_refused_is_explained_at_its_place(text: str, message: str) -> None:
    assert refused(text).message == f"web.yaml:{message}"


def test_a_tab_is_explained() -> None:
    error = refused("a:\n\tb: 1")

    assert (error.line, error.hint.startswith("YAML is indented with spaces")) == (2, True)


@pytest.mark.parametrize("text", ["[" * 5000, "[" * 500 + "]" * 500, "- " * 200 + "a"])
def test_deep_nesting_is_refused(text: str) -> None:
    refused(text)


def test_nesting_through_aliases_counts_too() -> None:
    steps = "".join(f"a{step}: &a{step} [[[[[[[[[[*a{step - 1}]]]]]]]]]]\n" for step in range(1, 20))

    assert "nested more than 100 levels" in refused(f"a0: &a0 x\n{steps}").message


def test_a_few_aliases_cannot_make_billions_of_values() -> None:
    steps = "".join(f"a{step}: &a{step} [{', '.join([f'*a{step - 1}'] * 10)}]\n" for step in range(1, 10))

    assert "more than 200000 values" in refused(f"a0: &a0 x\n{steps}").message


def test_the_parser_of_pure_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'é😀']\nc: {<<: {d: *x}}\ne: |\n  f\n"
    fast = parse_yaml(text, "x")
    monkeypatch.delattr(yaml, "CSafeLoader")

    assert parse_yaml(text, "x") == fast
    assert "U+0001" in refused("a: \x01").message


# YAML refuses some characters that JSON takes, and reads others as ends of lines.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@pytest.mark.slow
@given(json_values())
def test_json_is_yaml_and_means_the_same(value: object) -> None:
    text = json.dumps({"top": value}, indent=1, ensure_ascii=False)
    assume(not _NOT_IN_YAML.search(text))

    assert read_document(text, "x", Syntax.YAML).value == json.loads(text)


@pytest.mark.slow
@given(st.text(alphabet="ab: -[]{}&*!<'\"|>#\n\t%@\\,?~0"))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with suppress(DocumentError):
        assert isinstance(read_document(text, "x", Syntax.YAML).value, dict | list)
