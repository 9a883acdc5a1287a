"""What a rule is, and how one is written.

A rule is a value: its words, its examples and the function that looks. The function gets the whole task, or
the task and one container, and yields hits; words that are the same every time stay with the rule.

    @container_rule(code="E101", title=…, why=…, fix=…, source=…, bad=…, good=…, on="dependsOn")
    def unknown_dependency(task, container):
        yield aws_says(container.at("dependsOn", 0), "Cannot depend on …")

`on` names the member without which the rule cannot hit; it is how two thousand definitions a second stay
possible. The examples are whole definitions: the documentation shows them and the tests check them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple, NotRequired, TypedDict, Unpack

from msgspec import Struct

from pillion.core.findings import Edit, EditAction, Finding, Path, Severity
from pillion.core.task_view import ContainerView, TaskView


class Hit(NamedTuple):
    """One place that a rule objects to. A tuple, because thousands are made in a run over a repository."""

    path: Path
    message: str
    aws_text: bool
    detail: str
    edit: Edit | None


def aws_says(path: Path, message: str, detail: str = "", *, edit: Edit | None = None) -> Hit:
    """A hit with AWS's own text, byte for byte; `detail` is ours."""
    return Hit(path, message, True, detail, edit)


def we_say(path: Path, message: str, *, edit: Edit | None = None) -> Hit:
    """A hit in our own words, because AWS's are not known or AWS says nothing."""
    return Hit(path, message, False, "", edit)


def set_to(path: Path, value: object) -> Edit:
    """The repair that gives the member at `path` this value."""
    return Edit(path=path, action=EditAction.SET, value=value)


def removing(path: Path) -> Edit:
    """The repair that takes away what is at `path`."""
    return Edit(path=path, action=EditAction.REMOVE)


TaskCheck = Callable[[TaskView], Iterable[Hit]]
ContainerCheck = Callable[[TaskView, ContainerView], Iterable[Hit]]


class Rule(Struct, frozen=True, kw_only=True):
    """One rule.

    Attributes:
        code: Stable code: `E…` AWS refuses, `W…` fails or hurts at run time, `S…` is no task definition.
        severity: How much a hit matters.
        title: The rule in one line, as a statement about the definition.
        why: What happens if nobody does anything.
        fix: What to do.
        source: Page of AWS's documentation.
        bad: A definition that the rule objects to.
        good: The same definition, put right.
        on: Member without which the rule cannot hit: of the container that it looks at, or for a rule about
            the task, of the task or of any container.
        launch_type: The only launch type for which the rule holds, or None for all.
        blocks_run: Whether a task with a hit cannot be run at all, not even locally.
        check_task: Looks at the task, or None.
        check_container: Looks at one container, or None.
    """

    code: str
    severity: Severity
    title: str
    why: str
    fix: str
    source: str
    bad: Any
    good: Any
    on: str | None = None
    launch_type: str | None = None
    blocks_run: bool = False
    check_task: TaskCheck | None = None
    check_container: ContainerCheck | None = None

    def finding(self, hit: Hit, container: str | None) -> Finding:
        """Put a hit and the rule's own words together."""
        return Finding(
            code=self.code,
            severity=self.severity,
            title=self.title,
            message=hit.message,
            aws_text=hit.aws_text,
            detail=hit.detail,
            path=hit.path,
            container=container,
            why=self.why,
            fix=self.fix,
            source=self.source,
            blocks_run=self.blocks_run,
            edit=hit.edit,
        )


def rules_in(modules: Iterable[ModuleType]) -> list[Rule]:
    """Return the rules that modules define, module by module, as they stand there."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]


class RuleWords(TypedDict):
    """What a decorator takes: everything about a rule but the function that looks."""

    code: str
    title: str
    why: str
    fix: str
    source: str
    bad: Any
    good: Any
    severity: NotRequired[Severity]
    on: NotRequired[str]
    launch_type: NotRequired[str]
    blocks_run: NotRequired[bool]


def task_rule(**words: Unpack[RuleWords]) -> Callable[[TaskCheck], Rule]:
    """Make a rule of a function that looks at a whole task.

    The severity follows from the code, `E` or `W`, unless it is given.
    """
    words.setdefault("severity", _severity_of(words["code"]))
    return lambda check: Rule(check_task=check, **words)


def container_rule(**words: Unpack[RuleWords]) -> Callable[[ContainerCheck], Rule]:
    """Make a rule of a function that looks at one container of a task.

    The severity follows from the code, `E` or `W`, unless it is given.
    """
    words.setdefault("severity", _severity_of(words["code"]))
    return lambda check: Rule(check_container=check, **words)


def _severity_of(code: str) -> Severity:
    return Severity.WARNING if code.startswith("W") else Severity.ERROR


_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"


def guide(page: str) -> str:
    """Address of a page of the ECS developer guide."""
    return f"{_GUIDE}{page}"


def api(page: str) -> str:
    """Address of a page of the ECS API reference."""
    return f"{_API}{page}"
