"""Rules in their order, to be run over a definition.

Which rules can say something about a task or a container follows from the launch types and from the members
that it has. That choice is made once for each combination and remembered, because a repository's definitions
are much alike; it is what two thousand definitions a second rest on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from pillion.core.findings import Finding
from pillion.core.rules.rule import ContainerCheck, Rule, TaskCheck
from pillion.core.rules.structure import WRAPPER, is_wrapped, structure_findings
from pillion.core.task_view import EC2, EXTERNAL, FARGATE, MANAGED_INSTANCES, TaskView

LAUNCH_TYPES: Final = frozenset({EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES})

Order = tuple[int, int]


class _Chosen(NamedTuple):
    """The rules that can say something, each with its function and the place of its findings in a report."""

    task: tuple[tuple[Order, Rule, TaskCheck], ...]
    container: tuple[tuple[Order, Rule, ContainerCheck], ...]


class Rulebook:
    """Some rules, in the order in which AWS would report them."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._members = frozenset(rule.on for rule in rules if rule.on is not None)  # they decide who looks
        self._choose = lru_cache(maxsize=4096)(self._fitting)

    def check(self, value: object, *, launch_types: Iterable[str] = ()) -> list[Finding]:
        """Find everything that these rules object to in a task definition.

        Args:
            value: The definition's JSON object, with `UNKNOWN` for values that are not known yet; also as
                DescribeTaskDefinition prints it, inside of `taskDefinition`.
            launch_types: Launch types to check for beside those that the definition itself requires.

        Returns:
            Findings: what is no task definition at all, then what AWS refuses, in the order in which AWS
            would report it, then what hurts at run time.
        """
        findings = structure_findings(value)
        if not isinstance(value, dict):
            return findings
        if is_wrapped(value):
            findings += [
                replace(finding, path=(WRAPPER, *finding.path))
                for finding in self._findings(value[WRAPPER], launch_types)
            ]
        else:
            findings += self._findings(value, launch_types)
        return findings

    def _findings(self, value: dict[str, Any], launch_types: Iterable[str]) -> list[Finding]:
        task = TaskView(value, frozenset(launch_types))
        checked_for = task.launch_types & LAUNCH_TYPES
        anywhere = self._present(value)
        found: list[tuple[Order, int, Finding]] = []
        for container in task.containers:
            members = self._present(container.raw)
            anywhere |= members
            for order, rule, check in self._choose(checked_for, members).container:
                for hit in check(task, container):
                    found.append((order, container.index, rule.finding(hit, container.label)))  # noqa: PERF401 (it is the quicker one: almost no rule hits)
        for order, rule, check_task in self._choose(checked_for, anywhere).task:
            for hit in check_task(task):
                found.append((order, 0, rule.finding(hit, _container_of(task, hit.path))))  # noqa: PERF401 (as above)
        found.sort(key=lambda entry: entry[:2])
        return [finding for _, _, finding in found]

    def _fitting(self, launch_types: frozenset[str], members: frozenset[str]) -> _Chosen:
        """Choose the rules for a task, or a container, with these members."""
        fitting = [
            ((rule.severity.rank, place), rule)
            for place, rule in enumerate(self._rules)
            if (rule.launch_type is None or rule.launch_type in launch_types)
            and (rule.on is None or rule.on in members)
        ]
        return _Chosen(
            task=tuple((order, rule, rule.check_task) for order, rule in fitting if rule.check_task),
            container=tuple(
                (order, rule, rule.check_container) for order, rule in fitting if rule.check_container
            ),
        )

    def _present(self, value: Mapping[str, Any]) -> frozenset[str]:
        """The members, among those that matter, which are there."""
        return self._members.intersection([key for key, found in value.items() if found is not None])


def _container_of(task: TaskView, path: tuple[str | int, ...]) -> str | None:
    """Name of the container that a path leads into, for rules that look at the whole task."""
    if len(path) > 2 and path[0] == "containerDefinitions":
        return next((c.label for c in task.containers if c.index == path[1]), None)
    return None
