"""Environment files are not shell scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.inputs.envfile import (
    LINE_BYTES_MAX,
    EnvironmentFileError,
    merge_environment_files,
    parse_environment_file,
)


def test_values_are_kept_as_they_are() -> None:
    text = (
        "# a comment\n"
        " # not one = true\n"
        "QUOTED=\"with 'quotes'\"\n"
        "EQUALS=a=b=c\n"
        "SPACES=  around  \n"
        "EMPTY=\n"
        "no equals sign\n"
        "=no name\n"
        "export SHELL_STYLE=$HOME\\n\n"
        "WINDOWS=line\r\n"
        "TWICE=first\n"
        "TWICE=second"
    )
    assert parse_environment_file(text) == {
        " # not one ": " true",
        "QUOTED": "\"with 'quotes'\"",
        "EQUALS": "a=b=c",
        "SPACES": "  around  ",
        "EMPTY": "",
        "export SHELL_STYLE": "$HOME\\n",
        "WINDOWS": "line",
        "TWICE": "second",
    }


def test_a_line_that_is_too_long_is_named_and_not_shown() -> None:
    longest = "A=" + "x" * (LINE_BYTES_MAX - 3)
    assert parse_environment_file(longest) == {"A": "x" * (LINE_BYTES_MAX - 3)}
    with pytest.raises(EnvironmentFileError) as caught:
        parse_environment_file(f"B=1\n{longest}x")
    assert str(caught.value) == f"line 2 is longer than {LINE_BYTES_MAX} bytes"


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="=\n\r"), min_size=1).filter(
    lambda name: not name.startswith("#")
)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"))


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_line_by_line_is_read_back(variables: dict[str, str]) -> None:
    text = "\n".join(f"{name}={value}" for name, value in variables.items())
    assert parse_environment_file(text) == variables


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=4))
def test_the_earlier_file_wins(files: list[dict[str, str]]) -> None:
    merged = merge_environment_files(files)
    for name in set().union(*files):
        assert merged[name] == next(variables[name] for variables in files if name in variables)
