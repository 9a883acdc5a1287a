"""How problems are shown."""

import pytest
from msgspec.structs import replace

from pillion.core.findings import Path
from pillion.core.taskdef.problem import Problem, ProblemCode, format_path, shown_value


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), "input"),
        (("family",), "family"),
        (("containerDefinitions", 0, "command", 2), "containerDefinitions[0].command[2]"),
        ((3, "name"), "[3].name"),
        (("dockerLabels", "com.example/a b"), 'dockerLabels."com.example/a b"'),
        (("a\x1b[2J",), '"a\\u001b[2J"'),
    ],
)
def test_a_path_is_shown_as_the_sdks_show_it_and_is_safe_to_print(path: Path, shown: str) -> None:
    assert format_path(path) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (0, "the number 0"),
        (1.5, "the number 1.5"),
        pytest.param(10**5000, "a very large number", id="huge"),
        ("a", 'the string "a"'),
        ("é\n", 'the string "é\\n"'),
        ("\ud800", 'the string "\\ud800"'),
        ("x" * 61, f'the string "{"x" * 60}…"'),
        ([1], "a list"),
        ({"a": 1}, "an object"),
        (b"", "something that JSON does not have"),
    ],
)
def test_a_value_is_shown_in_a_few_words(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def test_only_problems_with_a_name_are_about_the_name() -> None:
    about_the_name = [code for code in ProblemCode if Problem(path=(), code=code, message="").at_key]
    assert about_the_name == [
        ProblemCode.UNKNOWN_FIELD,
        ProblemCode.WRONG_CASE,
        ProblemCode.MISPLACED_FIELD,
    ]


def test_a_problem_is_its_message_and_what_to_do() -> None:
    problem = Problem(path=(), code=ProblemCode.NULL, message="Wrong.", hint="Do this.")

    assert str(problem) == "Wrong. Do this."
    assert str(replace(problem, hint="")) == "Wrong."
