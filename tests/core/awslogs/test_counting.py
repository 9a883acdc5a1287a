"""Lines are counted, not records: a line that Docker cut into pieces is one line."""

import json

from pillion.core.awslogs.counting import count_lines


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


def test_records_and_plain_lines_count_one_each() -> None:
    assert count_lines(['{"log": "a"}', "plain", "", '{"log": "\\"partial_message\\" in a text"}']) == 4


def test_the_pieces_of_a_line_count_once() -> None:
    messages = [
        piece("one", 1, False),
        piece("two", 1, False),
        piece("one", 2, True),
        piece("two", 2, True),
        "x",
    ]
    assert count_lines(messages) == 3


def test_what_only_looks_like_a_record_is_a_line() -> None:
    assert count_lines(['{"partial_message": "true"', '["partial_message"]']) == 2
