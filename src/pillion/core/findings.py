"""Findings: what a check says about a task definition.

Here live the values that a check hands out: a finding, its severity, its place in a file and the edit that
would repair it. How findings are made is in `core.rules`; how they are printed is in `checking`.

Surprising: a finding carries the words of its rule (title, why, fix), so that whoever prints, stores or
sends it needs nothing but the finding.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

Path = tuple[str | int, ...]
"""Keys and indices from the definition's top to the value that a finding is about."""


class Severity(StrEnum):
    """How much a finding matters; the order of the members is from worst to mildest."""

    ERROR = "error"
    """AWS refuses the definition, or it cannot be read as one."""
    WARNING = "warning"
    """AWS accepts it, and it fails or hurts at run time."""
    INFO = "info"
    """Advice: worth knowing, often on purpose."""

    @property
    def rank(self) -> int:
        """0 for the worst severity; lower is worse."""
        return _RANKS[self]

    def at_least(self, threshold: Severity) -> bool:
        """Is this as bad as `threshold`, or worse?"""
        return self.rank <= threshold.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class EditAction(StrEnum):
    """What an edit does to the value at its path."""

    SET = "set"
    """Give the member this value; add the member where it is missing."""
    REMOVE = "remove"
    """Take the member, or the list element, away."""
    RENAME = "rename"
    """Keep the value and spell its key like this."""


class Edit(Struct, frozen=True, kw_only=True):
    """A repair that a program can make without asking: AWS refuses the definition as it stands."""

    path: Path
    action: EditAction
    value: Any = None


class Place(Struct, frozen=True, kw_only=True):
    """Where in a file a finding is; line and column count from 1.

    `end_column` is the column after the last character, where the place ends on the same line.
    """

    file: str
    line: int
    column: int
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a definition, or will be.

    Attributes:
        code: Stable code of the rule, such as `E101`.
        severity: How much it matters.
        title: The rule in one line.
        message: What is wrong here. AWS's own text, byte for byte, where `aws_text` is true.
        aws_text: Whether AWS is known to answer with exactly `message`.
        detail: Our words beside AWS's text: names, numbers, a suggestion. Empty where `message` says it all.
        path: Where in the definition, as keys and indices.
        at_key: Whether it is the member's name, rather than its value, that is wrong.
        container: Name of the container, or None for the task as a whole.
        why: Why it matters.
        fix: What to do.
        source: Page of AWS's documentation that says so.
        blocks_run: Whether the task cannot be run at all, not even locally.
        edit: A repair that can be applied without asking, where there is one.
        place: File, line and column, once somebody who knows the file has filled it in.
        definition: Which definition of a file with several: family or logical id.
    """

    code: str
    severity: Severity
    title: str
    message: str
    aws_text: bool = False
    detail: str = ""
    path: Path = ()
    at_key: bool = False
    container: str | None = None
    why: str = ""
    fix: str = ""
    source: str = ""
    blocks_run: bool = False
    edit: Edit | None = None
    place: Place | None = None
    definition: str | None = None

    @property
    def field(self) -> str:
        """The path as people write it: `containerDefinitions[0].dependsOn[1].condition`."""
        return format_path(self.path)


def format_path(path: Path) -> str:
    """Write a path the way AWS's own error texts do: dots between keys, indices in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
