"""The difference between two texts of a document, as a unified diff that `patch` and git take."""

from __future__ import annotations

from difflib import unified_diff

from pillion.documents.source import Document


def unified(before: Document, after: Document) -> list[str]:
    """Return the lines of a unified diff, each with its newline; none where nothing differs."""
    old, new = before.text.splitlines(keepends=True), after.text.splitlines(keepends=True)
    return [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old, new, before.name, before.name)
    ]
