"""Requests and answers of the task protection endpoint. Pure.

docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from pillion.endpoints.gojson import present, timestamp
from pillion.ports.queries import Protection, ProtectionCallError, ProtectionFailure

CALL_TIMEOUT_S = 4.0
"""How long the agent waits for ECS."""

NO_TASK = "Failed to find a task for the request"
NO_ROLE = "Invalid Request: no task IAM role credentials available for task"
NO_FLAG = "Invalid request: does not contain 'ProtectionEnabled' field"
NOT_READABLE = "UpdateTaskProtection: failed to decode request"
TOO_SLOW = "Timed out calling ECS Task Protection API"

_INT64_MAX = 2**63 - 1


class ProtectionRequest(Struct, frozen=True, kw_only=True):
    """What a container asks for; None where it does not say."""

    enabled: bool | None
    expires_in_minutes: int | None


def read_request(body: bytes) -> ProtectionRequest | None:
    """Read a request as the agent does, None where it cannot be read.

    Names are compared without regard to case; unknown ones are refused; null counts as absent.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    values = {name.lower(): value for name, value in document.items()}
    enabled, minutes = values.pop("protectionenabled", None), values.pop("expiresinminutes", None)
    if values or not isinstance(enabled, bool | None) or isinstance(minutes, bool):
        return None
    if not isinstance(minutes, int | None) or abs(minutes or 0) > _INT64_MAX:
        return None
    return ProtectionRequest(enabled=enabled, expires_in_minutes=minutes)


def answer_shape(task_arn: str, answer: Protection | ProtectionFailure) -> dict[str, Any]:
    """Return ECS's answer as the agent passes it on."""
    if isinstance(answer, ProtectionFailure):
        return {"failure": present({"Arn": task_arn, "Detail": answer.detail, "Reason": answer.reason})}
    expiry = timestamp(answer.expires_at_s) if answer.enabled else None
    return {
        "protection": {"ExpirationDate": expiry, "ProtectionEnabled": answer.enabled, "TaskArn": task_arn}
    }


def error_shape(
    code: str, message: str, *, task_arn: str = "", request_id: str | None = None
) -> dict[str, Any]:
    """Return an error as the agent writes it."""
    error = present({"Arn": task_arn, "Code": code, "Message": message})
    return present({"requestID": request_id, "error": error})


def call_error_shape(task_arn: str, error: ProtectionCallError) -> dict[str, Any]:
    """Return an error of ECS's own."""
    return error_shape(error.code, error.message, task_arn=task_arn, request_id=error.request_id)
