"""Which findings somebody has chosen not to hear about.

A code can be ignored on the command line, in pillion.toml, for one container by a Docker label, and in YAML
by a comment. The label is a real member of the API, because AWS's tools refuse members that they do not know.

    "dockerLabels": {"dev.pillion.ignore": "W001, W805"}

    - name: app            # pillion: ignore W805
      # pillion: ignore W001
      image: example/app:latest

A comment counts for the value that begins on its line (on the next one, if it stands alone) and for all that
is inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pillion.core.findings import Finding, Path
from pillion.core.rules.catalogue import BY_CODE
from pillion.core.task_view import mapping, members, text
from pillion.documents.source import Document

LABEL: Final = "dev.pillion.ignore"
_COMMENT: Final = re.compile(r"#\s*pillion:\s*ignore\s+([A-Z]\d{3}(?:[,\s]+[A-Z]\d{3})*)")
_CODE: Final = re.compile(r"[A-Z]\d{3}")


def parse_codes(words: Iterable[str]) -> frozenset[str]:
    """Read codes, separated by commas or spaces; what is no code is left for `unknown_codes` to name."""
    return frozenset(code.upper() for word in words for code in re.split(r"[,\s]+", word) if code)


def unknown_codes(codes: Iterable[str]) -> list[str]:
    """Those that no rule has, sorted."""
    return sorted(code for code in codes if code not in BY_CODE)


class Ignores:
    """The codes that are ignored in one document, and where.

    Args:
        document: The document, whose comments count if it is YAML.
        everywhere: Codes that are ignored as a whole.
    """

    def __init__(self, document: Document, everywhere: frozenset[str] = frozenset()) -> None:
        self._document = document
        self._everywhere = everywhere
        self._lines = _commented_lines(document.text) if "pillion" in document.text else {}

    def hides(self, finding: Finding, definition: Mapping[str, Any], path: Path) -> bool:
        """Is this finding ignored? `path` is its place in the document."""
        if finding.code in self._everywhere:
            return True
        if finding.container is not None and finding.code in _label_codes(finding.container, definition):
            return True
        return bool(self._lines) and finding.code in self._comment_codes(path)

    def _comment_codes(self, path: Path) -> set[str]:
        """Codes that are ignored for the value at the path, or for something around it.

        A member begins where its name is, a list item where its value is. The document as a whole begins
        where its first member does, so for it only a comment that stands alone counts.
        """
        top = self._document.locate(()).line
        codes = set(self._lines.get(top, _NO_COMMENT).above)
        for length in range(1, len(path) + 1):
            line = self._document.locate(path[:length], key=isinstance(path[length - 1], str)).line
            codes |= self._lines.get(line, _NO_COMMENT).codes
        return codes


class _Comments(NamedTuple):
    """Codes in the comments on a line, and in those that stand alone above it."""

    on: frozenset[str]
    above: frozenset[str]

    @property
    def codes(self) -> frozenset[str]:
        return self.on | self.above


_NO_COMMENT: Final = _Comments(frozenset(), frozenset())


def _commented_lines(text: str) -> dict[int, _Comments]:
    """Lines on which something begins that a comment is about."""
    found: dict[int, _Comments] = {}
    above: frozenset[str] = frozenset()
    for number, line in enumerate(text.splitlines(), start=1):
        match = _COMMENT.search(line)
        codes = frozenset(_CODE.findall(match[1])) if match else frozenset()
        if line.lstrip().startswith("#"):
            above |= codes
        elif line.strip():
            if codes or above:
                found[number] = _Comments(codes, above)
            above = frozenset()
    return found


def _label_codes(container: str, definition: Mapping[str, Any]) -> frozenset[str]:
    for _, raw in members(definition, "containerDefinitions"):
        if raw.get("name") == container:
            label = text(mapping(raw, "dockerLabels"), LABEL)
            return parse_codes([label]) if label else frozenset()
    return frozenset()
