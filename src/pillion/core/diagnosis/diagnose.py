"""The whole of a diagnosis: evidence in, answer out."""

from __future__ import annotations

from pillion.core.diagnosis.causes import Causes
from pillion.core.diagnosis.chain import make_chain
from pillion.core.diagnosis.culprit import find_culprit
from pillion.core.diagnosis.definition import DefinitionFacts, waits_of
from pillion.core.diagnosis.evidence import TaskEvidence
from pillion.core.diagnosis.known import Role
from pillion.core.diagnosis.model import Diagnosis, Explanation, Link
from pillion.core.lifecycle.explain import Waiting


def diagnose(
    task: TaskEvidence,
    facts: DefinitionFacts | None = None,
    waits: tuple[Waiting, ...] | None = None,
) -> Diagnosis:
    """Say why a task is where it is.

    Args:
        task: what is known of it.
        facts: its definition; without it nobody knows who is essential and who waits for whom.
        waits: who waits for what, where that is known exactly; else it is worked out from the definition.
    """
    if waits is None:
        waits = waits_of(task, facts) if facts else ()
    culprit = find_culprit(task, facts)
    findings = Causes(task, facts, culprit, waits).all()
    chain = make_chain(task, findings, culprit, facts)
    return Diagnosis(
        task=task, summary=_summary(task, findings, chain, facts), chain=chain, findings=findings
    )


def _summary(
    task: TaskEvidence,
    findings: tuple[Explanation, ...],
    chain: tuple[Link, ...],
    facts: DefinitionFacts | None,
) -> str:
    subject = " ".join(
        text for text in ("task", task.task_id[:8], task.family and f"({task.family})") if text
    )
    status = task.last_status or "in no known status"
    root = _root(findings, chain)
    if root is None:
        return f"{subject} is {status}{_nothing_seen(task, facts)}"
    who = f"{root.container}: " if root.container else ""
    likely = "" if root.is_certain or root.code == "unknown" else "most likely: "
    return f"{subject} is {status}. {likely}{who}{root.what}"


def _root(findings: tuple[Explanation, ...], chain: tuple[Link, ...]) -> Explanation | None:
    """Return the explanation that the answer is: a stop that was asked for, else where the chain begins."""
    asked = [item for item in findings if item.role is Role.EXPECTED and item.container is None]
    if asked:
        return asked[0]
    first = next((link.container for link in chain if link.container), None)
    serious = [item for item in findings if item.role in (Role.FAULT, Role.EXPECTED)]
    own = [item for item in serious if item.container == first and first is not None]
    return next(iter(own or serious), None)


def _nothing_seen(task: TaskEvidence, facts: DefinitionFacts | None) -> str:
    if task.last_status == "RUNNING":
        return ", and nothing is wrong that can be seen from here"
    if task.last_status == "PENDING" and facts is None:
        return "; the definition would tell who waits for whom: give it with --definition"
    if task.last_status == "PENDING":
        return "; nobody waits for another: an image is being pulled, or a container created or started"
    if task.last_status == "PROVISIONING":
        return ": its network interface is being made"
    return ""
