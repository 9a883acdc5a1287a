"""Finds half characters: JSON and YAML can write one half of a surrogate pair alone, and no text can hold it.

Such a text can be neither printed, nor stored, nor sent, so it is better refused where it is read.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ESCAPE: Final = re.compile(r"\\[uU](?:0000)?[dD][89a-fA-F]")


class HalfCharacter(NamedTuple):
    """Where one is: the path of the value, and whether it is in the member's name."""

    path: tuple[str | int, ...]
    in_name: bool


def find_half_character(text: str, value: object) -> HalfCharacter | None:
    """Return the first one of a document, or None where there is none, which costs one quick search.

    Args:
        text: What the document was read from.
        value: Its value, made of dict, list and plain values.
    """
    return _find(value, ()) if _ESCAPE.search(text) or not _is_whole(text) else None


def _find(value: object, path: tuple[str | int, ...]) -> HalfCharacter | None:
    if isinstance(value, str):
        return None if _is_whole(value) else HalfCharacter(path, in_name=False)
    members: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for key, item in members:
        if isinstance(key, str) and not _is_whole(key):
            return HalfCharacter((*path, key), in_name=True)
        if (found := _find(item, (*path, key))) is not None:
            return found
    return None


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
