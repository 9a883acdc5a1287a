"""Date formats and Go's regular expressions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.awslogs.patterns import PatternError, datetime_pattern, line_pattern

CODES = "aAwdbBmYyHIpMSfzj"


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)),
    st.lists(st.sampled_from(CODES.replace("j", "")), min_size=1).map(
        lambda codes: " ".join(f"%{c}" for c in codes)
    ),
)
def test_a_date_that_was_written_with_the_format_is_found(moment: datetime, format_: str) -> None:
    line = f"[{moment.strftime(format_)}] something happened"
    assert datetime_pattern(format_).search(line)


@pytest.mark.parametrize(
    ("format_", "line", "found"),
    [
        ("%Y-%m-%d %H:%M:%S%L", "2026-01-31 23:59:59.123 started", True),
        ("%Y-%m-%d %H:%M:%S%L", "2026-01-31 23:59:59 started", False),
        ("%Y-%m-%d", "2026-13-01", False),
        ("%b %d, %Y", "before Jan 02, 2026 after", True),
        ("%H:%M", "24:00", False),
        ("%Z", "at CEST", True),
        (r"\[%Y", "[2026", True),
        ("%Q", "%Q", True),
    ],
)
def test_a_date_format_finds_what_dockers_driver_finds(format_: str, line: str, found: bool) -> None:
    assert bool(datetime_pattern(format_).search(line)) is found


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("^INFO", "INFO x", True),
        ("^INFO", " INFO", False),
        ("^[[:upper:]]+:", "WARN: x", True),
        ("[^[:space:]]x", " x", False),
        (r"end\z", "the end", True),
        (r"\\z", r"a\z", True),
        ("(?i)error", "ERROR", True),
        (r"^\d", "٣", False),
        (r"a(?:b|c)", "ac", True),
    ],
)
def test_a_pattern_means_what_go_means(pattern: str, line: str, found: bool) -> None:
    assert bool(line_pattern(pattern).search(line)) is found


@pytest.mark.parametrize(
    "pattern", ["(", "a(?=b)", "a(?!b)", "(?<=a)b", r"(a)\1", "(?>a)", "(?P=x)", "*", r"a\Z"]
)
def test_what_go_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="error parsing regexp"):
        line_pattern(pattern)


def test_an_escaped_parenthesis_is_no_look_ahead() -> None:
    assert line_pattern(r"\(?=x").search("=x")
