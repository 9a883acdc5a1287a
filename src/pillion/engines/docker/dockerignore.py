"""Which files of a folder belong to a build: the rules of `.dockerignore`. Pure.

Patterns are relative to the folder; `*` and `?` stay within one level, `**` spans levels, `!` brings files
back, and the last pattern that matches a file decides. A pattern that matches a folder matches all in it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from msgspec import Struct


class Pattern(Struct, frozen=True):
    """One line of a `.dockerignore`."""

    regex: re.Pattern[str]
    keeps: bool


def parse_patterns(text: str) -> tuple[Pattern, ...]:
    """Read a `.dockerignore`."""
    patterns = []
    for line in text.lstrip("\ufeff").splitlines():
        written = line.strip()
        if not written or line.startswith("#"):
            continue
        keeps = written.startswith("!")
        path = posixpath.normpath(written.removeprefix("!").strip()).lstrip("/")
        if path not in ("", "."):
            patterns.append(Pattern(re.compile(_regex(path)), keeps))
    return tuple(patterns)


def is_ignored(path: str, patterns: Iterable[Pattern]) -> bool:
    """Say whether a file is left out; `path` is relative, with `/` between the levels."""
    ignored = False
    for pattern in patterns:
        if pattern.keeps == ignored and pattern.regex.match(path):
            ignored = not pattern.keeps
    return ignored


def _regex(path: str) -> str:
    parts = re.split(r"(\*\*/?|\*|\?|\[[^]]*\])", path)
    return "".join(_part(part) for part in parts) + r"(?:/.*)?\Z"


def _part(part: str) -> str:
    match part:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
    if part.startswith("[") and part.endswith("]"):
        return part
    return re.escape(re.sub(r"\\(.)", r"\1", part))
