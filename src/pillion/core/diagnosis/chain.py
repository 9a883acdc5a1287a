"""The chain of causes, first to last: who began, whom that held up, and how the task came to where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pillion.core.diagnosis.causes import dependency_in
from pillion.core.diagnosis.culprit import Culprit, ended_by_an_exit
from pillion.core.diagnosis.definition import DefinitionFacts
from pillion.core.diagnosis.evidence import ContainerEvidence, TaskEvidence
from pillion.core.diagnosis.known import Role
from pillion.core.diagnosis.model import Explanation, Link


def make_chain(
    task: TaskEvidence,
    findings: tuple[Explanation, ...],
    culprit: Culprit | None,
    facts: DefinitionFacts | None,
) -> tuple[Link, ...]:
    """Return the causes in the order in which they led to one another."""
    links: list[Link] = []
    told: set[str] = set()
    for name in _in_order(task, culprit, findings):
        link = _link_of(task, name, findings)
        if link is not None:
            links.append(link)
            told.add(name)
    links += _of_task(task, findings)
    links += _of_stop(task, findings, culprit, facts, told)
    return tuple(links)


def _in_order(
    task: TaskEvidence, culprit: Culprit | None, findings: tuple[Explanation, ...]
) -> Iterator[str]:
    """Yield the containers of the story: each after the one that it depended on, and the culprit last."""
    holds = {item.name: name for item in task.containers if (name := dependency_in(item.reason))}
    done: set[str] = set()

    def after_its_dependency(name: str) -> Iterator[str]:
        if name in done:
            return
        done.add(name)
        if name in holds:
            yield from after_its_dependency(holds[name])
        yield name

    for name in holds:
        yield from after_its_dependency(name)
    waits = () if _is_stopping(task) else ("waits", "working")
    for item in findings:
        by_itself = item.role is Role.FAULT or item.code in waits
        if item.container and by_itself and (culprit is None or item.container != culprit.name):
            yield from after_its_dependency(item.container)
    if culprit is not None:
        yield from after_its_dependency(culprit.name)


def _link_of(task: TaskEvidence, name: str, findings: Iterable[Explanation]) -> Link | None:
    item = task.container(name)
    told = [found for found in findings if found.container == name and found.role is not Role.NOTE]
    if not told:
        return None
    words = told[0].what if told[0].is_certain else f"most likely: {told[0].what}"
    if told[0].role is Role.CONSEQUENCE:
        words = f"it cannot start: {words}"
    return Link(container=name, text=words, at_s=item.stopped_at_s if item else None)


def _of_task(task: TaskEvidence, findings: Iterable[Explanation]) -> Iterator[Link]:
    for item in findings:
        if item.container is None and item.role in (Role.FAULT, Role.EXPECTED):
            yield Link(text=item.what, at_s=task.stopping_at_s)


def _of_stop(
    task: TaskEvidence,
    findings: Iterable[Explanation],
    culprit: Culprit | None,
    facts: DefinitionFacts | None,
    told: set[str],
) -> Iterator[Link]:
    if not _is_stopping(task):
        yield from _still_there(task)
        return
    for name in _essential_ones(task, culprit, facts):
        words = f"{name} is essential, so ECS stops the task"
        yield Link(text=words, at_s=task.stopping_at_s)
    others = [item for item in task.containers if item.name not in told and _ran(item)]
    if others:
        names = ", ".join(item.name for item in others)
        yield Link(text=f"told to stop with it: {names}", at_s=task.stopping_at_s)
    for item in findings:
        if item.code == "killed-after-stop-timeout":
            yield Link(container=item.container, text=item.what)
    if task.is_stopped:
        reason = ": ".join(text for text in (task.stop_code, task.stopped_reason) if text)
        yield Link(text=f"the task is STOPPED{f' ({reason})' if reason else ''}", at_s=task.stopped_at_s)
    else:
        for item in findings:
            if item.code in ("working", "waits-to-stop"):
                yield Link(container=item.container, text=item.what)
        yield Link(text="the task is stopping")


def _is_stopping(task: TaskEvidence) -> bool:
    """Whether the task has stopped, or is to."""
    return task.is_stopped or task.desired_status == "STOPPED"


def _still_there(task: TaskEvidence) -> Iterator[Link]:
    if task.last_status:
        yield Link(text=f"the task is {task.last_status}", at_s=task.started_at_s or task.created_at_s)


def _essential_ones(
    task: TaskEvidence, culprit: Culprit | None, facts: DefinitionFacts | None
) -> tuple[str, ...]:
    """Return whose end is the reason of the stop, where that can be said."""
    if culprit is not None and (ended_by_an_exit(task) or task.ended_by):
        return (culprit.name,)
    if task.stop_code != "TaskFailedToStart" or facts is None:
        return ()
    return tuple(item.name for item in task.containers if item.reason and facts.is_essential(item.name))[:1]


def _ran(item: ContainerEvidence) -> bool:
    if item.has_run is not None:
        return item.has_run
    ended = item.exit_code is not None and "dependency graph:" not in item.reason
    return item.last_status == "RUNNING" or ended
