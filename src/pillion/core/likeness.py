"""Which of the words that are known somebody meant."""

from __future__ import annotations

from collections.abc import Collection


def closest(word: str, known: Collection[str], *, likeness_min: float = 0.6) -> str | None:
    """Return the word that looks most like `word`, None where none does.

    `likeness_min` is between 0 and 1, as `difflib` counts it.
    """
    from difflib import get_close_matches  # who makes no mistake need not wait for it

    found = get_close_matches(word, known, n=1, cutoff=likeness_min)
    return found[0] if found else None


def suggestion(word: str, known: Collection[str]) -> str:
    """Return how a message about an unknown word goes on: the word that was meant, else all of them."""
    found = closest(word, known)
    return f"; did you mean {found!r}?" if found else f"; it may be one of {', '.join(known)}"
