"""Secret values stay hidden; JSON keys come out as the ECS agent prints them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.inputs.secret import SecretError, SecretValue, pick_json_key


def test_a_secret_is_shown_by_no_way_of_printing() -> None:
    secret = SecretValue("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s} { {'k': secret} }"
    assert secret.reveal() == "hunter2"


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert SecretValue("a") == SecretValue("a")
    assert SecretValue("a") != SecretValue("b")
    assert SecretValue("a") != "a"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (None, "<nil>"),
        (0, "0"),
        (5432, "5432"),
        (123456, "123456"),
        (1234567, "1.234567e+06"),
        (1000000, "1e+06"),
        (-20000000, "-2e+07"),
        (1.5, "1.5"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (0.000001, "1e-06"),
        (1e100, "1e+100"),
        ([1, "a"], "[1 a]"),
        ({"b": 1, "a": {"x": None}}, "map[a:map[x:<nil>] b:1]"),
    ],
)
def test_a_value_is_rendered_as_the_go_program_renders_it(value: object, text: str) -> None:
    secret = SecretValue(json.dumps({"key": value}))
    assert pick_json_key(secret, "key") == SecretValue(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(number: float) -> None:
    secret = SecretValue(json.dumps({"key": number}))
    assert float(pick_json_key(secret, "key").reveal()) == number


def test_a_missing_key_has_the_agents_text() -> None:
    with pytest.raises(SecretError) as caught:
        pick_json_key(SecretValue('{"user": "x"}'), "password")
    assert str(caught.value) == "retrieved secret from Secrets Manager did not contain json key password"


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"hunter2', '"hunter2"'])
def test_a_secret_that_is_no_json_object_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SecretError) as caught:
        pick_json_key(SecretValue(text), "password")
    assert "hunter2" not in str(caught.value)
