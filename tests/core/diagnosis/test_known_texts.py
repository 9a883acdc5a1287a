"""Every text of the catalogues is recognised, by the row that says most about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pillion.core.diagnosis.causes import REASON_TABLES, TASK_TABLES
from pillion.core.diagnosis.known import KnownText, Role, recognise
from pillion.core.diagnosis.outputs import OUTPUTS
from pillion.core.diagnosis.stops import BY_STOP_CODE, SAYS_NOTHING, STOP_CODES

ALL_TABLES = (*TASK_TABLES, OUTPUTS, tuple(BY_STOP_CODE.values()))


def catalogue(name: str) -> list[tuple[str, str]]:
    """Return the pairs of text and code of a catalogue beside this file."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if not line.startswith("#")]
    return [(text, code) for code, text in pairs]


REASONS = catalogue("reasons.txt")
STOPPED_REASONS = catalogue("stopped-reasons.txt")


def code_of(text: str, tables: tuple[tuple[KnownText, ...], ...]) -> str | None:
    match = recognise(text, tables)
    return match.known.code if match else None


@pytest.mark.parametrize(("text", "code"), REASONS)
def test_a_containers_reason_is_recognised(text: str, code: str) -> None:
    assert code_of(text, REASON_TABLES) == code


@pytest.mark.parametrize(("text", "code"), [*STOPPED_REASONS, *REASONS])
def test_a_tasks_reason_is_recognised_be_it_its_own_or_that_of_a_container(text: str, code: str) -> None:
    assert code_of(text, TASK_TABLES) == code


def test_every_row_has_a_text_that_reaches_it() -> None:
    rows = {row.code for table in TASK_TABLES for row in table}
    assert rows - {code for _, code in (*REASONS, *STOPPED_REASONS)} == set()


def test_a_text_that_nobody_knows_is_not_recognised() -> None:
    assert recognise("Purple elephants: 7", ALL_TABLES[:-1]) is None


def test_reasons_that_only_repeat_the_stop_code_say_nothing() -> None:
    assert [recognise(text, TASK_TABLES) for text in SAYS_NOTHING] == [None, None]


@pytest.mark.parametrize("table", ALL_TABLES)
def test_the_words_of_a_row_can_be_filled_in_from_its_pattern(table: tuple[KnownText, ...]) -> None:
    for row in table:
        groups = set(re.compile(row.pattern).groupindex)
        for text in (row.cause, row.explanation, *row.advice):
            assert set(re.findall(r"\{(\w+)\}", text)) <= groups


def test_every_fault_has_advice() -> None:
    silent = [row.code for table in TASK_TABLES for row in table if row.role is Role.FAULT and not row.advice]
    assert silent == []


def test_every_stop_code_of_ecs_has_a_meaning() -> None:
    assert set(STOP_CODES) == {
        "TaskFailedToStart",
        "EssentialContainerExited",
        "UserInitiated",
        "ServiceSchedulerInitiated",
        "SpotInterruption",
        "TerminationNotice",
        "InfrastructureHealth",
    }


def test_the_names_in_a_dependency_text_are_understood() -> None:
    text = next(text for text, code in REASONS if code == "dependency-not-successful")
    match = recognise(text, REASON_TABLES)
    assert match is not None
    assert match.words == {"dependency": "loader", "image": "repo/loader:1", "exit": "4", "target": "app"}
    assert match.cause == "loader did not exit with 0, and SUCCESS asks for that"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("exec /app: exec format error", "output-exec-format"),
        ("Error: listen EADDRINUSE: address already in use :::8080", "output-address-in-use"),
        ("java.lang.OutOfMemoryError: Java heap space", "output-heap"),
        ("dial tcp 127.0.0.1:5432: connect: connection refused", "output-refused"),
        ("NoCredentialsError: Unable to locate credentials", "output-no-credentials"),
        ("An error occurred (AccessDenied) when calling GetObject", "output-denied-aws"),
        ("touch: /x: Read-only file system", "output-read-only"),
        ("write /data/x: no space left on device", "output-no-space"),
        ("/bin/sh: curl: not found", "output-not-found"),
        ("mkdir /data/x: permission denied", "output-permission"),
        ("KeyError: 'DATABASE_URL'", "output-variable"),
        ("DATABASE_URL is not set", "output-variable"),
    ],
)
def test_a_line_of_output_gives_a_hint(line: str, code: str) -> None:
    assert code_of(line, (OUTPUTS,)) == code
