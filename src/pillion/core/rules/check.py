"""Runs every rule over a definition.

The rules are sorted into tables once for each set of launch types, by the member that they need, so that a
definition meets only the rules that can say something about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Generic, TypeVar

from pillion.core.findings import Finding
from pillion.core.rules.catalogue import RULES
from pillion.core.rules.rule import ContainerCheck, Rule, TaskCheck
from pillion.core.rules.structure import WRAPPER, is_wrapped, structure_findings
from pillion.core.rules.view import EC2, EXTERNAL, FARGATE, MANAGED_INSTANCES, TaskView

LAUNCH_TYPES: Final = frozenset({EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES})

Check = TypeVar("Check")


@dataclass(slots=True)
class _Table(Generic[Check]):
    """Rules with their functions, those that always look apart from those that need a member."""

    always: list[tuple[Rule, Check]] = field(default_factory=list)
    by_member: dict[str, list[tuple[Rule, Check]]] = field(default_factory=dict)

    def add(self, rule: Rule, check: Check) -> None:
        (self.always if rule.on is None else self.by_member.setdefault(rule.on, [])).append((rule, check))

    def rules_for(self, value: Mapping[str, Any]) -> Iterator[tuple[Rule, Check]]:
        """The rules that could hit a task or container with these members."""
        yield from self.always
        for member, rules in self.by_member.items():
            if value.get(member) is not None:
                yield from rules


@cache
def _tables(launch_types: frozenset[str]) -> tuple[_Table[TaskCheck], _Table[ContainerCheck]]:
    tasks: _Table[TaskCheck] = _Table()
    containers: _Table[ContainerCheck] = _Table()
    for rule in RULES:
        if rule.launch_type is not None and rule.launch_type not in launch_types:
            continue
        if rule.check_task is not None:
            tasks.add(rule, rule.check_task)
        if rule.check_container is not None:
            containers.add(rule, rule.check_container)
    return tasks, containers


_POSITIONS: Final = {rule.code: (rule.severity.rank, place) for place, rule in enumerate(RULES)}
"""Code -> place of its findings in a report: errors first, in the order in which AWS would report them."""


def check_definition(value: object, *, launch_types: Iterable[str] = ()) -> list[Finding]:
    """Find everything that is wrong with a task definition, or will be.

    Args:
        value: The definition's JSON object, with `UNKNOWN` for values that are not known yet; also as
            DescribeTaskDefinition prints it, inside of `taskDefinition`.
        launch_types: Launch types to check for beside those that the definition itself requires.

    Returns:
        Findings: what is no task definition at all, then what AWS refuses, in the order in which AWS would
        report it, then what hurts at run time.
    """
    findings = structure_findings(value)
    if not isinstance(value, dict):
        return findings
    if is_wrapped(value):
        findings += [
            replace(finding, path=(WRAPPER, *finding.path))
            for finding in _rule_findings(value[WRAPPER], launch_types)
        ]
    else:
        findings += _rule_findings(value, launch_types)
    return findings


def _rule_findings(value: dict[str, Any], launch_types: Iterable[str]) -> list[Finding]:
    task = TaskView(value, frozenset(launch_types))
    task_table, container_table = _tables(task.launch_types & LAUNCH_TYPES)
    anywhere = dict(value)
    for container in task.containers:
        anywhere.update(container.raw)
    hits: list[tuple[tuple[int, int], int, Finding]] = []
    for rule, check_task in task_table.rules_for(anywhere):
        position = _POSITIONS[rule.code]
        hits += [(position, 0, rule.finding(hit, _container_of(task, hit.path))) for hit in check_task(task)]
    for container in task.containers:
        for container_rule, check in container_table.rules_for(container.raw):
            key = (_POSITIONS[container_rule.code], container.index)
            hits += [(*key, container_rule.finding(hit, container.label)) for hit in check(task, container)]
    hits.sort(key=lambda entry: entry[:2])
    return [finding for _, _, finding in hits]


def _container_of(task: TaskView, path: tuple[str | int, ...]) -> str | None:
    """Name of the container that a path leads into, for rules that look at the whole task."""
    if len(path) > 2 and path[0] == "containerDefinitions":
        return next((c.label for c in task.containers if c.index == path[1]), None)
    return None
