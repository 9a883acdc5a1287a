"""Lines are counted, not records: a line that Docker cut into pieces is one line."""

import json
from collections.abc import Iterable

import pytest

from pillion.core.awslogs.counting import Arrivals


def piece(line: str, ordinal: int, last: bool) -> str:
    return json.dumps(
        {
            "log": "x",
            "partial_message": "true",
            "partial_id": line,
            "partial_ordinal": str(ordinal),
            "partial_last": json.dumps(last),
        }
    )


def of(container: str | None, **more: str) -> bytes:
    named = {} if container is None else {"container_name": container}
    return json.dumps({"log": "x", **named, **more}).encode()


def counted(messages: Iterable[str]) -> int:
    arrivals = Arrivals()
    for message in messages:
        arrivals.add(message)
    return arrivals.lines


def test_records_and_plain_lines_count_one_each() -> None:
    assert counted(['{"log": "a"}', "plain", "", '{"log": "\\"partial_message\\" in a text"}']) == 4


def test_the_pieces_of_a_line_count_once() -> None:
    messages = [
        piece("one", 1, False),
        piece("two", 1, False),
        piece("one", 2, True),
        piece("two", 2, True),
        "x",
    ]
    assert counted(messages) == 3


def test_what_only_looks_like_a_record_is_a_line() -> None:
    assert counted(['{"partial_message": "true"', '["partial_message"]']) == 2


@pytest.mark.parametrize(
    ("contents", "lines", "nameless"),
    [
        ([of("/app") + b"\n" + of("/app") + b"\n\n", of("app")], 3, 0),
        ([of("/other"), of("/app-2"), of("/app")], 1, 0),
        ([of("/app", partial_message="true", partial_id="1")] * 3, 1, 0),
        ([of("/app"), of(None), b"plain", b"\xf3\x89\x9a\xc2binary", b"[1]", of("/app")], 2, 4),
    ],
)
def test_where_anybody_may_write_records_say_whose_they_are(
    contents: list[bytes], lines: int, nameless: int
) -> None:
    arrivals = Arrivals("app")
    for content in contents:
        arrivals.add_lines(content)
    assert (arrivals.lines, arrivals.nameless) == (lines, nameless)
