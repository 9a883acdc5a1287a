"""Sizes and durations as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.core.units import (
    format_cpu_units,
    format_duration_s,
    format_memory_mib,
    mib_to_bytes,
    parse_cpu_units,
    parse_duration_s,
    parse_memory_mib,
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("256", 256),
        (" 256 ", 256),
        ("1 vCPU", 1024),
        ("1vcpu", 1024),
        (".5 vCPU", 512),
        ("0.25 VCPU", 256),
        ("16 vCPU", 16384),
        ("0", 0),
    ],
)
def test_cpu_is_read_in_units_or_in_vcpu(text: str, units: int) -> None:
    assert parse_cpu_units(text) == units


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "vCPU", "1.5", "-1", "1 GB", "one", "1 vCPUs", ".1 vCPU", "١", "9" * 30, 256, None, ["1"]],
)
def test_cpu_that_ecs_would_not_understand_is_none(text: object) -> None:
    assert parse_cpu_units(text) is None


@pytest.mark.parametrize(
    ("text", "memory_mib"), [("512", 512), ("1GB", 1024), ("2 GB", 2048), ("0.5gb", 512), (".5 Gb", 512)]
)
def test_memory_is_read_in_mib_or_in_gib(text: str, memory_mib: int) -> None:
    assert parse_memory_mib(text) == memory_mib


@pytest.mark.parametrize("text", ["", "1GiB", "512MB", "1 vCPU", "0.3 GB", "1.5", "-1GB", 512, True])
def test_memory_that_ecs_would_not_understand_is_none(text: object) -> None:
    assert parse_memory_mib(text) is None


@given(st.text())
def test_no_text_makes_the_size_parsers_fail(text: str) -> None:
    for parsed in (parse_cpu_units(text), parse_memory_mib(text)):
        assert parsed is None or parsed >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("1.5", 1.5),
        ("90s", 90.0),
        ("2m30s", 150.0),
        ("1.5h", 5400.0),
        ("500ms", 0.5),
        ("1h 30m", 5400.0),
        ("1D", 86400.0),
        ("0", 0.0),
    ],
)
def test_a_duration_is_seconds_or_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5", "5 minutes", "1m30", "1e3", "nan", "inf", "1,5s", "9" * 400])
def test_anything_else_is_no_duration_and_the_message_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration.*90s, 2m30s, 1\.5h, 500ms"):
        parse_duration_s(text)


@given(st.text())
def test_no_text_makes_the_duration_parser_fail_otherwise(text: str) -> None:
    with suppress(ValueError):
        assert parse_duration_s(text) >= 0


def test_a_mib_has_1048576_bytes() -> None:
    assert mib_to_bytes(3) == 3_145_728


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.004, "4 ms"),
        (0.25, "250 ms"),
        (0.9999, "1 s"),
        (2.5, "2.5 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (150, "2 min 30 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h 1 min 1 s"),
        (-2, "-2 s"),
    ],
)
def test_a_duration_is_shown_in_the_units_that_people_use(seconds: float, shown: str) -> None:
    assert format_duration_s(seconds) == shown


def test_sizes_are_shown_in_the_units_that_people_use() -> None:
    assert [format_cpu_units(256), format_cpu_units(1024), format_cpu_units(1536)] == [
        "0.25 vCPU",
        "1 vCPU",
        "1.5 vCPU",
    ]
    assert [format_memory_mib(512), format_memory_mib(1024), format_memory_mib(1536)] == [
        "512 MiB",
        "1 GiB",
        "1.5 GiB",
    ]
