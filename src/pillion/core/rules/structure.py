"""What is no task definition at all: unknown members, wrong types, missing ones.

The parser of the model finds these; here they get codes and words, like every other finding. Surprising:
what AWS takes although the API's model does not say so (a protocol that it does not know, for one) is left to
the rules that know better.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from pillion.core.findings import Finding, Path, Severity
from pillion.core.rules.examples import app, task
from pillion.core.rules.rule import Rule, api, guide
from pillion.core.task_view import UNKNOWN
from pillion.core.taskdef.parse import parse_task_definition
from pillion.core.taskdef.problem import Problem, ProblemCode

_PAGE: Final = api("API_RegisterTaskDefinition.html")

_ROADS: Final = (
    "The AWS CLI and the SDKs refuse to send it, CloudFormation refuses the template, and Terraform drops it "
    "in silence, so that it looks set and is not."
)

wrong_type: Final = Rule(
    code="S001",
    severity=Severity.ERROR,
    title="A value of the wrong type",
    why="The AWS CLI, the SDKs and Terraform refuse it before AWS sees it; CloudFormation converts some.",
    fix="Write the type that the API has: numbers and true/false without quotes, texts with them.",
    source=_PAGE,
    bad=task(app(cpu="256")),
    good=task(app(cpu=256)),
    blocks_run=True,
)
bad_word: Final = Rule(
    code="S002",
    severity=Severity.ERROR,
    title="A word that the API does not know here",
    why="The member takes one of a few words, and AWS refuses any other.",
    fix="Use one of the words that the message lists.",
    source=_PAGE,
    bad=task(networkMode="vpc"),
    good=task(networkMode="awsvpc"),
    blocks_run=True,
)
out_of_range: Final = Rule(
    code="S003",
    severity=Severity.ERROR,
    title="A number that the API cannot take",
    why="The API's whole numbers have 32 bits.",
    fix="Use a smaller number.",
    source=_PAGE,
    bad=task(app(memory=2**31)),
    good=task(app(memory=512)),
    blocks_run=True,
)
unknown_field: Final = Rule(
    code="S004",
    severity=Severity.ERROR,
    title="A member that the API does not know",
    why=_ROADS,
    fix="Correct the name, or take the member away.",
    source=_PAGE,
    bad=task(app(healthChek={"command": ["CMD", "true"]})),
    good=task(app(healthCheck={"command": ["CMD", "true"]})),
    blocks_run=True,
)
wrong_case: Final = Rule(
    code="S005",
    severity=Severity.ERROR,
    title="A member in the wrong spelling",
    why=(
        "The API writes camelCase and CloudFormation PascalCase, and each refuses the other; Terraform's "
        "container definitions take any case of the API's names, and nothing else."
    ),
    fix="Write the member as the API does.",
    source=_PAGE,
    bad=task(NetworkMode="awsvpc"),
    good=task(networkMode="awsvpc"),
    blocks_run=True,
)
misplaced_field: Final = Rule(
    code="S006",
    severity=Severity.ERROR,
    title="A member in the wrong place",
    why=_ROADS,
    fix="Move the member to where the message says.",
    source=_PAGE,
    bad=task(app(networkMode="awsvpc")),
    good=task(app(), networkMode="awsvpc"),
    blocks_run=True,
)
missing_field: Final = Rule(
    code="S007",
    severity=Severity.ERROR,
    title="A member that the API requires is missing",
    why="The AWS CLI and the SDKs refuse to send the definition.",
    fix="Add the member.",
    source=_PAGE,
    bad=task(family=None),
    good=task(family="web"),
    blocks_run=True,
)
null: Final = Rule(
    code="S008",
    severity=Severity.WARNING,
    title="A member that is null",
    why="The service reads null as absent, but the AWS CLI and the SDKs refuse to send it.",
    fix="Leave the member out.",
    source=_PAGE,
    bad={**task(), "cpu": None},
    good=task(),
)
given_twice: Final = Rule(
    code="S009",
    severity=Severity.ERROR,
    title="One thing in two places",
    why="Only one of the two can count, and it is not said which.",
    fix="Keep one of them.",
    source=guide("ecs-using-tags.html"),
    bad={"taskDefinition": task(tags=[{"key": "a", "value": "b"}]), "tags": [{"key": "a", "value": "c"}]},
    good={"taskDefinition": task(), "tags": [{"key": "a", "value": "c"}]},
    blocks_run=True,
)
not_an_object: Final = Rule(
    code="S010",
    severity=Severity.ERROR,
    title="The document is no task definition",
    why="A task definition is an object with a family and containerDefinitions.",
    fix="Give a task definition, a list of containers, a CloudFormation template or Terraform's JSON.",
    source=_PAGE,
    bad=[],
    good=task(),
    blocks_run=True,
)

WRAPPER: Final = "taskDefinition"
"""DescribeTaskDefinition and RegisterTaskDefinition print the definition inside of this, tags beside it."""

_RULES: Final = {
    ProblemCode.WRONG_TYPE: wrong_type,
    ProblemCode.BAD_WORD: bad_word,
    ProblemCode.OUT_OF_RANGE: out_of_range,
    ProblemCode.UNKNOWN_FIELD: unknown_field,
    ProblemCode.WRONG_CASE: wrong_case,
    ProblemCode.MISPLACED_FIELD: misplaced_field,
    ProblemCode.MISSING_FIELD: missing_field,
    ProblemCode.NULL: null,
    ProblemCode.TWICE: given_twice,
}

_SPOKEN_FOR: Final = frozenset({"protocol", "logDriver"})
"""Words about which a rule says more: W301, as AWS takes any protocol for tcp, and E601 with AWS's text."""


def is_wrapped(value: dict[str, Any]) -> bool:
    """Is the definition inside of `taskDefinition`?"""
    return "containerDefinitions" not in value and isinstance(value.get(WRAPPER), dict)


def structure_findings(value: object) -> list[Finding]:
    """Problems of structure, as findings; values that are `UNKNOWN` fit everywhere."""
    if not isinstance(value, dict):
        return [_finding(not_an_object, "A task definition is an object.", (), value)]
    result = parse_task_definition(value, unknown=UNKNOWN)
    found = []
    for problem in (*result.problems, *result.notes):
        if problem.code is ProblemCode.BAD_WORD and problem.path[-1] in _SPOKEN_FOR:
            continue
        found.append(_from_problem(problem, value))
    return found


def _from_problem(problem: Problem, value: dict[str, Any]) -> Finding:
    rule = _RULES[problem.code]
    return replace(
        _finding(rule, problem.message, problem.path, value),
        detail=problem.hint,
        at_key=problem.at_key,
        edit=problem.edit,
    )


def _finding(rule: Rule, message: str, path: Path, value: object) -> Finding:
    return Finding(
        code=rule.code,
        severity=rule.severity,
        title=rule.title,
        message=message,
        path=path,
        container=_container_name(path, value),
        why=rule.why,
        fix=rule.fix,
        source=rule.source,
        blocks_run=rule.blocks_run,
    )


def _container_name(path: Path, value: object) -> str | None:
    """Name of the container that the path leads into."""
    if path[:1] == (WRAPPER,) and isinstance(value, dict):
        path, value = path[1:], value.get(WRAPPER)
    if len(path) < 2 or path[0] != "containerDefinitions" or not isinstance(value, dict):
        return None
    containers, index = value.get("containerDefinitions"), path[1]
    if not isinstance(containers, list) or not isinstance(index, int) or index >= len(containers):
        return None
    container = containers[index]
    name = container.get("name") if isinstance(container, dict) else None
    return name if isinstance(name, str) and name else f"#{index}"
