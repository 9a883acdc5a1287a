"""A diagnosis as text for people, and as a stable JSON shape for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pillion.core.describe import iso_time
from pillion.core.diagnosis.known import Role
from pillion.core.diagnosis.model import Diagnosis, Explanation, Link
from pillion.core.findings import format_path

FORMAT = 1
"""The format of the JSON shape; members may be added without raising it."""

_TITLES = {
    Role.FAULT: "cause",
    Role.EXPECTED: "cause",
    Role.CONSEQUENCE: "follows",
    Role.NOTE: "note",
}


def diagnosis_text(diagnosis: Diagnosis, *, lines: bool = True) -> str:
    """Return a diagnosis as text: the answer, the chain of causes, each finding, the last output.

    Args:
        diagnosis: what to say.
        lines: whether the last lines of output of containers that ended badly are shown.
    """
    parts = [[diagnosis.summary]]
    if len(diagnosis.chain) > 1:
        parts.append(["What happened, first to last:", *_chain_lines(diagnosis.chain)])
    parts += [_finding_lines(item) for item in diagnosis.findings]
    if lines:
        parts += list(_output_parts(diagnosis))
    return "\n\n".join("\n".join(part) for part in parts)


def _chain_lines(chain: Sequence[Link]) -> list[str]:
    width = max(len(link.container or "task") for link in chain)
    first_s = next((link.at_s for link in chain if link.at_s is not None), None)
    return [
        f"  {number}. {(link.container or 'task').ljust(width)}  {link.text}{_after(link.at_s, first_s)}"
        for number, link in enumerate(chain, 1)
    ]


def _after(at_s: float | None, first_s: float | None) -> str:
    return "" if at_s is None or first_s is None or at_s <= first_s else f"  (+{at_s - first_s:.1f} s)"


def _finding_lines(item: Explanation) -> list[str]:
    who = f"{item.container}: " if item.container else ""
    doubt = "" if item.is_certain else " (likely)"
    place = str(item.place) if item.place else ""
    field = format_path(item.path)
    where = "  ".join(text for text in (place, field) if text)
    return [
        f"{_TITLES[item.role]}{doubt}: {who}{item.what}  [{item.code}]",
        *([f"  {item.why}"] if item.why else []),
        *(f"  seen: {text}".replace("\n", "\n        ") for text in item.evidence),
        *([f"  look at: {where}"] if where else []),
        *(f"  do: {text}" for text in item.advice),
    ]


def _output_parts(diagnosis: Diagnosis) -> Iterable[list[str]]:
    named = {item.container for item in diagnosis.findings if item.role is not Role.EXPECTED}
    for item in diagnosis.task.containers:
        if item.lines and item.name in named:
            yield [f"The last output of {item.name}:", *(f"  | {line}" for line in item.lines)]


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as a JSON value.

    Members: `format`, `summary`, `task` (arn, family, status, stopCode, stoppedReason), `chain` (container,
    at, text) and `findings` (code, role, container, what, why, certain, evidence, advice, field, place).
    What is not known is null, or an empty list.
    """
    task = diagnosis.task
    return {
        "format": FORMAT,
        "summary": diagnosis.summary,
        "task": {
            "taskArn": task.task_arn or None,
            "taskDefinitionArn": task.definition_arn or None,
            "lastStatus": task.last_status or None,
            "stopCode": task.stop_code or None,
            "stoppedReason": task.stopped_reason or None,
        },
        "chain": [
            {
                "container": link.container,
                "at": None if link.at_s is None else iso_time(link.at_s),
                "text": link.text,
            }
            for link in diagnosis.chain
        ],
        "findings": [_finding_json(item) for item in diagnosis.findings],
    }


def _finding_json(item: Explanation) -> dict[str, Any]:
    place = item.place
    return {
        "code": item.code,
        "role": item.role.value,
        "container": item.container,
        "what": item.what,
        "why": item.why or None,
        "certain": item.is_certain,
        "evidence": list(item.evidence),
        "advice": list(item.advice),
        "field": format_path(item.path) or None,
        "place": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
    }
