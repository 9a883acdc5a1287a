"""Texts of ECS that are known, as data: what they look like, what they mean, what to do.

A table is searched from the top and the first row that fits is the answer, so a row that says more stands
before one that says less. Patterns are searched for anywhere in a text, whatever the case of its letters:
ECS wraps the same text in others. ECS's apostrophe is typographic in places, so patterns take any character
there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct, field


class Role(Enum):
    """What part a finding plays in the story of a task."""

    FAULT = "fault"
    """Something went wrong, and the advice helps against it."""
    EXPECTED = "expected"
    """Somebody asked for it, or it is how ECS works; there is nothing to repair."""
    CONSEQUENCE = "consequence"
    """It followed from something else in the same task."""
    NOTE = "note"
    """Worth knowing; it is not why the task is where it is."""


class Scope(Enum):
    """Whose member of the definition a finding is about."""

    CONTAINER = "container"
    TASK = "task"


class KnownText(Struct, frozen=True, kw_only=True):
    """One text of ECS, or of what it runs on, and what is known about it.

    Attributes:
        code: stable name of the finding, for programs.
        pattern: a regular expression; its named groups can be used in `cause`, `explanation` and `advice`.
        cause: what happened, as a half-sentence without its full stop.
        explanation: why that happens, for somebody who reads the text for the first time.
        advice: what to do, the likeliest first.
        local_advice: what to do before that where pillion runs the task itself.
        member: the member of the definition to look at, as keys from the container or from the task.
        scope: whether `member` belongs to the container or to the task.
        role: what part the finding plays.
    """

    code: str
    pattern: str
    cause: str
    explanation: str = ""
    advice: tuple[str, ...] = ()
    local_advice: tuple[str, ...] = ()
    member: tuple[str, ...] = ()
    scope: Scope = Scope.CONTAINER
    role: Role = Role.FAULT


class Match(Struct, frozen=True, kw_only=True):
    """A known text that was found, with the words of the text filled in."""

    known: KnownText
    cause: str
    explanation: str
    advice: tuple[str, ...]
    words: dict[str, str] = field(default_factory=dict)


def recognise(text: str, tables: Iterable[tuple[KnownText, ...]]) -> Match | None:
    """Return the first row of the tables that fits a text, or None where nobody here knows it."""
    for table in tables:
        for known in table:
            found = re.search(known.pattern, text, re.IGNORECASE | re.DOTALL)
            if found is not None:
                return _match(known, {name: value or "" for name, value in found.groupdict().items()})
    return None


def _match(known: KnownText, words: dict[str, str]) -> Match:
    words = {name: value.strip(" .,;") for name, value in words.items()}
    return Match(
        known=known,
        cause=known.cause.format(**words),
        explanation=known.explanation.format(**words),
        advice=tuple(line.format(**words) for line in known.advice),
        words=words,
    )
