"""Texts that hold tasks: what `aws ecs describe-tasks` prints, and what `pillion run --format json` prints.

Surprising: an EventBridge "ECS Task State Change" event is a task, too (in `detail`), and a text of several
JSON lines may hold a run that never came to its result: then the task is put together from the lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from pillion.core.diagnosis.evidence import (
    LINES_MAX,
    ContainerEvidence,
    TaskEvidence,
    evidence_of_shape,
    time_s,
)
from pillion.core.errors import PillionError

_HINT = (
    "Give what `aws ecs describe-tasks --cluster … --tasks …` prints as JSON, "
    "or what `pillion run --format json` printed."
)

Json = Any


class EvidenceError(PillionError):
    """A text holds no task. The message says what it holds instead, the hint what to give."""


def read_tasks(text: str) -> tuple[TaskEvidence, ...]:
    """Return every task that a text holds.

    Raises:
        EvidenceError: it is not JSON, or there is no task in it; `failures` of DescribeTasks are quoted.
    """
    if not text.strip():
        raise EvidenceError("this is empty", hint=_HINT)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        lines = _json_lines(text)
        if not lines:
            raise EvidenceError(f"this is not JSON: {error.msg} (line {error.lineno})", hint=_HINT) from error
        return _tasks_of_lines(lines)
    if isinstance(value, Mapping) and "type" in value and "taskArn" not in value:
        return _tasks_of_lines([value])
    found = tuple(evidence_of_shape(shape) for shape in _shapes(value))
    if not found:
        raise EvidenceError(_nothing_there(value), hint=_HINT)
    return found


def _shapes(value: Json) -> list[Mapping[str, Any]]:
    """Find Task shapes: bare, in a list, under `tasks` or `task`, or in an event's `detail`."""
    if isinstance(value, list):
        return [shape for item in value for shape in _shapes(item)]
    if not isinstance(value, Mapping):
        return []
    for key in ("tasks", "task", "detail"):
        if isinstance(value.get(key), list | Mapping):
            return _shapes(value[key])
    return [value] if "taskArn" in value or "lastStatus" in value else []


def _nothing_there(value: Json) -> str:
    failures = value.get("failures") if isinstance(value, Mapping) else None
    if isinstance(failures, list) and failures:
        words = ", ".join(
            f"{item.get('arn', '?')}: {item.get('reason', '?')}"
            for item in failures
            if isinstance(item, Mapping)
        )
        return (
            f"ECS did not find the task ({words}); a stopped task can be described for about an hour only, "
            "and in its own cluster only"
        )
    return "there is no task in this"


def _json_lines(text: str) -> list[Mapping[str, Any]]:
    """Return the lines that are JSON objects with a type; the last one may be cut off."""
    found = []
    for line in text.splitlines():
        if line.lstrip().startswith("{"):
            try:
                value = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(value, Mapping) and isinstance(value.get("type"), str):
                found.append(value)
    return found


def _tasks_of_lines(lines: Iterable[Mapping[str, Any]]) -> tuple[TaskEvidence, ...]:
    story = _Story()
    for line in lines:
        story.take(line)
    if story.is_empty:
        raise EvidenceError("there is no task in these lines", hint=_HINT)
    return (story.task(),)


class _Story:
    """Puts the lines of one run together."""

    def __init__(self) -> None:
        self._result: TaskEvidence | None = None
        self._containers: dict[str, ContainerEvidence] = {}
        self._status = ""
        self._created_at_s: float | None = None

    @property
    def is_empty(self) -> bool:
        return self._result is None and not self._containers and not self._status

    def take(self, line: Mapping[str, Any]) -> None:
        at_s, name = time_s(line.get("at")), str(line.get("container", ""))
        match line.get("type"):
            case "result" if isinstance(line.get("task"), Mapping):
                self._result = evidence_of_shape(line["task"])
            case "task":
                self._status = str(line.get("lastStatus", ""))
                self._created_at_s = at_s if self._created_at_s is None else self._created_at_s
            case "container":
                self._move(name, str(line.get("to", "")), str(line.get("cause", "")), at_s)
            case "health":
                self._put(name, health_status=str(line.get("status", "")))
            case "log":
                lines = (*self._of(name).lines, str(line.get("message", "")))
                self._put(name, lines=lines[-LINES_MAX:])
            case _:
                pass

    def _move(self, name: str, to: str, cause: str, at_s: float | None) -> None:
        match to:
            case "RUNNING":
                started_at_s = self._of(name).started_at_s or at_s
                self._put(name, last_status=to, cause=cause, has_run=True, started_at_s=started_at_s)
            case "STOPPED":
                has_run = self._of(name).has_run or False
                self._put(name, last_status=to, cause=cause, stopped_at_s=at_s, has_run=has_run)
            case _:
                self._put(name, last_status="PENDING", cause=cause)

    def _of(self, name: str) -> ContainerEvidence:
        return self._containers.get(name) or ContainerEvidence(name=name, last_status="PENDING")

    def _put(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - the fields have many types
        if name:
            self._containers[name] = replace(self._of(name), **changes)

    def task(self) -> TaskEvidence:
        if self._result is None:
            return TaskEvidence(
                last_status=self._status,
                created_at_s=self._created_at_s,
                containers=tuple(self._containers.values()),
            )
        return replace(
            self._result,
            containers=tuple(self._merged(item) for item in self._result.containers),
        )

    def _merged(self, item: ContainerEvidence) -> ContainerEvidence:
        """Add what only the lines know to what the result says."""
        told = self._of(item.name)
        return replace(
            item,
            has_run=told.has_run if told.has_run is not None else item.has_run,
            started_at_s=told.started_at_s,
            stopped_at_s=told.stopped_at_s,
            cause=told.cause,
            lines=told.lines,
        )
