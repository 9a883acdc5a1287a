"""What a diagnosis is made of. Values only."""

from __future__ import annotations

from msgspec import Struct

from pillion.core.diagnosis.evidence import TaskEvidence
from pillion.core.diagnosis.known import Role
from pillion.core.findings import Path, Place


class Explanation(Struct, frozen=True, kw_only=True):
    """One thing that happened to a task, and what to do about it.

    Attributes:
        code: stable name, for programs.
        role: what part it plays.
        what: what happened, as a half-sentence.
        container: whom it happened to; None for the task as a whole.
        why: why that happens; may be empty.
        evidence: what it is concluded from, in the words of whoever said it.
        advice: what to do, the likeliest first.
        path: the member of the definition to look at; empty where none is known.
        place: where that is in a file, once somebody who knows the file has filled it in.
        is_certain: False where the evidence allows another story.
    """

    code: str
    role: Role
    what: str
    container: str | None = None
    why: str = ""
    evidence: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    path: Path = ()
    place: Place | None = None
    is_certain: bool = True


class Link(Struct, frozen=True, kw_only=True):
    """One link of the chain of causes. `container` is None for the task, `at_s` where no time is known."""

    text: str
    container: str | None = None
    at_s: float | None = None


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Why a task is where it is.

    Attributes:
        task: the evidence.
        summary: the answer in one sentence.
        chain: the causes, first to last.
        findings: every explanation, the most important first.
    """

    task: TaskEvidence
    summary: str
    chain: tuple[Link, ...]
    findings: tuple[Explanation, ...]
