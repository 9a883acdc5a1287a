from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.endpoints.protection import ProtectionRequest, answer_shape, error_shape, read_request
from pillion.ports.queries import Protection, ProtectionFailure


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        (b'{"ProtectionEnabled": true}', ProtectionRequest(enabled=True, expires_in_minutes=None)),
        (
            b'{"protectionenabled": false, "ExpiresInMinutes": 60}',
            ProtectionRequest(enabled=False, expires_in_minutes=60),
        ),
        (b'{"ProtectionEnabled": null}', ProtectionRequest(enabled=None, expires_in_minutes=None)),
        (b"{}", ProtectionRequest(enabled=None, expires_in_minutes=None)),
        (b'{"ProtectionEnabled": true, "More": 1}', None),
        (b'{"ProtectionEnabled": "true"}', None),
        (b'{"ProtectionEnabled": true, "ExpiresInMinutes": 1.5}', None),
        (b'{"ProtectionEnabled": true, "ExpiresInMinutes": true}', None),
        (b'{"ProtectionEnabled": true, "ExpiresInMinutes": 9223372036854775808}', None),
        (b"[]", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_requests_are_read_as_strictly_as_the_agent_reads_them(
    body: bytes, request_: ProtectionRequest | None
) -> None:
    assert read_request(body) == request_


@given(st.binary(max_size=50))
def test_no_body_is_too_odd(body: bytes) -> None:
    read_request(body)


def test_answers() -> None:
    on = answer_shape("arn", Protection(enabled=True, expires_at_s=1767326645.0))
    off = answer_shape("arn", Protection(enabled=False, expires_at_s=1767326645.0))
    failure = answer_shape("arn", ProtectionFailure(reason="TASK_NOT_VALID", detail="no service"))
    assert [on, off, failure] == [
        {
            "protection": {
                "ExpirationDate": "2026-01-02T04:04:05Z", "ProtectionEnabled": True, "TaskArn": "arn",
            }
        },
        {"protection": {"ExpirationDate": None, "ProtectionEnabled": False, "TaskArn": "arn"}},
        {"failure": {"Arn": "arn", "Detail": "no service", "Reason": "TASK_NOT_VALID"}},
    ]  # fmt: skip


def test_errors_leave_out_what_is_not_known() -> None:
    assert [
        error_shape("Code", "text"),
        error_shape("Code", "text", task_arn="arn", request_id="r-1"),
    ] == [
        {"error": {"Code": "Code", "Message": "text"}},
        {"requestID": "r-1", "error": {"Arn": "arn", "Code": "Code", "Message": "text"}},
    ]
